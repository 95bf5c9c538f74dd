"""What a Taproot signature commits to (BIP-341, BIP-342), for all seven defined sighash types.

1. All prevouts are given and proven: the digest commits to every amount and script, so that a lie
   about one of them makes a signature worthless.
2. What the inputs share is hashed once per transaction; what the digests of one type share is hashed
   once per type. 500 inputs cost 500 short hashes.
3. No annex, no OP_CODESEPARATOR: we write neither. With a leaf hash it is a script path.
4. Which types are signed is for the caller to say; undefined ones have no digest.
"""

import hashlib

from signer.bitcoin.codec import u32, u64, var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import Transaction, TxOut

SIGHASH_DEFAULT = 0x00
_NONE, _SINGLE, _ANYONE_CAN_PAY = 2, 3, 0x80
SIGHASH_TYPES = frozenset((0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83))

_TAG = sha256(b"TapSighash") * 2
_EPOCH = b"\x00"
_KEY_VERSION_NO_SEPARATOR = b"\x00\xff\xff\xff\xff"


class TaprootSighash:
    """Digests of one transaction's inputs."""

    __slots__ = ("_heads", "_inputs", "_inputs_hashes", "_outputs", "_outputs_hash", "_start")

    def __init__(self, transaction: Transaction, prevouts: tuple[TxOut, ...]) -> None:
        """`prevouts` has one output per input, in order."""
        self._inputs = list(zip(transaction.inputs, prevouts, strict=True))
        self._outputs = [txout.serialize() for txout in transaction.outputs]
        self._start = u32(transaction.version) + u32(transaction.locktime)
        shared = (
            (txin.previous.serialize() for txin in transaction.inputs),
            (u64(prevout.amount) for prevout in prevouts),
            (var_bytes(prevout.script_pubkey) for prevout in prevouts),
            (u32(txin.sequence) for txin in transaction.inputs),
        )
        self._inputs_hashes = b"".join(sha256(b"".join(each)) for each in shared)
        self._outputs_hash = sha256(b"".join(self._outputs))
        self._heads = {kind: self._head(kind) for kind in SIGHASH_TYPES}

    def _head(self, sighash_type: int) -> "hashlib._Hash":
        """The hash of what every digest of a type begins with."""
        shared = b"" if sighash_type & _ANYONE_CAN_PAY else self._inputs_hashes
        outputs = b"" if sighash_type & 3 in (_NONE, _SINGLE) else self._outputs_hash
        message = _EPOCH + bytes((sighash_type,)) + self._start + shared + outputs
        return hashlib.sha256(_TAG + message)

    def digest(self, index: int, sighash_type: int, leaf_hash: bytes | None) -> bytes:
        """The digest of input `index`: of the key path, or of the script path of that leaf.

        Raises Malformed `sighash-type-undefined`.
        """
        head = self._heads.get(sighash_type)
        if head is None:
            raise Malformed("sighash-type-undefined", f"BIP-341 has no type {sighash_type:#x}")
        spend_type = b"\x00" if leaf_hash is None else b"\x02"
        parts = [spend_type, self._input(index, sighash_type)]
        if sighash_type & 3 == _SINGLE:
            parts.append(self._single(index))
        if leaf_hash is not None:
            parts += (leaf_hash, _KEY_VERSION_NO_SEPARATOR)
        hasher = head.copy()
        hasher.update(b"".join(parts))
        return hasher.digest()

    def _input(self, index: int, sighash_type: int) -> bytes:
        if not sighash_type & _ANYONE_CAN_PAY:
            return u32(index)
        txin, prevout = self._inputs[index]
        return txin.previous.serialize() + prevout.serialize() + u32(txin.sequence)

    def _single(self, index: int) -> bytes:
        if index >= len(self._outputs):
            raise Malformed("sighash-type-undefined", f"SINGLE without an output {index}")
        return sha256(self._outputs[index])
