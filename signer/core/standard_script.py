"""A P2WSH witness under the rules that nodes add to consensus (Core's standard script flags).

Consensus lets others change a witness on its way: any true item may stand for the 01 that OP_IF takes, and a
wrong signature for an empty one. Nodes refuse what was changed so; what we send must never look like it.

1. The script is run as far as Miniscript goes; another opcode where it would be executed is refused.
2. OP_IF, OP_NOTIF and OP_IFDUP take empty or 01 (MINIMALIF).
3. A signature is empty, or low-S DER of type ALL and good for the key it meets (NULLFAIL, LOW_S, STRICTENC);
   a key is compressed (WITNESS_PUBKEYTYPE).
4. A push is minimal, and so is a number (MINIMALDATA); it is not negative and has at most 4 bytes.
What consensus keeps is left to it: whether VERIFY and the script succeed, time locks, clean stack, limits.
"""

from collections.abc import Callable, Sequence

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160, hash256, ripemd160, sha256
from signer.bitcoin.script import (
    OP_0NOTEQUAL,
    OP_1,
    OP_16,
    OP_ADD,
    OP_BOOLAND,
    OP_BOOLOR,
    OP_CHECKLOCKTIMEVERIFY,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_CHECKSEQUENCEVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGVERIFY,
    OP_DUP,
    OP_ELSE,
    OP_ENDIF,
    OP_EQUAL,
    OP_EQUALVERIFY,
    OP_FROMALTSTACK,
    OP_HASH160,
    OP_HASH256,
    OP_IF,
    OP_IFDUP,
    OP_NOTIF,
    OP_RIPEMD160,
    OP_SHA256,
    OP_SIZE,
    OP_SWAP,
    OP_TOALTSTACK,
    OP_VERIFY,
    push_data,
    script_items,
    script_number,
)
from signer.bitcoin.secp import BadSignature, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.errors import VerificationError, unverified

TRUE, FALSE = b"\x01", b""
MAX_NUMBER = 4
"""Bytes of a number that an operation takes."""


def verify_script(script: bytes, items: Sequence[bytes], digest: bytes) -> None:
    """Run the witness script of one input over its items. Raises VerificationError.

    `digest` is the input's BIP-143 digest over the whole script, which has no OP_CODESEPARATOR (rule 1).
    """
    run = _Run(items, digest)
    try:
        for opcode, data in script_items(script):
            run.step(opcode, data)
    except Malformed as error:
        raise _refuse(f"a script that is none: {error.detail}") from None


def not_standard(detail: str, observed: int | str = "", limit: int | str = "") -> VerificationError:
    """The refusal of all standardness rules."""
    return unverified("transaction-not-standard", detail, str(observed), str(limit))


def _refuse(detail: str) -> VerificationError:
    return not_standard(f"a witness has {detail}")


