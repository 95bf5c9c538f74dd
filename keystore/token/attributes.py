"""What a key in a token is made as, and what is read back before it is used.

1. A key is read back after its making and by every keeper that finds it: `token-key-weak` names each
   attribute that is not as it must be. Nothing weak signs, and nothing weak opens a seal.
2. COPYABLE, DESTROYABLE, ALLOWED_MECHANISMS and ALWAYS_AUTHENTICATE are optional in real tokens: what a token
   does not know is told in `absent`; what it knows must be right.
3. A KEK without ALLOWED_MECHANISMS = [AES_GCM] is no authentication: AES-CTR on the same key reads what GCM
   encrypted, without its tag. The passphrase's seal inside bounds the damage.
"""

from typing import NamedTuple

from coincurve._libsecp256k1 import ffi, lib

from keystore.token.cryptoki import Token, TokenError
from keystore.token.names import (
    AES,
    EC,
    PRIVATE_KEY,
    PUBLIC_KEY,
    SECRET_KEY,
    Cka,
    Ckm,
    Ckr,
    Template,
    raw_value,
)
from signer.bitcoin.secp import CONTEXT, serialize_pubkey
from signer.core.errors import Objection, Refusal

SECP256K1 = bytes.fromhex("06052b8104000a")
"""The curve's object identifier, in DER."""
_POINT = b"\x04\x41"
"""How a DER OCTET STRING of 65 bytes begins."""

SIGNING: Template = (
    (Cka.TOKEN, True),
    (Cka.PRIVATE, True),
    (Cka.SENSITIVE, True),
    (Cka.SIGN, True),
    (Cka.EXTRACTABLE, False),
    (Cka.MODIFIABLE, False),
    (Cka.COPYABLE, False),
    (Cka.DESTROYABLE, False),
    (Cka.DERIVE, False),
    (Cka.DECRYPT, False),
    (Cka.UNWRAP, False),
    (Cka.SIGN_RECOVER, False),
    (Cka.ALLOWED_MECHANISMS, (Ckm.ECDSA,)),
)
SEALING: Template = (
    (Cka.CLASS, SECRET_KEY),
    (Cka.KEY_TYPE, AES),
    (Cka.VALUE_LEN, 32),
    (Cka.TOKEN, True),
    (Cka.PRIVATE, True),
    (Cka.SENSITIVE, True),
    (Cka.ENCRYPT, True),
    (Cka.DECRYPT, True),
    (Cka.EXTRACTABLE, False),
    (Cka.MODIFIABLE, False),
    (Cka.COPYABLE, False),
    (Cka.DESTROYABLE, False),
    (Cka.DERIVE, False),
    (Cka.WRAP, False),
    (Cka.UNWRAP, False),
    (Cka.SIGN, False),
    (Cka.ALLOWED_MECHANISMS, (Ckm.AES_GCM,)),
)
_OF_ITS_LIFE: Template = (
    (Cka.LOCAL, True),
    (Cka.ALWAYS_SENSITIVE, True),
    (Cka.NEVER_EXTRACTABLE, True),
)
"""The token sets them itself: never outside, never readable."""
SIGNING_READ_BACK: Template = (
    *SIGNING,
    *_OF_ITS_LIFE,
    (Cka.KEY_TYPE, EC),
    (Cka.ALWAYS_AUTHENTICATE, False),
)
KEK_READ_BACK: Template = (*SEALING, *_OF_ITS_LIFE)
OPTIONAL = frozenset(
    (Cka.COPYABLE, Cka.DESTROYABLE, Cka.ALLOWED_MECHANISMS, Cka.ALWAYS_AUTHENTICATE)
)


class TokenPublic(NamedTuple):
    """A key that was read back and is as it must be."""

    pubkey: bytes
    """33 bytes; empty for a KEK."""
    absent: tuple[str, ...]
    """Optional attributes that the token does not know."""


def signing_templates(ident: bytes) -> tuple[Template, Template]:
    """Of a key pair that signs: public, private."""
    public = (
        (Cka.TOKEN, True),
        (Cka.ID, ident),
        (Cka.EC_PARAMS, SECP256K1),
        (Cka.VERIFY, True),
        (Cka.MODIFIABLE, False),
    )
    return public, ((Cka.ID, ident), *SIGNING)


def sealing_template(ident: bytes) -> Template:
    """Of a key that wraps seeds (KEK)."""
    return ((Cka.ID, ident), *SEALING)


