"""Every head that a member ever released, and whether its log still has them (J5)."""

from base64 import b64encode
from dataclasses import dataclass, field

from signer.journal.journal import Journal


@dataclass
class Heads:
    """Of one log: size -> root, as printed."""

    roots: dict[int, str] = field(default_factory=dict)

    def told(self, name: str, head: str) -> list[str]:
        """What is wrong with a head that was just released."""
        _, size, root = head.split("\n")[:3]
        if self.roots.setdefault(int(size), root) != root:
            return [f"{name} released two heads of size {size}"]
        return []

    def forget_beyond(self, size: int) -> None:
        """What nobody else had read when the member's disk was put back: its log goes on from there."""
        self.roots = {each: root for each, root in self.roots.items() if each <= size}

    def contradicted(self, name: str, journal: Journal) -> list[str]:
        """Heads that the log does not have."""
        with journal.reading() as reading:
            tree, newest = reading.tree(), reading.size()
            return [
                f"{name} has no longer the log whose head of size {size} it released"
                for size, root in self.roots.items()
                if size > newest or b64encode(tree.root(size)).decode() != root
            ]