class _Run:
    """The stacks, and for each OP_IF that is open whether its present branch is taken."""

    __slots__ = ("_alternate", "_branches", "_digest", "_stack")

    def __init__(self, items: Sequence[bytes], digest: bytes) -> None:
        self._stack = list(items)
        self._alternate: list[bytes] = []
        self._branches: list[bool] = []
        self._digest = digest

    def step(self, opcode: int, data: bytes | None) -> None:
        if opcode in _FLOW:
            _FLOW[opcode](self)
        elif not all(self._branches):
            return
        elif data is not None:
            self._push_minimal(opcode, data)
        elif OP_1 <= opcode <= OP_16:
            self._stack.append(script_number(opcode - OP_1 + 1))
        elif opcode in _HASHES:
            self._stack.append(_HASHES[opcode](self._pop()))
        elif opcode in _OPERATIONS:
            for operation in _OPERATIONS[opcode]:
                operation(self)
        else:
            raise _refuse(f"opcode {opcode:#04x}")

    def _push_minimal(self, opcode: int, data: bytes) -> None:
        if push_data(data)[0] != opcode:
            raise _refuse("a push that is not minimal")
        self._stack.append(data)

    def _pop(self) -> bytes:
        if not self._stack:
            raise _refuse("an operation without its operand")
        return self._stack.pop()

    def _pop_choice(self) -> bool:
        item = self._pop()
        if item not in (TRUE, FALSE):
            raise _refuse("a condition that is neither empty nor 01")
        return item == TRUE

    def _pop_number(self) -> int:
        item = self._pop()
        number = int.from_bytes(item, "little")
        if len(item) > MAX_NUMBER or script_number(number) != item:  # a sign bit fails here too
            raise _refuse("a number that is not minimal")
        return number

    def _pop_pubkey(self) -> bytes:
        pubkey = self._pop()
        if len(pubkey) != 33 or pubkey[0] not in (2, 3):
            raise _refuse("a public key that is not compressed")
        return pubkey

    def _push_bool(self, value: object) -> None:
        self._stack.append(TRUE if value else FALSE)

    # --- flow ---

    def _if(self) -> None:
        self._branches.append(all(self._branches) and self._pop_choice())

    def _notif(self) -> None:
        self._branches.append(all(self._branches) and not self._pop_choice())

    def _else(self) -> None:
        self._branches.append(not self._close())

    def _close(self) -> bool:
        if not self._branches:
            raise _refuse("a branch that was never opened")
        return self._branches.pop()

    # --- stack ---

    def _duplicate(self) -> None:
        item = self._pop()
        self._stack += (item, item)

    def _duplicate_if(self) -> None:
        self._stack += (TRUE, TRUE) if self._pop_choice() else (FALSE,)

    def _swap(self) -> None:
        self._stack += (self._pop(), self._pop())

    def _to_alternate(self) -> None:
        self._alternate.append(self._pop())

    def _from_alternate(self) -> None:
        if not self._alternate:
            raise _refuse("an operation without its operand")
        self._stack.append(self._alternate.pop())

    def _size(self) -> None:
        item = self._pop()
        self._stack += (item, script_number(len(item)))

    # --- numbers and comparison ---

    def _equal(self) -> None:
        self._push_bool(self._pop() == self._pop())

    def _not_zero(self) -> None:
        self._push_bool(self._pop_number())

    def _add(self) -> None:
        self._stack.append(script_number(self._pop_number() + self._pop_number()))

    def _both(self) -> None:
        numbers = self._pop_number(), self._pop_number()
        self._push_bool(all(numbers))

    def _either(self) -> None:
        numbers = self._pop_number(), self._pop_number()
        self._push_bool(any(numbers))

    # --- signatures ---

    def _checksig(self) -> None:
        pubkey, signature = self._pop_pubkey(), self._pop()
        if signature and not self._is_signature(pubkey, signature):
            raise _refuse("a signature that is neither empty nor good")
        self._push_bool(signature)

    def _checkmultisig(self) -> None:
        """Both lists come from the stack in reverse, so that their common order is kept."""
        pubkeys = iter([self._pop_pubkey() for _ in range(self._pop_number())])
        signatures = [self._pop() for _ in range(self._pop_number())]
        self._pop()  # the dummy: empty by consensus (BIP-147)
        if any(signatures):
            for signature in signatures:  # each takes keys until it meets its own
                if not any(self._is_signature(pubkey, signature) for pubkey in pubkeys):
                    raise _refuse("a signature that is neither empty nor good")
        self._push_bool(any(signatures))

    def _is_signature(self, pubkey: bytes, signature: bytes) -> bool:
        try:
            verify_ecdsa(pubkey, self._digest, signature[:-1])
        except (BadSignature, Malformed):
            return False
        return signature[-1] == SIGHASH_ALL


_FLOW: dict[int, Callable[[_Run], object]] = {
    OP_IF: _Run._if,
    OP_NOTIF: _Run._notif,
    OP_ELSE: _Run._else,
    OP_ENDIF: _Run._close,
}
_HASHES = {
    OP_RIPEMD160: ripemd160,
    OP_SHA256: sha256,
    OP_HASH160: hash160,
    OP_HASH256: hash256,
}
_OPERATIONS: dict[int, tuple[Callable[[_Run], object], ...]] = {
    OP_VERIFY: (_Run._pop,),
    OP_TOALTSTACK: (_Run._to_alternate,),
    OP_FROMALTSTACK: (_Run._from_alternate,),
    OP_IFDUP: (_Run._duplicate_if,),
    OP_DUP: (_Run._duplicate,),
    OP_SWAP: (_Run._swap,),
    OP_SIZE: (_Run._size,),
    OP_EQUAL: (_Run._equal,),
    OP_EQUALVERIFY: (_Run._equal, _Run._pop),
    OP_0NOTEQUAL: (_Run._not_zero,),
    OP_ADD: (_Run._add,),
    OP_BOOLAND: (_Run._both,),
    OP_BOOLOR: (_Run._either,),
    OP_CHECKSIG: (_Run._checksig,),
    OP_CHECKSIGVERIFY: (_Run._checksig, _Run._pop),
    OP_CHECKMULTISIG: (_Run._checkmultisig,),
    OP_CHECKMULTISIGVERIFY: (_Run._checkmultisig, _Run._pop),
    OP_CHECKLOCKTIMEVERIFY: (),
    OP_CHECKSEQUENCEVERIFY: (),
}
