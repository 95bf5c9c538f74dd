"""Acts about a kernel as a whole: pause, lock, release, epoch (docs/control.md).

1. Each names the kernel by its log key, the epoch of its journal, and the smallest journal for which it
   holds: as many entries as its officers knew of. What came on record later it does not end or confirm.
2. One officer pauses; everything else takes the quorum of [governance], which signs one text.
3. A text is about itself alone (`control_subject`): what was recorded once never counts again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import OutPoint, Txid, display, txid_from_display
from signer.core.acts_fields import (
    Lines,
    Values,
    read_count,
    read_hash,
    read_moment,
    read_outpoint,
)
from signer.core.moments import format_time

MAX_SIZE = 10**18 - 1
"""Entries of a journal, as heads write it."""
MAX_EPOCH = 1_000_000
NO_PIN = "none"
CLOSED, STRUCK = "closed", "struck"
"""Verdicts of a release."""


@dataclass(frozen=True, slots=True)
class Scope:
    """For which kernel an act is, and what its officers knew (rule 1)."""

    log_key: bytes
    epoch: int
    size: int
    """Entries of the journal that the act needs at least."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is signed before then, unless the quorum resumes; longer only if the quorum confirms it."""

    scope: Scope
    until: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class ConfirmPause:
    """The pause lasts until the quorum resumes."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Resume:
    """All pauses end."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Lock:
    """Nothing is signed, granted or recorded until the quorum unlocks."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Unlock:
    """The lock ends, and that is the time."""

    scope: Scope
    moment: int
    """Unix seconds at which the text was made."""


@dataclass(frozen=True, slots=True)
class ReleaseWithdrawal:
    """Consent to strike a withdrawal's pin, or to close it by a transaction that is not on record."""

    scope: Scope
    vault_fingerprint: bytes
    withdrawal_id: bytes
    verdict: str
    """CLOSED or STRUCK."""
    pin: OutPoint | None
    """That the withdrawal has now; None where an earlier one was struck."""
    killer: Txid
    """The transaction that spent the pin, or what it descends from, or that paid the withdrawal."""


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """The journal goes on from here, although a longer one by the same log key existed."""

    scope: Scope
    """Its epoch is the one that ends; the new one has the next number."""
    abandoned_size: int
    """Entries of the largest head that is given up; 0 where none is known."""
    abandoned_root: bytes
    moment: int
    """Unix seconds: withdrawals without word of attestors from after it are frozen."""


ControlAct = Pause | ConfirmPause | Resume | Lock | Unlock | ReleaseWithdrawal | NewEpoch
CONTROL_ACTS = (Pause, ConfirmPause, Resume, Lock, Unlock, ReleaseWithdrawal, NewEpoch)


def control_subject(act: ControlAct, genesis_hash: bytes) -> bytes:
    """32 bytes, the same for equal acts only (rule 3)."""
    action, lines = control_lines(act)
    said = "".join(f"{key}: {value}\n" for key, value in (("action", action), *lines))
    return sha256(b"control" + genesis_hash + said.encode())


def control_lines(act: ControlAct) -> tuple[str, Lines]:
    """The action, and the lines after the genesis hash."""
    action, own = _own_lines(act)
    scope = act.scope
    bound = (
        ("kernel", scope.log_key.hex()),
        ("epoch", str(scope.epoch)),
        ("entries", str(scope.size)),
    )
    return action, (*bound, *own)


def _own_lines(act: ControlAct) -> tuple[str, Lines]:
    match act:
        case Pause(until=until):
            return "pause", (("until", format_time(until)),)
        case ConfirmPause():
            return "confirm pause", ()
        case Resume():
            return "resume", ()
        case Lock():
            return "lock", ()
        case Unlock(moment=moment):
            return "unlock", (("time", format_time(moment)),)
        case ReleaseWithdrawal():
            return "release withdrawal", (
                ("vault", act.vault_fingerprint.hex()),
                ("withdrawal", act.withdrawal_id.hex()),
                ("verdict", act.verdict),
                ("pin", NO_PIN if act.pin is None else str(act.pin)),
                ("killer", display(act.killer)),
            )
    return "new epoch", (
        ("opens", str(act.scope.epoch + 1)),
        ("abandoned entries", str(act.abandoned_size)),
        ("abandoned root", act.abandoned_root.hex()),
        ("time", format_time(act.moment)),
    )


def _scope(value: Values) -> Scope:
    epoch = read_count(value["epoch"], 0, MAX_EPOCH)
    return Scope(read_hash(value["kernel"]), epoch, read_count(value["entries"], 1, MAX_SIZE))


def _read_release(value: Values, _: Network) -> ReleaseWithdrawal:
    if value["verdict"] not in (CLOSED, STRUCK):
        raise ValueError
    return ReleaseWithdrawal(
        scope=_scope(value),
        vault_fingerprint=read_hash(value["vault"]),
        withdrawal_id=read_hash(value["withdrawal"]),
        verdict=value["verdict"],
        pin=None if value["pin"] == NO_PIN else read_outpoint(value["pin"]),
        killer=txid_from_display(value["killer"]),
    )


def _read_epoch(value: Values, _: Network) -> NewEpoch:
    size = read_count(value["abandoned entries"], 0, MAX_SIZE)
    root = read_hash(value["abandoned root"])
    return NewEpoch(_scope(value), size, root, read_moment(value["time"]))


CONTROL_READERS: Mapping[str, Callable[[Values, Network], ControlAct]] = {
    "pause": lambda value, _: Pause(_scope(value), read_moment(value["until"])),
    "confirm pause": lambda value, _: ConfirmPause(_scope(value)),
    "resume": lambda value, _: Resume(_scope(value)),
    "lock": lambda value, _: Lock(_scope(value)),
    "unlock": lambda value, _: Unlock(_scope(value), read_moment(value["time"])),
    "release withdrawal": _read_release,
    "new epoch": _read_epoch,
}