def make_pair(token: Token, public: Template, private: Template) -> tuple[int, int]:
    """Generate; without the optional attributes where the token does not know one of them."""
    try:
        return token.generate_pair(public, private)
    except TokenError as error:
        if error.code != Ckr.ATTRIBUTE_TYPE_INVALID:
            raise
    return token.generate_pair(public, _without_optional(private))


def make_kek(token: Token, template: Template) -> int:
    """Likewise."""
    try:
        return token.generate_key(template)
    except TokenError as error:
        if error.code != Ckr.ATTRIBUTE_TYPE_INVALID:
            raise
    return token.generate_key(_without_optional(template))


def make_signing_key(token: Token, ident: bytes) -> TokenPublic:
    """Under a new id, and read back. Raises Refusal `token-key-missing`, `token-key-weak`."""
    _require_new(token, ident)
    make_pair(token, *signing_templates(ident))
    return verify_key(token, find_signing(token, ident))


def make_sealing_key(token: Token, ident: bytes) -> TokenPublic:
    """Likewise."""
    _require_new(token, ident)
    return verify_kek(token, make_kek(token, sealing_template(ident)))


def _require_new(token: Token, ident: bytes) -> None:
    found = len(token.find(((Cka.ID, ident),)))
    if found:
        detail = f"the token holds {found} objects of id {ident.hex()} already"
        raise Refusal(Objection("token-key-missing", detail, str(found), "0"))


def verify_key(token: Token, handle: int) -> TokenPublic:
    """A signing key. Raises Refusal `token-key-weak`, `token-key-missing`."""
    absent = _read_back(token, handle, SIGNING_READ_BACK)
    return TokenPublic(_public_of(token, handle), absent)


def verify_kek(token: Token, handle: int) -> TokenPublic:
    """A key that wraps seeds. Raises Refusal `token-key-weak`."""
    return TokenPublic(b"", _read_back(token, handle, KEK_READ_BACK))


def find_one(token: Token, ident: bytes, kind: int) -> int:
    """The only object of that class and id. Raises Refusal `token-key-missing`."""
    found = token.find(((Cka.CLASS, kind), (Cka.ID, ident)))
    if len(found) != 1:
        raise Refusal(
            Objection(
                "token-key-missing",
                f"the token holds {len(found)} keys of id {ident.hex()} (class {kind})",
                str(len(found)),
                "1",
            )
        )
    return found[0]


def find_signing(token: Token, ident: bytes) -> int:
    """The private key of that id. Raises Refusal `token-key-missing`."""
    return find_one(token, ident, PRIVATE_KEY)


def find_sealing(token: Token, ident: bytes) -> int:
    """The KEK of that id. Raises Refusal `token-key-missing`."""
    return find_one(token, ident, SECRET_KEY)


def find_refused(
    token: Token, handle: int, wanted: Template
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of optional attributes that the token does not know; attributes that are not as wanted."""
    weak, absent = [], []
    for kind, value in wanted:
        seen = token.attribute(handle, kind)
        if seen is None and kind in OPTIONAL:
            absent.append(kind.name)
        elif seen != raw_value(value):
            weak.append(kind.name if seen is None else f"{kind.name}={seen[:16].hex()}")
    return tuple(absent), tuple(weak)


def _without_optional(template: Template) -> Template:
    return [each for each in template if each[0] not in OPTIONAL]


def _read_back(token: Token, handle: int, wanted: Template) -> tuple[str, ...]:
    absent, weak = find_refused(token, handle, wanted)
    if weak:
        detail = f"attributes of the key are not as they must be: {', '.join(weak)}"
        raise Refusal(Objection("token-key-weak", detail))
    return absent


def _public_of(token: Token, handle: int) -> bytes:
    """From the public object of the same id; the gate verifies every signature under what is pinned."""
    ident = token.attribute(handle, Cka.ID) or b""
    public = find_one(token, ident, PUBLIC_KEY)
    if token.attribute(public, Cka.EC_PARAMS) != SECP256K1:
        raise Refusal(Objection("token-key-weak", "the key is on another curve: EC_PARAMS"))
    return compressed(token.attribute(public, Cka.EC_POINT) or b"")


def compressed(point: bytes) -> bytes:
    """33 bytes of CKA_EC_POINT: a DER OCTET STRING, or from some tokens the 65 bytes alone.

    Raises Refusal `token-key-weak`.
    """
    raw = point.removeprefix(_POINT) if len(point) == 67 else point
    parsed = ffi.new("secp256k1_pubkey *")
    if len(raw) != 65 or not lib.secp256k1_ec_pubkey_parse(CONTEXT, parsed, raw, len(raw)):
        raise Refusal(Objection("token-key-weak", "EC_POINT is no point of the curve"))
    return serialize_pubkey(parsed)
