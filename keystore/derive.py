"""BIP-32 with private keys: from a seed to the account, its branches and the keys of addresses.

Rule 1: private keys stand in buffers that are zeroed, those that are kept in the arena; what a hash returned
        of them is wiped.
Rule 2: the only account is m/48'/coin'/0'/2' (BIP-48, P2WSH); nothing above it or beside it is derived.
Rule 3: below the account the tweaks are public (they follow from the xpub), so branches and children need
        no hash over a secret: the child's key is the branch's plus a public number.
"""

import hmac
from typing import Any, NoReturn
from weakref import finalize

from coincurve._libsecp256k1 import ffi, lib

from keystore.arena import Arena, address_of
from keystore.secret import UNSAFE_EXPOSE, Secret, wipe
from signer.bitcoin.keys import HARDENED, ExtendedPublicKey, KeyOrigin, KeyPath
from signer.bitcoin.network import Network
from signer.bitcoin.secp import CONTEXT, serialize_pubkey
from signer.core.errors import Fault

SEED_SIZE, KEY_SIZE = 32, 32


def account_path(network: Network) -> KeyPath:
    """m/48'/coin'/0'/2'."""
    return (48 + HARDENED, network.coin_type + HARDENED, HARDENED, 2 + HARDENED)


class PrivateNode:
    """A private key with its chain code. Born in `master_node` and in its own children."""

    __slots__ = ("__weakref__", "_key", "_tweaks", "public")

    def __init__(self, key: Any, public: ExtendedPublicKey) -> None:
        self._key = key
        self.public = public
        """The extended public key of this node."""
        # What the HMACs of all children begin with; nothing of it is secret (rule 3).
        self._tweaks = hmac.new(public.chain_code, public.pubkey, "sha512")

    def expose(self, token: object) -> Any:
        """The 32-byte buffer itself; it is zeroed by `close`."""
        if token is not UNSAFE_EXPOSE:
            raise TypeError("reading a secret needs UNSAFE_EXPOSE")
        return self._key

    def child(self, number: int) -> "PrivateNode":
        """CKDpriv (BIP-32). Raises Fault in the 1 of 2^127 cases in which the child does not exist."""
        public = self.public
        if number >= HARDENED:
            message = bytearray(b"\x00" + bytes(32) + number.to_bytes(4, "big"))
            message[1:33] = ffi.buffer(self._key)
        else:
            message = bytearray(public.pubkey + number.to_bytes(4, "big"))
        digest = hmac.digest(public.chain_code, message, "sha512")
        message[:] = bytes(len(message))
        key = ffi.new("unsigned char[32]")
        ffi.memmove(key, self._key, 32)
        if not lib.secp256k1_ec_seckey_tweak_add(CONTEXT, key, digest):
            raise Fault(f"child {number} does not exist")
        place = (public.depth + 1, public.fingerprint(), number)
        return _node(key, digest, place)

    def write_child(self, number: int, key: Any) -> None:
        """Write the private key of that child, not hardened, into a buffer that its owner zeroes.

        Raises Fault in the 1 of 2^127 cases in which the child does not exist.
        """
        tweak = self._tweaks.copy()
        tweak.update(number.to_bytes(4, "big"))
        ffi.memmove(key, self._key, 32)
        if not lib.secp256k1_ec_seckey_tweak_add(CONTEXT, key, tweak.digest()):
            raise Fault(f"child {number} does not exist")

    def moved(self, arena: Arena) -> "PrivateNode":
        """The same node with its key in the arena, until it is garbage; this one is closed."""
        place = arena.take(KEY_SIZE)
        # By address: a view of `place` that dies with it in one garbage collection is a BufferError.
        key = ffi.cast("unsigned char(*)[32]", address_of(place))[0]
        ffi.memmove(key, self._key, KEY_SIZE)
        self.close()
        node = PrivateNode(key, self.public)
        finalize(node, arena.give_back, place)
        return node

    def close(self) -> None:
        """Zero the key."""
        ffi.memmove(self._key, bytes(32), 32)

    def __repr__(self) -> str:
        return f"<private node of {self.public.fingerprint().hex()}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is neither copied nor pickled")


def master_node(seed: Secret) -> PrivateNode:
    """The master key of a seed (BIP-32). Raises Fault in the 1 of 2^127 cases without one."""
    digest = hmac.digest(b"Bitcoin seed", seed.expose(UNSAFE_EXPOSE), "sha512")
    key = ffi.new("unsigned char[32]")
    ffi.memmove(key, digest, 32)
    if not lib.secp256k1_ec_seckey_verify(CONTEXT, key):
        raise Fault("the seed has no master key")
    return _node(key, digest, (0, bytes(4), 0))


def derive_account(seed: Secret, network: Network) -> tuple[KeyOrigin, PrivateNode]:
    """The account's node and its origin; the nodes above it are zeroed."""
    node, path = master_node(seed), account_path(network)
    fingerprint = node.public.fingerprint()
    for number in path:
        parent, node = node, node.child(number)
        parent.close()
    return KeyOrigin(fingerprint, path), node


def _node(key: Any, digest: bytes, place: tuple[int, bytes, int]) -> PrivateNode:
    chain_code = digest[32:]
    wipe(digest)
    point = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_create(CONTEXT, point, key):
        raise Fault("a private key without a public key")
    public = ExtendedPublicKey(*place, chain_code, serialize_pubkey(point))
    return PrivateNode(key, public)
