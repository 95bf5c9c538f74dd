"""Entries as `pegwarden journal` tells them: a line for people, and members for `--json`."""

from datetime import UTC, datetime

from signer.bitcoin.transaction import display
from signer.cli.journal_notices import described_notice
from signer.core.agreement.notices import AgreementNotice
from signer.core.notices import PolicyStepNotice
from signer.journal.audit import StoredEntry
from signer.journal.entry import GenesisEntry, RefusedEntry, SignedEntry

_WITHOUT_CALLER = GenesisEntry | PolicyStepNotice | AgreementNotice


def described(stored: StoredEntry) -> dict[str, object]:
    """Number, decision id, time, kind, and what it is about."""
    entry = stored.entry
    described: dict[str, object] = {
        "number": stored.number,
        "decision_id": stored.leaf.hex(),
        "time": datetime.fromtimestamp(entry.clock, UTC).isoformat(),
        "caller": "" if isinstance(entry, _WITHOUT_CALLER) else entry.caller,
    }
    if isinstance(entry, GenesisEntry):
        about = f"{entry.network}, policy {entry.policy_id.hex()}"
        return described | {"kind": "genesis", "about": about}
    if isinstance(entry, RefusedEntry):
        about = f"{entry.code}: {entry.objections[0].detail}"
        return described | {"kind": "refused", "code": entry.code, "about": about}
    if not isinstance(entry, SignedEntry):
        return described | described_notice(entry)
    claims = entry.claims
    paid = [
        {"withdrawal_id": each.withdrawal_id.hex(), "amount_sat": each.amount, "vout": each.vout}
        for each in claims.payments
    ]
    txid = display(claims.txid)
    about = f"{txid}, {len(paid)} payments, fee {claims.fee} sat"
    signed = {"kind": "signed", "txid": txid, "payments": paid, "fee_sat": claims.fee}
    return described | signed | {"charge_sat": claims.charge, "about": about}
