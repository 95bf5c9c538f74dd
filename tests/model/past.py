"""What is known of the past: who signed what, what has ended, who may not sign."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.acts_fields import read_outpoint
from signer.core.errors import Refusal
from tests.model.drafts import Draft


@dataclass
class Stopped:
    """What officers made of a member, as they were told that it is on record: the entries that say so."""

    pauses: list[tuple[int, int]] = field(default_factory=list)
    """(end, entry)."""
    confirmed: int = 0
    locked: int = 0

    def resume(self, size: int) -> None:
        """By officers who knew of so many entries."""
        self.pauses = [each for each in self.pauses if each[1] >= size]
        self.confirmed = self.confirmed if self.confirmed >= size else 0

    def unlock(self, size: int) -> None:
        """By officers who knew of so many entries."""
        self.locked = self.locked if self.locked >= size else 0

    def codes(self, now: int) -> Iterator[str]:
        """With which it must refuse to sign."""
        if self.locked:
            yield "kernel-locked"
        if self.confirmed or any(until > now for until, _ in self.pauses):
            yield "kernel-paused"


@dataclass
class Past:
    """Of a federation."""

    signers: dict[Txid, set[str]] = field(default_factory=dict)
    complete: set[Txid] = field(default_factory=set)
    """Enough members signed it."""
    owed: dict[tuple[str, Txid], Draft] = field(default_factory=dict)
    """What each member signed: it signs it again."""
    ended: set[bytes] = field(default_factory=set)
    """Withdrawals that were closed, or a pin of which was struck, at some member."""
    closed: set[tuple[str, bytes]] = field(default_factory=set)
    """(member, withdrawal)."""
    released: set[tuple[str, bytes, OutPoint | None]] = field(default_factory=set)
    """Asked for again it is answered, whatever is brought."""
    behind: set[str] = field(default_factory=set)
    """Who was put back to a copy and has not imported yet."""
    pins: dict[bytes, set[OutPoint]] = field(default_factory=dict)
    """By withdrawal: what refusals said lately that a version has to spend."""
    roots: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """By member and batch: the root that it signed."""
    anchored: dict[int, bytes] = field(default_factory=dict)
    """By batch: the root of a complete anchor."""
    stopped: dict[str, Stopped] = field(default_factory=dict)
    restored: set[str] = field(default_factory=set)
    """Who was ever put back to a copy."""

    def note_pins(self, refusal: Refusal) -> None:
        """What a refusal says that a version has to spend: also pins that are held for others, which no
        member lists as its own."""
        for each in refusal.objections:
            if each.code == "withdrawal-pinned" and each.observed.endswith("not spent"):
                withdrawal = bytes.fromhex(each.detail.split()[1])
                found = (read_outpoint(pin) for pin in each.limit.split(", "))
                self.pins.setdefault(withdrawal, set()).update(found)

    def forget(self, name: str) -> None:
        """The member was put back to a copy: what it had on record alone may be lost."""
        self.closed = {each for each in self.closed if each[0] != name}
        self.released = {each for each in self.released if each[0] != name}
        self.stopped.pop(name, None)
        self.behind.add(name)
        self.restored.add(name)
