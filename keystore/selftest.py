"""Known answers before service: a broken build signs nothing (checklist L8).

1. libsecp256k1 is the C library and passes its own self-test; RIPEMD-160 is there.
2. BIP-340 vector 0 verifies, and does not with one bit changed.
3. BIP-143's native P2WPKH example: our digest is the example's.
4. The gate signs that digest with the example's key to the example's signature (RFC 6979), which verifies.
5. BIP-32 vector 1: the seed's child 0' has the vector's public key.
"""

from collections.abc import Callable

from coincurve._libsecp256k1 import lib

from keystore.derive import master_node
from keystore.gate import _sign  # the function under test; it is nobody else's
from keystore.secret import Secret
from signer.bitcoin.hashes import hash160
from signer.bitcoin.keys import HARDENED
from signer.bitcoin.secp import BadSignature, verify_ecdsa, verify_schnorr
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.transaction import parse_unsigned
from signer.bitcoin.units import Sats
from signer.core.errors import Fault

_HASH160 = "79be667ef9dcbbac55a06295ce870b07", "012178f67ea6b81e7521ea6628e6dfeba12ac4b8"
_BIP340_KEY = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
_BIP340_SIGNATURE = (
    "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215"
    "25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0"
)
_BIP143_TRANSACTION = (
    "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02"
    "202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac"
    "9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
)
_BIP143_SCRIPT_CODE = "76a9141d0f172a0ecb48aee1be1f2687d2963ae33f71a188ac"
_BIP143_DIGEST = "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670"
_BIP143_SECRET = "619c335025c7f4012e556c2a58b2506e30b8511b53ade95ea316fd8c3286feb9"  # noqa: S105
_BIP143_PUBKEY = "025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357"
_BIP143_SIGNATURE = (
    "304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a"
    "0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee"
)
_BIP32_SEED = "000102030405060708090a0b0c0d0e0f"
_BIP32_CHILD = "035a784662a4a20a65bf6aab9ae98a6c068a81c52e4b032c0fb5400c706cfccc56"


def self_test() -> None:
    """Raises Fault `self-test-failed`, naming the part."""
    for part in (_library, _bip340, _bip143, _bip32):
        _run(part)


def _run(part: Callable[[], bool]) -> None:
    try:
        passed = part()
    except Exception as error:
        raise Fault(f"self-test-failed: {part.__name__[1:]}: {type(error).__name__}") from error
    if not passed:
        raise Fault(f"self-test-failed: {part.__name__[1:]}")


def _library() -> bool:
    lib.secp256k1_selftest()  # aborts the process where the build is wrong
    return hash160(bytes.fromhex(_HASH160[0])).hex() == _HASH160[1]


def _bip340() -> bool:
    key, signature = bytes.fromhex(_BIP340_KEY), bytes.fromhex(_BIP340_SIGNATURE)
    verify_schnorr(key, bytes(32), signature)
    try:
        verify_schnorr(key, bytes(31) + b"\x01", signature)
    except BadSignature:
        return True
    return False


def _bip143() -> bool:
    transaction = parse_unsigned(bytes.fromhex(_BIP143_TRANSACTION))
    script = bytes.fromhex(_BIP143_SCRIPT_CODE)
    digest = SegwitV0Sighash(transaction).digest(1, script, Sats(600_000_000))
    signature = _sign(bytes.fromhex(_BIP143_SECRET), digest)
    verify_ecdsa(bytes.fromhex(_BIP143_PUBKEY), digest, signature)
    return (digest.hex(), signature.hex()) == (_BIP143_DIGEST, _BIP143_SIGNATURE)


def _bip32() -> bool:
    with Secret(bytes.fromhex(_BIP32_SEED)) as seed:
        child = master_node(seed).child(HARDENED)
    return child.public.pubkey.hex() == _BIP32_CHILD
