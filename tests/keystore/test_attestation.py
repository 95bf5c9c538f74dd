"""The attestation key: of its own, deterministic, for recorded deposits alone, and zeroed at the end."""

import copy
import json
import pickle
from dataclasses import replace

import pytest

from keystore.attestation import AttestationKey, new_attestation_key
from keystore.file_keystore import open_keystore
from keystore.header import LEAST_COST, Role, read_file
from keystore.identity import new_identity
from keystore.sealed import Label, seal, unseal
from keystore.secret import Secret
from signer.bitcoin.network import REGTEST, SIGNET
from signer.bitcoin.secp import BadSignature, verify_schnorr
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.deposits import DepositFacts, RecordedDeposit, attestation_digest_of
from signer.core.errors import Fault, Refusal
from signer.core.opreturn import Deposit
from tests.journal.test_deposits_codec import DEPOSIT, FACTS
from tests.keystore.vaultroom import BINDING, passphrase, sealed_vault_key
from tests.vectors import ROOT

SECRET = b"\x07" * 32
PUBLIC = "989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f"
"""Of SECRET, by another library."""


def key_of(
    secret: bytes = SECRET, public: str = PUBLIC, role: Role = Role.ATTESTATION
) -> AttestationKey:
    label = Label(role, REGTEST, public, None, LEAST_COST)
    with Secret(secret) as content:
        return AttestationKey(unseal(seal(content, label, passphrase()), passphrase()))


def recorded(key: bytes, **facts: object) -> RecordedDeposit:
    notice = replace(DEPOSIT, key=key, facts=replace(FACTS, **facts))  # type: ignore[arg-type]
    return RecordedDeposit(notice, 1, bytes(32))


def test_it_signs_what_is_recorded_and_always_the_same() -> None:
    key = key_of()
    deposit = recorded(key.public)
    signature = key.attest(deposit)
    digest = attestation_digest_of(REGTEST.genesis_hash, FACTS)
    verify_schnorr(bytes.fromhex(PUBLIC), digest, signature)
    assert key.attest(deposit) == signature == key_of().attest(deposit)
    with pytest.raises(BadSignature):
        verify_schnorr(key.public, attestation_digest_of(SIGNET.genesis_hash, FACTS), signature)


def test_it_signs_as_the_vectors_say() -> None:
    """Without auxiliary randomness is with 32 zero bytes of it."""
    cases = json.loads((ROOT / "docs" / "vectors" / "deposit_attestations.json").read_text())[
        "cases"
    ]
    for case in cases:
        key = key_of(bytes.fromhex(case["attestation_secret"]), case["attestation_key"])
        facts = DepositFacts(
            bytes.fromhex(case["vault_fingerprint"]),
            OutPoint(Txid(bytes.fromhex(case["txid"])), case["vout"]),
            Sats(int(case["amount_sat"])),
            Deposit(
                bytes.fromhex(case["magic"]), case["l2_chain_id"], bytes.fromhex(case["l2_address"])
            ),
            bytes.fromhex(case["block_hash"]),
            Height(case["height"]),
        )
        notice = replace(DEPOSIT, key=key.public, facts=facts)
        signature = key.attest(RecordedDeposit(notice, 1, bytes(32)))
        assert signature.hex() == case["signature"]
    assert cases


def test_what_is_on_record_under_another_key_is_a_fault() -> None:
    key = key_of()
    with pytest.raises(Fault, match="another key"):
        key.attest(recorded(b"\x0a" * 32))
    good = recorded(key.public)
    other = replace(good, notice=replace(good.notice, scheme="ecdsa"))
    with pytest.raises(Fault, match="another key"):
        key.attest(other)
    key.attest(good)


def test_a_closed_key_attests_nothing() -> None:
    key = key_of()
    deposit = recorded(key.public)
    key.attest(deposit)
    key.close()
    with pytest.raises(Fault, match="closed"):
        key.attest(deposit)


@pytest.mark.parametrize(
    ("secret", "public", "role"),
    [
        (SECRET, PUBLIC, Role.VAULT),
        (SECRET, PUBLIC, Role.IDENTITY),
        (SECRET + b"\x07", PUBLIC, Role.ATTESTATION),
        (SECRET, "00" * 32, Role.ATTESTATION),
        (SECRET, PUBLIC.upper(), Role.ATTESTATION),
    ],
)
def test_a_file_is_of_such_a_key(secret: bytes, public: str, role: Role) -> None:
    with pytest.raises(Refusal) as caught:
        key_of(secret, public, role)
    assert caught.value.code == "key-file-malformed"
    key_of()


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32])
def test_a_number_that_is_no_key(secret: bytes) -> None:
    with pytest.raises(Fault):
        key_of(secret)


def test_a_new_key_opens_and_no_two_are_alike() -> None:
    made = [new_attestation_key(REGTEST, passphrase(), LEAST_COST) for _ in range(2)]
    assert made[0][1] != made[1][1]
    for sealed, public in made:
        header = read_file(sealed)[0]
        assert (header.role, header.public, header.binding) == (
            Role.ATTESTATION,
            public.hex(),
            None,
        )
        key = AttestationKey(unseal(sealed, passphrase()))
        assert key.public == public
        key.attest(recorded(public))


def test_it_is_not_shown_copied_or_pickled() -> None:
    key = key_of()
    assert SECRET.hex() not in repr(key)
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            way(key)


def test_a_keystore_with_one_and_without() -> None:
    identity = new_identity(REGTEST, passphrase(), LEAST_COST)[0]
    vaults = (sealed_vault_key(BINDING),)
    sealed, public = new_attestation_key(REGTEST, passphrase(), LEAST_COST)
    keystore = open_keystore(identity, vaults, passphrase(), attestation=sealed)
    assert keystore.attestation_key == public
    deposit = recorded(public)
    assert keystore.attest(deposit)
    keystore.close()
    with pytest.raises(Fault, match="closed"):
        keystore.attest(deposit)
    without = open_keystore(identity, vaults, passphrase())
    assert without.attestation_key == b""
    with pytest.raises(Fault, match="no attestation key"):
        without.attest(deposit)
    without.close()


def test_it_is_of_the_keystores_network() -> None:
    identity = new_identity(REGTEST, passphrase(), LEAST_COST)[0]
    vaults = (sealed_vault_key(BINDING),)
    sealed, _ = new_attestation_key(SIGNET, passphrase(), LEAST_COST)
    with pytest.raises(Refusal) as caught:
        open_keystore(identity, vaults, passphrase(), attestation=sealed)
    assert caught.value.code == "key-binding-mismatch"
