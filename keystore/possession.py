"""Proof that a member holds the key of its record: the one message that a vault's key ever signs.

1. Only an unbound key signs it: one that has never been in a vault and has never signed a spend. Where `bind`
   was, no signature but a spend's is made (checklist H8; docs/adr/0016-possession.md).
2. What is signed is not given: it is computed here from the record (`signer.core.keyrecord`), under a tag
   that no digest of a transaction has, and the record must name this very key.
3. An account's own key signs, which stands in no address. A token's one key signs, which does: its one
   signature outside a transaction.
4. What leaves was verified under the record's key, with low S.
"""

from collections.abc import Callable

from coincurve._libsecp256k1 import ffi, lib

from keystore.derive import SEED_SIZE, derive_account
from keystore.gate import randomized_context
from keystore.header import Header, Role
from keystore.sealed import OpenedKey
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.token.gate import der_of
from keystore.token.questions import sign_question
from signer.bitcoin.errors import Malformed
from signer.bitcoin.secp import BadSignature, verify_ecdsa
from signer.core.errors import Fault, Objection, Refusal
from signer.core.keyrecord import KeyRecord, possession_digest, public_key_of

_CONTEXT = randomized_context()


def require_unproven(header: Header, record: KeyRecord) -> None:
    """Rules 1 and 2. Raises Refusal `key-role-wrong`, `key-already-bound`, `key-record-unproven`."""
    if header.role is not Role.VAULT:
        raise Refusal(Objection("key-role-wrong", "a record is of a vault key", header.role.value))
    if header.binding is not None:
        raise Refusal(
            Objection("key-already-bound", "a bound key signs spends of its vault, and no record")
        )
    if (header.public, header.network) != (record.key, record.network):
        raise Refusal(Objection("key-record-unproven", "the record is of another key"))


def prove_possession(opened: OpenedKey, record: KeyRecord) -> bytes:
    """DER, by the account's key; the seed is zeroed. Raises what `require_unproven` raises, and Fault."""
    header = opened.header
    with opened.secret:
        require_unproven(header, record)
        with Secret(opened.secret.expose(UNSAFE_EXPOSE)[:SEED_SIZE]) as seed:
            _, account = derive_account(seed, header.network)
    raw = ffi.new("secp256k1_ecdsa_signature *")
    try:
        secret = account.expose(UNSAFE_EXPOSE)
        digest = possession_digest(record)
        if not lib.secp256k1_ecdsa_sign(_CONTEXT, raw, digest, secret, ffi.NULL, ffi.NULL):
            raise Fault("libsecp256k1 does not sign with this key")
    finally:
        account.close()
    return _verified(der_of(raw), record)


def prove_by_token(header: Header, record: KeyRecord, ask: Callable[[bytes], bytes]) -> bytes:
    """DER, by the token's key, which `ask` puts a keeper's question to. `header` is in the open: the file's
    seal is not verified where the token's module is.
    Raises what `require_unproven` and `ask` raise, and Fault."""
    require_unproven(header, record)
    raw = ask(sign_question(header.token, [possession_digest(record)]))
    parsed = ffi.new("secp256k1_ecdsa_signature *")
    if len(raw) != 64 or not lib.secp256k1_ecdsa_signature_parse_compact(_CONTEXT, parsed, raw):
        raise Fault("the token's signature is not 64 bytes in range")
    return _verified(der_of(parsed), record)


def _verified(signature: bytes, record: KeyRecord) -> bytes:
    """Rule 4."""
    try:
        verify_ecdsa(public_key_of(record), possession_digest(record), signature)
    except (BadSignature, Malformed):
        raise Fault("the proof of possession does not verify under its own key") from None
    return signature
