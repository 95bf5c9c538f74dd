"""Notices of agreement as `pegwarden journal show` tells them (docs/agreement.md)."""

from signer.core.agreement.notices import (
    AgreedNotice,
    AgreementNotice,
    ForkedNotice,
    Heard,
    HeardNotice,
    StartedNotice,
    VoidNotice,
)


def described_agreement(notice: AgreementNotice) -> dict[str, object]:
    """Kind, what it is about, and its members."""
    match notice:
        case AgreedNotice():
            granted_by = [grant.witness.hex() for grant in notice.grants]
            about = f"entry {notice.number} is granted by {len(granted_by)} other members"
            return {
                "kind": "agreed",
                "entry": notice.number,
                "granted_by": granted_by,
                "about": about,
            }
        case VoidNotice():
            about = f"entry {notice.number} is void: {notice.reason}"
            return {"kind": "void", "entry": notice.number, "reason": notice.reason, "about": about}
        case HeardNotice():
            return {"kind": "heard", **_heard(notice.heard), **_changes(notice)}
        case StartedNotice():
            about = f"the logs of {len(notice.heard)} members are imported"
            heard = [_heard(each) for each in notice.heard]
            said = {"incarnation": notice.incarnation.hex(), "heard": heard, "about": about}
            return {"kind": "started", **said}
        case ForkedNotice():
            about = f"two heads of member {notice.member.hex()} contradict each other"
            heads = [notice.first, notice.second]
            return {"kind": "forked", "member": notice.member.hex(), "heads": heads, "about": about}


def _heard(heard: Heard) -> dict[str, object]:
    return {"member": heard.member.hex(), "size": heard.size, "root": heard.root.hex()}


def _changes(notice: HeardNotice) -> dict[str, object]:
    taken = [
        {"member": each.claim.origin.hex(), "entry": each.claim.number, "granted": each.granted}
        for each in notice.taken
    ]
    released = [{"member": each.origin.hex(), "entry": each.number} for each in notice.released]
    about = f"{len(taken)} claims of other members taken, {len(released)} released"
    return {"taken": taken, "released": released, "about": about}
