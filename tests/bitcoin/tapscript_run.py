"""Runs a tapscript (BIP-342) as far as Core's script assets go, and tells every signature check that is made.

A second reading for tests, written from the BIP: it knows no limits, and no opcode that no asset needs.
"""

from collections.abc import Callable
from typing import NamedTuple

from signer.bitcoin.script import script_items

NO_SEPARATOR = 0xFFFFFFFF
TRUE, FALSE = b"\x01", b""


class SignatureCheck(NamedTuple):
    """What one CHECKSIG, CHECKSIGVERIFY or CHECKSIGADD is asked."""

    pubkey: bytes
    signature: bytes
    separator: int
    """Position of the last OP_CODESEPARATOR that was executed (BIP-342)."""


class Failed(Exception):
    """The script does not succeed."""


def is_op_success(opcode: int) -> bool:
    """BIP-342's OP_SUCCESSx."""
    return opcode in (80, 98) or any(
        low <= opcode <= high
        for low, high in (
            (126, 129),
            (131, 134),
            (137, 138),
            (141, 142),
            (149, 153),
            (187, 254),
        )
    )


def run(
    script: bytes, stack: tuple[bytes, ...], valid: Callable[[SignatureCheck], bool]
) -> list[SignatureCheck]:
    """The checks of a non-empty signature by a 32-byte key, in order. Raises Failed."""
    machine = _Machine(list(stack), valid)
    for position, (opcode, data) in enumerate(script_items(script)):
        machine.step(position, opcode, data)
    if machine.branches or len(machine.stack) != 1 or not _truth(machine.stack[0]):
        raise Failed("not exactly one true item is left")
    return machine.checks


def _truth(item: bytes) -> bool:
    return any(item[:-1]) or item[-1:] not in (b"", b"\x00", b"\x80")


def _bool(value: bool) -> bytes:
    return TRUE if value else FALSE


def _number(item: bytes) -> int:
    size = len(item)
    if not size:
        return 0
    value = int.from_bytes(item, "little")
    sign = 1 << (8 * size - 1)
    return sign - value if value & sign else value


def _item(number: int) -> bytes:
    size = abs(number).bit_length() // 8 + 1
    sign = (number < 0) << (8 * size - 1)
    return (abs(number) | sign).to_bytes(size, "little") if number else b""


class _Machine:
    def __init__(self, stack: list[bytes], valid: Callable[[SignatureCheck], bool]) -> None:
        self.stack, self.valid = stack, valid
        self.branches: list[bool] = []
        self.checks: list[SignatureCheck] = []
        self.separator = NO_SEPARATOR

    def pop(self) -> bytes:
        if not self.stack:
            raise Failed("an empty stack")
        return self.stack.pop()

    def step(self, position: int, opcode: int, data: bytes | None) -> None:
        running = all(self.branches)
        if opcode in (0x63, 0x64):  # IF, NOTIF
            self.branches.append(running and self._condition() == (opcode == 0x63))
        elif opcode == 0x67:  # ELSE
            self.branches[-1] = not self.branches[-1]
        elif opcode == 0x68:  # ENDIF
            self.branches.pop()
        elif running and opcode == 0xAB:  # CODESEPARATOR
            self.separator = position
        elif running and data is not None:
            self.stack.append(data)
        elif running and 0x51 <= opcode <= 0x60:
            self.stack.append(bytes((opcode - 0x50,)))
        elif running:
            self._operate(opcode)

    def _condition(self) -> bool:
        item = self.pop()
        if item not in (TRUE, FALSE):
            raise Failed("MINIMALIF")
        return item == TRUE

    def _operate(self, opcode: int) -> None:
        operation = _OPERATIONS.get(_WITH_VERIFY.get(opcode, opcode))
        if operation is None:
            raise Failed(f"opcode {opcode:#x}")
        operation(self)
        if opcode in _WITH_VERIFY:
            self._verify()

    def _drop_two(self) -> None:
        self.pop()
        self.pop()

    def _duplicate_two(self) -> None:
        top, below = self.pop(), self.pop()
        self.stack += (below, top, below, top)

    def _duplicate(self) -> None:
        top = self.pop()
        self.stack += (top, top)

    def _swap(self) -> None:
        top, below = self.pop(), self.pop()
        self.stack += (top, below)

    def _equal(self) -> None:
        self.stack.append(_bool(self.pop() == self.pop()))

    def _not(self) -> None:
        self.stack.append(_bool(_number(self.pop()) == 0))

    def _checksig(self) -> None:
        pubkey, signature = self.pop(), self.pop()
        self.stack.append(_bool(self._signed(pubkey, signature)))

    def _checksigadd(self) -> None:
        pubkey, number, signature = self.pop(), _number(self.pop()), self.pop()
        self.stack.append(_item(number + self._signed(pubkey, signature)))

    def _verify(self) -> None:
        if not _truth(self.pop()):
            raise Failed("VERIFY")

    def _signed(self, pubkey: bytes, signature: bytes) -> bool:
        """A non-empty signature that fails, fails the script (BIP-342); an unknown key accepts any."""
        if not pubkey:
            raise Failed("an empty key")
        if signature and len(pubkey) == 32:
            check = SignatureCheck(pubkey, signature, self.separator)
            self.checks.append(check)
            if not self.valid(check):
                raise Failed("signature in a leaf")
        return bool(signature)


_WITH_VERIFY = {0x88: 0x87, 0xAD: 0xAC}
"""EQUALVERIFY and CHECKSIGVERIFY, by the opcode that they add VERIFY to."""
_OPERATIONS: dict[int, Callable[[_Machine], object]] = {
    0x69: _Machine._verify,
    0x6D: _Machine._drop_two,
    0x6E: _Machine._duplicate_two,
    0x75: _Machine.pop,
    0x76: _Machine._duplicate,
    0x7C: _Machine._swap,
    0x87: _Machine._equal,
    0x91: _Machine._not,
    0xAC: _Machine._checksig,
    0xBA: _Machine._checksigadd,
}
