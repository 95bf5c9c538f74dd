"""What a signature commits to in segwit v0 inputs (BIP-143), SIGHASH_ALL only.

Rule 1: no other sighash type can be expressed; refusing them is not left to a branch.
Rule 2: the digest is computed from our own transaction and proven prevouts, never from a PSBT.
Rule 3: the midstates hashPrevouts, hashSequence, hashOutputs are hashed once per transaction
        (hashing them again per input is quadratic).
"""

from signer.bitcoin.codec import u32, u64, var_bytes
from signer.bitcoin.hashes import hash256
from signer.bitcoin.transaction import Transaction
from signer.bitcoin.units import Sats

SIGHASH_ALL = 1


class SegwitV0Sighash:
    """BIP-143 digests of one transaction's inputs."""

    __slots__ = ("_head", "_inputs", "_tail")

    def __init__(self, transaction: Transaction) -> None:
        outpoints = [txin.previous.serialize() for txin in transaction.inputs]
        sequences = [u32(txin.sequence) for txin in transaction.inputs]
        outputs = b"".join(txout.serialize() for txout in transaction.outputs)
        self._head = (
            u32(transaction.version) + hash256(b"".join(outpoints)) + hash256(b"".join(sequences))
        )
        self._inputs = list(zip(outpoints, sequences, strict=True))
        self._tail = hash256(outputs) + u32(transaction.locktime) + u32(SIGHASH_ALL)

    def digest(self, index: int, script_code: bytes, amount: Sats) -> bytes:
        """The digest of input `index`; `script_code` is the witness script in P2WSH.

        The script has no OP_CODESEPARATOR (our vault scripts never do), so it is the whole script.
        """
        outpoint, sequence = self._inputs[index]
        coin = (outpoint, var_bytes(script_code), u64(amount), sequence)
        return hash256(b"".join((self._head, *coin, self._tail)))
