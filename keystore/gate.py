"""The gate: the only birthplace of SignedSpend, and the only code that signs for a vault.

1. Nothing comes in but a RecordedSpend: a transaction that policy consented to and the journal holds.
2. The key serves the vault that it is bound to and no other; an unbound key signs nothing.
3. Each digest is computed here again, from the transaction and the proven coins, and must be the task's.
4. The child key exists for one signature: RFC 6979 nonce and low S in P2WSH, BIP-340 with fresh auxiliary
   randomness in Taproot, in a context randomised at start.
5. What leaves was verified under the task's public key. That also proves that our child key is the task's:
   no other key's signature passes.
Whatever does not fit is a Fault: our own side contradicts itself, and nothing is signed.
"""

import os
from typing import Any

from coincurve._libsecp256k1 import ffi, lib

from keystore.secret import borrowed
from keystore.vault_key import VaultKey
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import PartialSignature, TapScriptSignature
from signer.bitcoin.secp import BadSignature, verify_ecdsa, verify_schnorr
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.digests import input_digests
from signer.core.errors import Fault
from signer.core.inputs import sighash_type_of
from signer.core.spend import RecordedSpend, SignedSpend, SigningTask, VerifiedSpend


def randomized_context() -> Any:
    """A signing context blinded with fresh randomness."""
    context = lib.secp256k1_context_create(lib.SECP256K1_CONTEXT_NONE)
    if not lib.secp256k1_context_randomize(context, os.urandom(32)):
        raise Fault("the signing context could not be randomised")
    return context


_SIGNING = randomized_context()


def sign_recorded(recorded: RecordedSpend, key: VaultKey) -> SignedSpend:
    """Our signatures for a spend on durable record (1)."""
    spend = recorded.spend
    if key.binding is None or key.binding.vault_fingerprint != spend.vault.fingerprint:  # 2
        raise Fault("the key is not bound to this vault")
    if not spend.tasks:
        raise Fault("a recorded spend without a task for our key")
    digests = input_digests(spend.transaction, spend.coins, spend.vault, spend.path_index)  # 3
    signatures = tuple(
        (task.input_index, _sign_task(task, spend, digests[task.input_index], key))
        for task in spend.tasks
    )
    return SignedSpend(recorded, signatures)


def _sign_task(
    task: SigningTask, spend: VerifiedSpend, digest: bytes, key: VaultKey
) -> PartialSignature | TapScriptSignature:
    coin, leaf_index = spend.coins[task.input_index], spend.path.leaf_index
    script = coin.derived.witness_script
    if leaf_index is not None:
        script = coin.derived.leaves[leaf_index].script
    expected = (digest, script, sighash_type_of(spend.vault))
    if expected != (task.digest, task.script, task.sighash_type):
        raise Fault(f"input {task.input_index}: the recorded digest is not the transaction's")
    place = spend.vault.places[task.key_position]
    if place.xpub != key.xpub:
        raise Fault(f"input {task.input_index}: the task is for another member's key")
    with key.child(place.branches[coin.derived.branch], coin.derived.index) as secret:
        if leaf_index is None:
            return _sign_segwit(task, digest, secret)
        leaf = coin.derived.leaves[leaf_index]
        return TapScriptSignature(task.pubkey[1:], leaf.leaf_hash, _sign_leaf(task, digest, secret))


def _sign_segwit(task: SigningTask, digest: bytes, secret: Any) -> PartialSignature:
    signature = _sign(secret, digest)  # 4
    try:
        verify_ecdsa(task.pubkey, digest, signature)  # 5
    except (BadSignature, Malformed):
        raise _unverified(task) from None
    return PartialSignature(task.pubkey, signature + bytes((SIGHASH_ALL,)))


def _sign_leaf(task: SigningTask, digest: bytes, secret: Any) -> bytes:
    signature = _sign_schnorr(secret, digest)  # 4
    try:
        verify_schnorr(task.pubkey[1:], digest, signature)  # 5
    except (BadSignature, Malformed):
        raise _unverified(task) from None
    return signature


def _unverified(task: SigningTask) -> Fault:
    return Fault(f"input {task.input_index}: our own signature does not verify")


def _sign(secret: Any, digest: bytes) -> bytes:
    raw = ffi.new("secp256k1_ecdsa_signature *")
    if not lib.secp256k1_ecdsa_sign(_SIGNING, raw, digest, secret, ffi.NULL, ffi.NULL):
        raise Fault("libsecp256k1 does not sign with this key")
    out, size = ffi.new("unsigned char[72]"), ffi.new("size_t *", 72)
    lib.secp256k1_ecdsa_signature_serialize_der(_SIGNING, out, size, raw)
    return bytes(ffi.buffer(out, size[0]))


def _sign_schnorr(secret: Any, digest: bytes) -> bytes:
    out = ffi.new("unsigned char[64]")
    with borrowed(ffi.sizeof("secp256k1_keypair")) as memory:
        pair = ffi.cast("secp256k1_keypair *", memory)
        made = lib.secp256k1_keypair_create(_SIGNING, pair, secret)
        if not made or not lib.secp256k1_schnorrsig_sign32(
            _SIGNING, out, digest, pair, os.urandom(32)
        ):
            raise Fault("libsecp256k1 does not sign with this key")
    return bytes(ffi.buffer(out, 64))
