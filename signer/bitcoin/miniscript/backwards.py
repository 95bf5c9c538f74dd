"""A script, read operation by operation from its end.

1. An opcode with a merged VERIFY is two operations: itself and VERIFY.
2. How bytes and numbers are pushed is not looked at: who reads writes again what it read, and compares.
"""

from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.bitcoin.script import (
    OP_1,
    OP_16,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGVERIFY,
    OP_EQUAL,
    OP_EQUALVERIFY,
    OP_NUMEQUAL,
    OP_NUMEQUALVERIFY,
    OP_VERIFY,
    script_items,
)

_MERGED = {
    OP_EQUALVERIFY: OP_EQUAL,
    OP_NUMEQUALVERIFY: OP_NUMEQUAL,
    OP_CHECKSIGVERIFY: OP_CHECKSIG,
    OP_CHECKMULTISIGVERIFY: OP_CHECKMULTISIG,
}


class Item(NamedTuple):
    """One operation."""

    opcode: int
    pushed: bytes | None
    """None unless it pushes bytes; OP_1 to OP_16 push numbers."""


class Backwards:
    """What is still to be read. Every refusal is Malformed `script-not-miniscript`."""

    def __init__(self, script: bytes) -> None:
        """Raises Malformed `script-malformed` if it is no sequence of operations."""
        self._left: list[Item] = []
        for opcode, pushed in script_items(script):
            self._left.append(Item(_MERGED.get(opcode, opcode), pushed))
            if opcode in _MERGED:
                self._left.append(Item(OP_VERIFY, None))

    def unexpected(self) -> Malformed:
        """What is left is not what was expected."""
        return Malformed("script-not-miniscript", f"unexpected at operation {len(self._left)}")

    def end(self) -> None:
        """Refuse what is left over."""
        if self._left:
            raise self.unexpected()

    def next(self) -> Item:
        """The last one."""
        if not self._left:
            raise self.unexpected()
        return self._left.pop()

    def peek(self, most: int) -> list[Item]:
        """The last ones, in the order of the script; fewer if there are no more."""
        return self._left[-most:]

    def comes(self, *opcodes: int) -> bool:
        """Whether these are the last ones, in the order of the script."""
        return [item.opcode for item in self.peek(len(opcodes))] == list(opcodes)

    def skip(self, *opcodes: int) -> None:
        """These must be the last ones."""
        if not self.skipped(*opcodes):
            raise self.unexpected()

    def skipped(self, *opcodes: int) -> bool:
        """Whether these were the last ones."""
        there = self.comes(*opcodes)
        if there:
            del self._left[-len(opcodes) :]
        return there

    def number(self, most: int) -> int:
        """From 1 to `most`."""
        opcode, pushed = self.next()
        number = opcode - OP_1 + 1 if OP_1 <= opcode <= OP_16 else 0
        if pushed is not None and len(pushed) <= 4:
            number = int.from_bytes(pushed, "little")
        if not 1 <= number <= most:
            raise self.unexpected()
        return number

    def push(self, size: int) -> bytes:
        """The bytes that the last one pushes, so many."""
        pushed = self.next().pushed
        if pushed is None or len(pushed) != size:
            raise self.unexpected()
        return pushed
