"""What members sign together: the vault that their records make, and no other."""

from dataclasses import replace
from functools import cache

import pytest

from signer.bitcoin.network import REGTEST, SIGNET
from signer.core.errors import Refusal
from signer.core.keyrecord import KeyRecord
from signer.core.registration import (
    MemberSignature,
    addresses_of,
    match_records,
    read_signature,
    registration_message,
    registration_text,
    require_signed,
    signature_text,
)
from signer.core.vault import Vault, VaultDefinition, register
from tests import federation
from tests.bitcoin.test_fixed_keys import ALL_FIXED, FIXED
from tests.ceremony.members import PEOPLE, log_key, log_secret, record_of

VAULT = federation.vault()
RECORDS = tuple(record_of(place) for place in range(3))
POLICY = b"\x05" * 32


def missing(vault: Vault, *records: KeyRecord) -> None:
    with pytest.raises(Refusal) as caught:
        match_records(vault, records)
    assert caught.value.code == "key-record-missing"


def signatures(text: str) -> list[MemberSignature]:
    message = b"pegwarden/registration/v1\n" + text.encode()
    return [MemberSignature(log_key(name), log_secret(name).sign(message)) for name in PEOPLE]


def unsigned(text: str, given: list[MemberSignature]) -> None:
    with pytest.raises(Refusal) as caught:
        require_signed(text, RECORDS, given)
    assert caught.value.code == "vault-registration-unsigned"


def test_records_come_in_the_vaults_order() -> None:
    assert match_records(VAULT, RECORDS[::-1]) == RECORDS


def test_each_key_has_one_record_with_its_origin() -> None:
    alice, bob, carol = RECORDS
    for wrong in (
        (alice, bob),
        (alice, bob, carol, carol),
        (alice, bob, carol, record_of(3, "dave")),
        (alice, bob, replace(carol, key=carol.key.partition("]")[2])),
        (alice, bob, replace(carol, network=SIGNET)),
    ):
        missing(VAULT, *wrong)
    assert match_records(VAULT, RECORDS)


def test_a_member_is_a_name_and_a_log_key() -> None:
    """Two keys of one machine are one signer, whatever names stand beside them."""
    alice, bob, carol = RECORDS
    missing(VAULT, alice, bob, replace(carol, log_key=bob.log_key))
    missing(VAULT, alice, bob, replace(carol, member="bob"))
    missing(VAULT, alice, bob, replace(carol, member="bob", log_key=bob.log_key))
    assert match_records(VAULT, (alice, bob, replace(carol, member="dave")))


@cache
def recovery_vault() -> Vault:
    """2-of-3, and after a year the first member's second key alone."""
    template = "wsh(or_d(multi(2,@0/**,@1/**,@2/**),and_v(v:pkh(@3/**),older(52560))))"
    keys = tuple(member.key_text for member in federation.MEMBERS[:4])
    return register(VaultDefinition("late", template, keys, 20), REGTEST)


def test_a_member_has_a_second_key_where_it_is_no_second_vote() -> None:
    second = record_of(3, "alice")
    assert match_records(recovery_vault(), (*RECORDS, second)) == (*RECORDS, second)
    alice, _, carol = RECORDS
    missing(recovery_vault(), alice, record_of(1, "alice"), carol, record_of(3, "bob"))


def test_the_policy_s_witnesses_are_the_members() -> None:
    keys = tuple(each.log_key for each in RECORDS)
    definition = federation.definition()
    witnessed = register(replace(definition, witnesses=keys), REGTEST)
    assert match_records(witnessed, RECORDS) == RECORDS
    other = register(replace(definition, witnesses=(*keys[:2], log_key("dave"))), REGTEST)
    missing(other, *RECORDS)


def test_the_text_binds_all_that_members_agree_on() -> None:
    text = registration_text(VAULT, POLICY, RECORDS)
    lines = text.split("\n")
    assert f"fingerprint: {VAULT.fingerprint.hex()}" in lines
    assert [line for line in lines if line.startswith("address ")] == [
        f"address {place}: {each}" for place, each in enumerate(addresses_of(VAULT))
    ]
    assert len(addresses_of(VAULT)) == 3
    others = {
        registration_text(VAULT, bytes(32), RECORDS),
        registration_text(federation.vault(3), POLICY, RECORDS),
        registration_text(federation.vault(name="other"), POLICY, RECORDS),
        registration_text(VAULT, POLICY, (*RECORDS[:2], replace(RECORDS[2], member="dave"))),
        registration_text(VAULT, POLICY, (*RECORDS[:2], replace(RECORDS[2], log_key=bytes(32)))),
    }
    assert len(others | {text}) == 6


def test_a_vault_of_fixed_keys_has_one_address_to_compare() -> None:
    fixed = register(VaultDefinition("fixed", ALL_FIXED, FIXED, 20), REGTEST)
    assert len(addresses_of(fixed)) == 1
    records = tuple(replace(each, key=key) for each, key in zip(RECORDS, FIXED, strict=True))
    assert match_records(fixed, records) == records
    assert "address 1" not in registration_text(fixed, POLICY, records)


def test_every_member_signs_this_text() -> None:
    text = registration_text(VAULT, POLICY, RECORDS)
    given = signatures(text)
    whole = require_signed(text, RECORDS, given[::-1])
    assert whole == text + "".join(
        f"signature: {each.log_key.hex()} {each.signature.hex()}\n" for each in given
    )
    assert registration_message(text) == b"pegwarden/registration/v1\n" + text.encode()
    other = registration_text(VAULT, bytes(32), RECORDS)
    stranger = MemberSignature(log_key("mallory"), bytes(64))
    for wrong in (
        [],
        given[:2],
        [*given, stranger],
        [*given[:2], signatures(other)[2]],
        [*given[:2], given[2]._replace(signature=given[1].signature)],
        [*given[:2], given[2]._replace(signature=b"")],
    ):
        unsigned(text, wrong)


def test_a_signature_has_one_form() -> None:
    signed = MemberSignature(log_key("alice"), b"\x01" * 64)
    text = signature_text(signed)
    assert read_signature(text) == signed
    for wrong in (
        "",
        text[:-1],
        text + "\n",
        text.replace("log key", "key"),
        text.replace("01", "0g"),
    ):
        with pytest.raises(Refusal) as caught:
            read_signature(wrong)
        assert caught.value.code == "vault-registration-unsigned"
