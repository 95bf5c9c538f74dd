"""The witnesses of a vault: the kernels of its members, of which a quorum grants each entry (design J6).

1. Every member witnesses, ours too: as many different log keys as the vault has members.
2. The quorum is stated, or the majority of the members, or as many as sign if that is more.
3. Fewer than two are no quorum: nobody but the origin would stand behind an entry.
"""

from typing import NamedTuple

from signer.core.errors import Objection, VerificationError


class Witnesses(NamedTuple):
    """Whose grants a signature waits for."""

    log_keys: tuple[bytes, ...]
    """32 bytes each, one for each member, ours among them."""
    quorum: int
    """q: members, the origin included, that grant an entry before it is signed; 0: none are asked."""


NO_WITNESSES = Witnesses((), 0)


class Members(NamedTuple):
    """k of n."""

    threshold: int
    all: int


def appoint(log_keys: tuple[bytes, ...], quorum: int | None, members: Members) -> Witnesses:
    """The witnesses of a vault with these members. `quorum`: as stated, or None.

    Raises VerificationError `vault-witnesses-unlike-members`, `vault-witness-quorum-out-of-range`.
    """
    if len(set(log_keys)) != len(log_keys) or len(log_keys) != members.all:
        raise _refuse(  # 1
            "vault-witnesses-unlike-members",
            "witnesses are the log keys of the members' kernels, one for each",
            f"{len(set(log_keys))} different keys of {len(log_keys)}",
            f"{members.all} members",
        )
    needed = max(members.threshold, members.all // 2 + 1) if quorum is None else quorum  # 2
    if not 2 <= needed <= members.all:  # 3
        raise _refuse(
            "vault-witness-quorum-out-of-range",
            "a quorum of witnesses is two members at least, and all of them at most",
            str(needed),
            f"2 to {members.all}",
        )
    return Witnesses(log_keys, needed)


def _refuse(code: str, detail: str, observed: str, limit: str) -> VerificationError:
    return VerificationError(Objection(code, detail, observed, limit))
