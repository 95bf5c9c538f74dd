"""The script of a Miniscript (BIP-379, "Translation Table").

1. Pushes are minimal. What VERIFY follows takes its VERIFY form where it has one.
2. Keys are whatever stands at their places: 33 bytes in P2WSH, 32 in tapscript. A `pk_h` takes the key, or
   the 20 bytes of its hash.
3. A sorted multisig has its keys in the order of their bytes (BIP-67).
4. Opcodes are pieces of their own, never part of a push's piece.
"""

from collections.abc import Sequence

from signer.bitcoin.hashes import hash160
from signer.bitcoin.miniscript.model import SORTED, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.rope import Script, pieces
from signer.bitcoin.script import (
    OP_0NOTEQUAL,
    OP_ADD,
    OP_BOOLAND,
    OP_BOOLOR,
    OP_CHECKLOCKTIMEVERIFY,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_CHECKSEQUENCEVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGADD,
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
    OP_NUMEQUAL,
    OP_NUMEQUALVERIFY,
    OP_RIPEMD160,
    OP_SHA256,
    OP_SIZE,
    OP_SWAP,
    OP_TOALTSTACK,
    OP_VERIFY,
    push_int,
)


def _op(*opcodes: int) -> bytes:
    return bytes(opcodes)


_VERIFY = _op(OP_VERIFY)
_VERIFY_FORMS = {
    _op(OP_EQUAL): _op(OP_EQUALVERIFY),
    _op(OP_NUMEQUAL): _op(OP_NUMEQUALVERIFY),
    _op(OP_CHECKSIG): _op(OP_CHECKSIGVERIFY),
    _op(OP_CHECKMULTISIG): _op(OP_CHECKMULTISIGVERIFY),
}
_LOCKS = {
    Fragment.OLDER: _op(OP_CHECKSEQUENCEVERIFY),
    Fragment.AFTER: _op(OP_CHECKLOCKTIMEVERIFY),
}
_SIZE_IS_32 = _op(OP_SIZE, 1, 32, OP_EQUALVERIFY)
_HASHES = {
    Fragment.SHA256: _SIZE_IS_32 + _op(OP_SHA256, 32),
    Fragment.HASH256: _SIZE_IS_32 + _op(OP_HASH256, 32),
    Fragment.RIPEMD160: _SIZE_IS_32 + _op(OP_RIPEMD160, 20),
    Fragment.HASH160: _SIZE_IS_32 + _op(OP_HASH160, 20),
}
_HASH_OF_KEY = _op(OP_DUP, OP_HASH160, 20)
_PUSHES = {20: _op(20), 32: _op(32), 33: _op(33)}
_COMBINED: dict[Fragment, tuple[int | bytes, ...]] = {
    Fragment.ANDOR: (0, _op(OP_NOTIF), 2, _op(OP_ELSE), 1, _op(OP_ENDIF)),
    Fragment.AND_V: (0, 1),
    Fragment.AND_B: (0, 1, _op(OP_BOOLAND)),
    Fragment.OR_B: (0, 1, _op(OP_BOOLOR)),
    Fragment.OR_C: (0, _op(OP_NOTIF), 1, _op(OP_ENDIF)),
    Fragment.OR_D: (0, _op(OP_IFDUP, OP_NOTIF), 1, _op(OP_ENDIF)),
    Fragment.OR_I: (_op(OP_IF), 0, _op(OP_ELSE), 1, _op(OP_ENDIF)),
    Fragment.WRAP_A: (_op(OP_TOALTSTACK), 0, _op(OP_FROMALTSTACK)),
    Fragment.WRAP_S: (_op(OP_SWAP), 0),
    Fragment.WRAP_C: (0, _op(OP_CHECKSIG)),
    Fragment.WRAP_D: (_op(OP_DUP, OP_IF), 0, _op(OP_ENDIF)),
    Fragment.WRAP_V: (0, _VERIFY),
    Fragment.WRAP_J: (_op(OP_SIZE, OP_0NOTEQUAL, OP_IF), 0, _op(OP_ENDIF)),
    Fragment.WRAP_N: (0, _op(OP_0NOTEQUAL)),
}
"""Where which subexpression stands among opcodes."""


def script_bytes(script: Miniscript, keys: Sequence[bytes]) -> bytes:
    """The script with those keys, which are by place."""

    def step(node: Node, subs: Sequence[Script]) -> Script:
        if node.fragment is Fragment.THRESH:
            return _thresh(node.number, subs)
        if node.arity == 0:
            return _leaf(node, keys)
        return tuple(
            [subs[part] if isinstance(part, int) else part for part in _COMBINED[node.fragment]]
        )

    written: list[bytes] = []
    for piece in pieces(script.fold(step)):
        # Rule 4: the piece before is the last opcode of what is verified, or else a push.
        if piece == _VERIFY and written[-1] in _VERIFY_FORMS:
            written[-1] = _VERIFY_FORMS[written[-1]]
        else:
            written.append(piece)
    return b"".join(written)


def _thresh(threshold: int, subs: Sequence[Script]) -> Script:
    added = [part for sub in subs[1:] for part in (sub, _op(OP_ADD))]
    return (subs[0], *added, push_int(threshold), _op(OP_EQUAL))


def _leaf(node: Node, keys: Sequence[bytes]) -> Script:
    fragment = node.fragment
    if node.number and node.places:
        return _multisig(node, [keys[place] for place in node.places])
    if fragment is Fragment.PK_K:
        return _push_key(keys[node.places[0]])
    if fragment is Fragment.PK_H:
        key = keys[node.places[0]]
        pushed = key if len(key) == 20 else hash160(key)
        return (_HASH_OF_KEY + pushed, _op(OP_EQUALVERIFY))
    if node.digest:
        return (_HASHES[fragment] + node.digest, _op(OP_EQUAL))
    if node.number:
        return (push_int(node.number), _LOCKS[fragment])
    return push_int(int(fragment))  # 0 and 1 are their own names


def _push_key(key: bytes) -> bytes:
    return _PUSHES[len(key)] + key


def _multisig(node: Node, keys: list[bytes]) -> Script:
    if node.fragment in SORTED:
        keys.sort()
    pushed = [_push_key(key) for key in keys]
    if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
        count = push_int(len(keys)) + _op(OP_CHECKMULTISIG)
        return (push_int(node.number), *pushed, count[:-1], count[-1:])
    added = _op(OP_CHECKSIGADD).join(pushed[1:])
    added = added and added + _op(OP_CHECKSIGADD)
    return (pushed[0] + _op(OP_CHECKSIG) + added + push_int(node.number), _op(OP_NUMEQUAL))
