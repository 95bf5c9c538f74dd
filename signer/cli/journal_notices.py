"""Notices as `pegwarden journal show` tells them: a line for people, and members for `--json`."""

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import Txid, display
from signer.cli.journal_agreement import described_agreement
from signer.core.agreement.notices import AgreementNotice
from signer.core.deposits import DepositNotice, ReorganisedNotice
from signer.core.moments import format_time
from signer.core.notices import AttestedNotice, Notice, OfficerNotice, PolicyNotice
from signer.core.released import ReleasedNotice


def described_notice(notice: Notice) -> dict[str, object]:
    """Kind, what it is about, and its members."""
    if isinstance(notice, AgreementNotice):
        return described_agreement(notice)
    match notice:
        case AttestedNotice():
            ids = [terms.withdrawal_id.hex() for terms, _ in notice.started]
            about = f"a quorum of attestors vouched for {', '.join(ids)}"
            return {"kind": "attested", "withdrawal_ids": ids, "about": about}
        case OfficerNotice():
            signed = notice.signed
            action = signed.text.split("\n")[1].removeprefix("action: ")
            about = f"{action}, officer {signed.officer.hex()}"
            officer, signature = signed.officer.hex(), signed.signature.hex()
            act = {"officer": officer, "text": signed.text, "signature": signature}
            return {"kind": "officer", "about": about, **act}
        case PolicyNotice():
            policy_id = sha256(notice.policy).hex()
            about = f"proposed: policy {policy_id}, version {notice.version}, {notice.verdict}"
            return {"kind": "policy", "policy_id": policy_id, "about": about}
        case ReleasedNotice():
            withdrawal_id, killer = notice.terms.withdrawal_id.hex(), display(notice.killer)
            said = "closed" if notice.pin is None else f"pin {notice.pin} struck"
            about = f"withdrawal {withdrawal_id}: {said}, by {killer}"
            found = {"kind": "released", "about": about, "txid": killer}
            return found | {"withdrawal_ids": [withdrawal_id]}
        case DepositNotice():
            return _deposit(notice)
        case ReorganisedNotice():
            blocks = sorted({display(Txid(each.block_hash)) for each in notice.undone})
            entries = [each.entry for each in notice.undone]
            about = f"blocks left the best chain on which {len(entries)} entries relied"
            return {"kind": "reorganised", "about": about, "entries": entries, "blocks": blocks}
    moment = f", {format_time(notice.moment)}" if notice.moment else ""
    policy_id = notice.policy_id.hex()
    about = f"{notice.step}: policy {policy_id}{moment}"
    return {"kind": "step", "policy_id": policy_id, "step": notice.step, "about": about}


def _deposit(notice: DepositNotice) -> dict[str, object]:
    facts, payload = notice.facts, notice.facts.payload
    about = (
        f"deposit {facts.outpoint} of {facts.amount} sat, {notice.blocks} confirmations: attested to "
        f"{payload.l2_address.hex()} on chain {payload.l2_chain_id}"
    )
    return {
        "kind": "deposit",
        "about": about,
        "caller": notice.caller,
        "txid": display(facts.outpoint.txid),
        "vout": facts.outpoint.vout,
        "amount_sat": facts.amount,
        "vault_fingerprint": facts.vault_fingerprint.hex(),
        "magic": payload.magic.hex(),
        "l2_chain_id": payload.l2_chain_id,
        "l2_address": payload.l2_address.hex(),
        "block": display(Txid(facts.block_hash)),
        "height": facts.height,
        "confirmations": notice.blocks,
        "scheme": notice.scheme,
        "attestation_key": notice.key.hex(),
    }
