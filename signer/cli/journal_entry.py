"""Entries as `pegwarden journal` tells them: a line for people, and members for `--json`."""

from datetime import UTC, datetime

from signer.bitcoin.transaction import display
from signer.cli.journal_notices import described_notice
from signer.core.agreement.notices import AgreementNotice
from signer.core.chain_word import ChainWord
from signer.core.deposits import ReorganisedNotice
from signer.core.evidence_codec import decode_chain
from signer.core.notices import PolicyStepNotice
from signer.journal.audit import StoredEntry
from signer.journal.entry import GenesisEntry, RefusedEntry, SignedEntry

_WITHOUT_CALLER = GenesisEntry | PolicyStepNotice | AgreementNotice | ReorganisedNotice


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
    signed |= {"charge_sat": claims.charge, "about": about}
    word = decode_chain(entry.evidence)
    return described | signed | ({} if word is None else {"chain": _chain(word)})


def _chain(word: ChainWord) -> dict[str, object]:
    """What our own headers said at the decision."""
    return {
        "vouched_height": word.vouched,
        "tip_median_time": word.tip.median_time,
        "stale": [each.code for each in word.stale],
        "proven": [
            {
                "txid": display(txid),
                "height": place.height,
                "confirmations": place.burial.blocks,
                "work": f"{place.burial.work:x}",
            }
            for txid, place in word.placed.items()
        ],
    }
