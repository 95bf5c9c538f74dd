"""The one message that a vault's key signs: its record's, while it is unbound."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from keystore import possession
from keystore.header import LEAST_COST, Binding, Header, Role
from keystore.identity import new_identity
from keystore.possession import prove_by_token, prove_possession
from keystore.sealed import unseal
from keystore.secret import UNSAFE_EXPOSE
from keystore.token.pinned_key import new_pinned_key
from keystore.token.questions import Operation, read_digests, read_question
from signer.bitcoin.network import REGTEST, SIGNET
from signer.bitcoin.secp import ORDER
from signer.core.errors import Fault, Refusal
from signer.core.keyrecord import KeyRecord, SignedRecord, possession_digest, verify_record
from tests.ceremony.members import log_key, log_signature_by, record_of
from tests.ceremony.second import tagged
from tests.keystore.vaultroom import BINDING, passphrase, sealed_vault_key

RECORD = record_of()
TOKEN_SECRET = PrivateKey(hashlib.sha256(b"token").digest())
TOKEN_KEY = TOKEN_SECRET.public_key.format()
TOKEN_RECORD = replace(RECORD, key=TOKEN_KEY.hex())


def token_header(binding: Binding | None = None) -> Header:
    content, _ = new_pinned_key(REGTEST, b"\x01", TOKEN_KEY, passphrase(), LEAST_COST)
    return replace(unseal(content, passphrase()).header, binding=binding)


def whole(record: KeyRecord, proof: bytes) -> SignedRecord:
    return SignedRecord(record, proof, log_signature_by("alice", record))


def token_signs(question: bytes) -> bytes:
    """As a keeper answers; half of a token's signatures have high S."""
    asked = read_question(question)
    assert (asked.operation, asked.ident) == (Operation.SIGN, b"\x01")
    (digest,) = read_digests(asked.rest)
    raw = TOKEN_SECRET.sign_recoverable(digest, hasher=None)[:64]
    return raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")


def code_of(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.code


def test_an_unbound_key_proves_its_record() -> None:
    opened = unseal(sealed_vault_key(), passphrase())
    assert verify_record(whole(RECORD, prove_possession(opened, RECORD))) == RECORD
    assert bytes(opened.secret.expose(UNSAFE_EXPOSE)) == bytes(32)


def test_a_token_s_key_proves_its_record_with_low_s() -> None:
    proof = prove_by_token(token_header(), TOKEN_RECORD, token_signs)
    assert verify_record(whole(TOKEN_RECORD, proof)) == TOKEN_RECORD


def test_a_bound_key_signs_no_message() -> None:
    """Checklist H8: from `key bind` on a vault's key signs spends, and nothing that a person could be talked
    into."""
    bound = unseal(sealed_vault_key(BINDING), passphrase())
    assert code_of(prove_possession, bound, RECORD) == "key-already-bound"
    assert bytes(bound.secret.expose(UNSAFE_EXPOSE)) == bytes(32)
    assert (
        code_of(prove_by_token, token_header(BINDING), TOKEN_RECORD, token_signs)
        == "key-already-bound"
    )


def test_a_key_signs_its_own_record_alone() -> None:
    for other in (record_of(1), replace(RECORD, network=SIGNET)):
        opened = unseal(sealed_vault_key(), passphrase())
        assert code_of(prove_possession, opened, other) == "key-record-unproven"
    assert code_of(prove_by_token, token_header(), RECORD, token_signs) == "key-record-unproven"


def test_an_identity_is_no_vault_key() -> None:
    content, log, statement = new_identity(REGTEST, passphrase(), LEAST_COST)
    opened = unseal(content, passphrase())
    assert opened.header.role is Role.IDENTITY
    record = replace(RECORD, log_key=log, statement_key=statement)
    assert code_of(prove_possession, opened, record) == "key-role-wrong"


@pytest.mark.parametrize(
    "answer",
    [b"", bytes(63), b"\xff" * 64, TOKEN_SECRET.sign_recoverable(bytes(32), hasher=None)[:64]],
)
def test_a_token_that_signs_something_else_is_a_fault(answer: bytes) -> None:
    with pytest.raises(Fault):
        prove_by_token(token_header(), TOKEN_RECORD, lambda _: answer)
    assert prove_by_token(token_header(), TOKEN_RECORD, token_signs)


def test_a_key_with_which_libsecp256k1_does_not_sign_is_a_fault_and_zeroed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derived = []
    derive = possession.derive_account

    def broken(seed: object, network: object) -> object:
        origin, account = derive(seed, network)
        account.close()  # zero is no key
        derived.append(account)
        return origin, account

    monkeypatch.setattr(possession, "derive_account", broken)
    with pytest.raises(Fault):
        prove_possession(unseal(sealed_vault_key(), passphrase()), RECORD)
    assert bytes(derived[0].expose(UNSAFE_EXPOSE)) == bytes(32)


def test_what_is_signed_has_a_tag_of_its_own() -> None:
    """No digest of BIP-143, BIP-341 or of an officer's text has it."""
    text = f"""pegwarden key record, version 1
network: regtest
genesis: 0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206
member: alice
key: {RECORD.key}
log key: {log_key("alice").hex()}
statement key: {"00" * 32}
"""
    assert possession_digest(RECORD) == tagged("pegwarden/possession/v1", text.encode())
