"""A member's attestation key: a key on Bitcoin's curve that attests deposits, and signs nothing else.

Rule 1: it is random and derives from no seed: no vault's, and not the identity's.
Rule 2: nothing comes in but a RecordedDeposit, which is on durable record under this key; the digest is made
        here. A tagged hash of its own keeps it apart from transactions and from everything else.
Rule 3: one deposit has one signature: BIP-340 without auxiliary randomness, in a context that is randomised
        at start. A retry gives the same 64 bytes.
Rule 4: what it signed is verified before it leaves. The key stands in the arena; what is made of it for a
        signature is zeroed then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from weakref import finalize

from coincurve._libsecp256k1 import ffi, lib

from keystore.arena import address_of, process_arena
from keystore.gate import randomized_context
from keystore.header import DEFAULT_COST, Role, malformed_file
from keystore.sealed import Label, OpenedKey, seal
from keystore.secret import UNSAFE_EXPOSE, Secret, random_secret
from signer.bitcoin.network import Network
from signer.bitcoin.secp import BadSignature, verify_schnorr
from signer.core.deposits import BIP340, RecordedDeposit, attestation_digest_of
from signer.core.errors import Fault

_SIZE = 32
_CONTEXT = randomized_context()
_PAIR_SIZE = ffi.sizeof("secp256k1_keypair")


class AttestationKey:
    """An opened key. Thread-safe: it only reads its place."""

    def __init__(self, opened: OpenedKey) -> None:
        header = opened.header
        if header.role is not Role.ATTESTATION or len(opened.secret) != _SIZE:
            raise malformed_file("not the secret of an attestation key")
        place = process_arena().take(_SIZE)
        # By address: a view of `place` that dies with it in one garbage collection is a BufferError.
        self._secret = ffi.cast("unsigned char(*)[32]", address_of(place))[0]
        finalize(self, process_arena().give_back, place)
        with opened.secret:
            ffi.memmove(self._secret, opened.secret.expose(UNSAFE_EXPOSE), _SIZE)
        self.network: Network = header.network
        with _pair_of(self._secret) as pair:
            self.public: bytes = _public(pair)
        if self.public.hex() != header.public:
            raise malformed_file("the secret does not derive to the public key in the header")

    def attest(self, recorded: RecordedDeposit) -> bytes:
        """64 bytes over that deposit. Raises Fault for one that is on record under another key."""
        notice = recorded.notice
        if (notice.scheme, notice.key) != (BIP340, self.public):  # 2
            raise Fault("a deposit that is on record to be attested by another key")
        digest = attestation_digest_of(self.network.genesis_hash, notice.facts)
        out = ffi.new("unsigned char[64]")
        with _pair_of(self._secret) as pair:
            if not lib.secp256k1_schnorrsig_sign32(_CONTEXT, out, digest, pair, ffi.NULL):  # 3
                raise Fault("libsecp256k1 does not sign with the attestation key")
        signature = bytes(ffi.buffer(out, 64))
        try:
            verify_schnorr(self.public, digest, signature)  # 4
        except BadSignature:
            raise Fault("our own attestation does not verify") from None
        return signature

    def close(self) -> None:
        """Zero the key. It attests nothing more."""
        ffi.memmove(self._secret, bytes(_SIZE), _SIZE)

    def __repr__(self) -> str:
        return f"<attestation key {self.public.hex()}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an attestation key is neither copied nor pickled")


def new_attestation_key(
    network: Network, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, bytes]:
    """A fresh key: the sealed file, and the x-only public key."""
    with random_secret(_SIZE) as secret:
        with _pair_of(ffi.from_buffer(secret.expose(UNSAFE_EXPOSE))) as pair:
            public = _public(pair)
        label = Label(Role.ATTESTATION, network, public.hex(), None, cost)
        return seal(secret, label, passphrase), public


@contextmanager
def _pair_of(secret: Any) -> Iterator[Any]:
    """libsecp256k1's form of the key, zeroed afterwards. Raises Fault for a number that is no key."""
    pair = ffi.new("secp256k1_keypair *")
    try:
        if not lib.secp256k1_keypair_create(_CONTEXT, pair, secret):
            raise Fault("the attestation key is none, or closed")
        yield pair
    finally:
        ffi.memmove(pair, bytes(_PAIR_SIZE), _PAIR_SIZE)


def _public(pair: Any) -> bytes:
    point, out = ffi.new("secp256k1_xonly_pubkey *"), ffi.new("unsigned char[32]")
    lib.secp256k1_keypair_xonly_pub(_CONTEXT, point, ffi.NULL, pair)
    lib.secp256k1_xonly_pubkey_serialize(_CONTEXT, out, point)
    return bytes(ffi.buffer(out, _SIZE))
