"""Every head that a member ever released, and whether its log still has them (J5)."""

from base64 import b64encode
from dataclasses import dataclass, field

from signer.journal.codec import decode_entry
from signer.journal.entry import Entry
from signer.journal.journal import Journal
from signer.ports.reading import Reading


@dataclass
class Heads:
    """Of one log: size -> root, as printed."""

    roots: dict[int, str] = field(default_factory=dict)
    compared: int = 0
    """Heads up to this size were found in the log; a log that only grows keeps them."""

    def told(self, name: str, head: str) -> list[str]:
        """What is wrong with a head that was just released."""
        _, size, root = head.split("\n")[:3]
        if self.roots.setdefault(int(size), root) != root:
            return [f"{name} released two heads of size {size}"]
        return []

    def forget_beyond(self, size: int) -> None:
        """What nobody else had read when the member's disk was put back: its log goes on from there."""
        self.roots = {each: root for each, root in self.roots.items() if each <= size}
        self.compared = 0

    def contradicted(self, name: str, journal: Journal) -> list[str]:
        """Heads that the log does not have."""
        with journal.reading() as reading:
            tree, newest = reading.tree(), reading.size()
            wrong = [
                size
                for size, root in self.roots.items()
                if size > self.compared
                and (size > newest or b64encode(tree.root(size)).decode() != root)
            ]
        self.compared = max(self.roots, default=0)
        return [
            f"{name} has no longer the log whose head of size {size} it released" for size in wrong
        ]


@dataclass
class Log:
    """A member's entries, each decoded once as long as its log only grows."""

    entries: list[Entry] = field(default_factory=list)

    def read(self, reading: Reading) -> list[Entry]:
        """All of them."""
        records = reading.records(len(self.entries), reading.size(), 2**62)
        self.entries += [decode_entry(each) for each in records]
        return self.entries

    def forget(self) -> None:
        """The member's disk was put back."""
        self.entries.clear()
