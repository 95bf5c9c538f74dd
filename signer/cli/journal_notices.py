"""Notices as `pegwarden journal show` tells them: a line for people, and members for `--json`."""

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import display
from signer.cli.journal_agreement import described_agreement
from signer.core.agreement.notices import AgreementNotice
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
    moment = f", {format_time(notice.moment)}" if notice.moment else ""
    policy_id = notice.policy_id.hex()
    about = f"{notice.step}: policy {policy_id}{moment}"
    return {"kind": "step", "policy_id": policy_id, "step": notice.step, "about": about}
