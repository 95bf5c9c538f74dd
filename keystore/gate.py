"""The gate: the only birthplace of SignedSpend, and the only code that signs for a vault.

1. Nothing comes in but a RecordedSpend: a transaction that policy consented to and the journal holds.
2. The key serves the vault that it is bound to and no other; an unbound key signs nothing.
2b. A key with caps passes the second gate, before any child key exists: what leaves is charged to its ledger.
3. Each digest is computed here again, from the transaction and the proven coins, and must be the task's.
4. A child key exists until the next one takes its place in the one buffer, which is zeroed with the last:
   RFC 6979 nonce and low S in P2WSH, BIP-340 with fresh auxiliary randomness in Taproot, in a context
   randomised at start.
5. What leaves was verified under the task's public key. That also proves that our child key is the task's:
   no other key's signature passes.
6. A key in a token signs there, what was computed here (3), and its signatures are verified likewise (5).
Whatever does not fit is a Fault: our own side contradicts itself, and nothing is signed.
"""

import os
from typing import Any, NamedTuple

from coincurve._libsecp256k1 import ffi, lib

from keystore.ledger import missing_ledger
from keystore.second_gate import SecondGate
from keystore.secret import borrowed
from keystore.token.pinned_key import PinnedKey
from keystore.vault_key import VaultKey
from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import PartialSignature, TapScriptSignature
from signer.bitcoin.secp import BadSignature, verify_ecdsa, verify_schnorr
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.digests import InputDigests
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
_ALL = bytes((SIGHASH_ALL,))
_SIGNATURE, _SIZE = ffi.typeof("secp256k1_ecdsa_signature *"), ffi.typeof("size_t *")
_DER, _BIP340 = ffi.typeof("unsigned char[72]"), ffi.typeof("unsigned char[64]")
_PAIR, _NO_PAIR = ffi.typeof("secp256k1_keypair *"), bytes(ffi.sizeof("secp256k1_keypair"))


class _Desk(NamedTuple):
    """What the signatures of one spend share."""

    spend: VerifiedSpend
    key: VaultKey
    secret: Any
    """The buffer that holds the child key of the signature being made."""


def sign_recorded(
    recorded: RecordedSpend, key: VaultKey | PinnedKey, second: SecondGate | None = None
) -> SignedSpend:
    """Our signatures for a spend on durable record (1). For a key with caps alone raises Refusal
    `cap-entry-late`, `cap-per-spend`, `cap-per-day`, `cap-ledger-missing` or `cap-ledger-broken`; and what a
    token refuses."""
    spend = recorded.spend
    if key.binding is None or key.binding.vault_fingerprint != spend.vault.fingerprint:  # 2
        raise Fault("the key is not bound to this vault")
    if not spend.tasks:
        raise Fault("a recorded spend without a task for our key")
    for position in {task.key_position for task in spend.tasks}:
        if spend.vault.places[position].xpub != key.xpub:
            raise Fault("a task is for another member's key")
    if key.limits is not None:  # 2b
        if second is None:
            raise missing_ledger()
        second.charge(recorded)
    digests = InputDigests(spend.transaction, spend.coins, spend.vault)
    for task in spend.tasks:
        _require_ours(task, spend, digests)  # 3
    if isinstance(key, PinnedKey):  # 6
        made = zip(spend.tasks, key.sign(spend.tasks), strict=True)
        return SignedSpend(recorded, tuple([(task.input_index, each) for task, each in made]))
    sign = _sign_leaf if spend.vault.is_taproot else _sign_segwit
    with borrowed(32) as secret:
        desk = _Desk(spend, key, secret)
        signatures = tuple([(task.input_index, sign(task, desk)) for task in spend.tasks])
    return SignedSpend(recorded, signatures)


def _sign_segwit(task: SigningTask, desk: _Desk) -> PartialSignature:
    _take_up(task, desk)
    signature = _sign(desk.secret, task.digest)  # 4
    try:
        verify_ecdsa(task.pubkey, task.digest, signature)  # 5
    except (BadSignature, Malformed):
        raise _unverified(task) from None
    return PartialSignature(task.pubkey, signature + _ALL)


def _sign_leaf(task: SigningTask, desk: _Desk) -> TapScriptSignature:
    _take_up(task, desk)
    signature, xonly = _sign_schnorr(desk.secret, task.digest), task.pubkey[1:]  # 4
    try:
        verify_schnorr(xonly, task.digest, signature)  # 5
    except (BadSignature, Malformed):
        raise _unverified(task) from None
    return TapScriptSignature(xonly, task.leaf_hash, signature)


def _require_ours(task: SigningTask, spend: VerifiedSpend, digests: InputDigests) -> None:
    """The task is the transaction's (3)."""
    index = task.input_index
    expected = (
        digests.digest(index, task.leaf_hash),
        _script_of(task, spend.coins[index].derived),
        sighash_type_of(spend.vault),
    )
    if expected != (task.digest, task.script, task.sighash_type):
        raise Fault(f"input {index}: the recorded digest is not the transaction's")


def _take_up(task: SigningTask, desk: _Desk) -> None:
    """Its child key goes into the buffer (4)."""
    derived = desk.spend.coins[task.input_index].derived
    branch = desk.spend.vault.places[task.key_position].branches[derived.branch]
    desk.key.derive_child(branch, derived.index, desk.secret)


def _script_of(task: SigningTask, derived: DerivedScript) -> bytes:
    """Our own derivation of what the task is for; empty when the coin has no such leaf."""
    if not derived.leaves:
        return derived.witness_script
    for leaf in derived.leaves:
        if leaf.leaf_hash == task.leaf_hash:
            return leaf.script
    return b""


def _unverified(task: SigningTask) -> Fault:
    return Fault(f"input {task.input_index}: our own signature does not verify")


def _sign(secret: Any, digest: bytes) -> bytes:
    raw = ffi.new(_SIGNATURE)
    if not lib.secp256k1_ecdsa_sign(_SIGNING, raw, digest, secret, ffi.NULL, ffi.NULL):
        raise Fault("libsecp256k1 does not sign with this key")
    out, size = ffi.new(_DER), ffi.new(_SIZE, 72)
    lib.secp256k1_ecdsa_signature_serialize_der(_SIGNING, out, size, raw)
    return bytes(ffi.buffer(out, size[0]))


def _sign_schnorr(secret: Any, digest: bytes) -> bytes:
    out, pair = ffi.new(_BIP340), ffi.new(_PAIR)
    try:
        made = lib.secp256k1_keypair_create(_SIGNING, pair, secret)
        if not made or not lib.secp256k1_schnorrsig_sign32(
            _SIGNING, out, digest, pair, os.urandom(32)
        ):
            raise Fault("libsecp256k1 does not sign with this key")
    finally:
        ffi.memmove(pair, _NO_PAIR, len(_NO_PAIR))
    return bytes(ffi.buffer(out, 64))
