"""Edges that no story of a request reaches: who is shown what, statements, odd records and descriptors."""

from dataclasses import replace
from hashlib import sha256

import pytest

from signer.bitcoin.descriptor import parse_descriptor
from signer.bitcoin.descriptor.checksum import with_checksum
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.model import PsbtOutput
from signer.bitcoin.psbt.writer import OutputDraft
from signer.bitcoin.taproot import UNSPENDABLE_H
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from signer.core.caller import Role
from signer.core.catalogue import CATALOGUE
from signer.core.drafts import vault_output
from signer.core.errors import Objection, VerificationError, shown_to
from signer.core.evidence import Realm, attestation_digest
from signer.core.fields import pack, u32_be, u64_be, unpack_exactly
from signer.core.opreturn import (
    Anchor,
    Deposit,
    Payload,
    encode_payload,
    op_return_script,
    validate_anchor,
)
from signer.core.payment import WithdrawalTerms
from signer.core.places import derive_hinted
from signer.core.registry import VaultRegistry
from signer.core.stated import AddressStatement, DepositStatement
from signer.core.vault import Vault
from tests.core.spends import Case, derivations
from tests.core.test_verify import refused, rotation_case
from tests.federation import taproot_vault, vault

# What a refusal shows (errors, rule 4)

PUBLIC = next(entry.code for entry in CATALOGUE.values() if entry.public)
PRIVATE = next(entry.code for entry in CATALOGUE.values() if not entry.public)
EVERY_ROLE = frozenset(Role)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OFFICER])
def test_auditors_and_officers_see_every_value(role: Role) -> None:
    objection = Objection(PRIVATE, "detail", "5 sat", "4 sat")
    assert shown_to(frozenset({role, Role.RELAYER}), objection) is objection


def test_relayers_see_the_values_of_public_codes() -> None:
    relayer = frozenset({Role.RELAYER})
    public, private = (Objection(code, "seen", "5", "4", 9) for code in (PUBLIC, PRIVATE))
    assert shown_to(relayer, public) is public
    assert shown_to(relayer, private) == Objection(PRIVATE, "seen", "", "", 9)


def test_other_roles_see_no_values() -> None:
    others = EVERY_ROLE - {Role.AUDITOR, Role.OFFICER, Role.RELAYER}
    for roles in (others, frozenset[Role]()):
        assert shown_to(roles, Objection(PUBLIC, "seen", "5", "4")) == Objection(PUBLIC, "seen")


# What the statement key signs (stated, rule 1)

REALM = Realm(b"\x0a" * 32, b"\x0b" * 32)
ADDRESS = AddressStatement("bcrt1qaddress", b"\x00\x20" + b"\x01" * 32, 2, 7, "m/48'/1'")
DEPOSIT = DepositStatement("bcrt1qaddress", b"\x51\x20" + b"\x02" * 32, 1, 2**40, 3, b"payload")


def test_bytes_of_an_address_statement() -> None:
    said = (
        b"pegwarden/address/v1\x00" + b"\x0a" * 32 + b"\x0b" * 32
        + b"\x00\x0dbcrt1qaddress" + b"\x00\x22\x00\x20" + b"\x01" * 32
        + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x07" + b"\x00\x08m/48'/1'"
    )  # fmt: skip
    assert ADDRESS.digest(REALM) == sha256(said).digest()


def test_bytes_of_a_deposit_statement() -> None:
    said = (
        b"pegwarden/deposit/v1\x00" + b"\x0a" * 32 + b"\x0b" * 32
        + b"\x00\x0dbcrt1qaddress" + b"\x00\x22\x51\x20" + b"\x02" * 32
        + b"\x00\x00\x00\x01" + b"\x00\x00\x01\x00\x00\x00\x00\x00" + b"\x00\x00\x00\x03"
        + b"\x00\x07payload"
    )  # fmt: skip
    assert DEPOSIT.digest(REALM) == sha256(said).digest()


def test_bytes_that_an_attestor_signs() -> None:
    """Written out, not made with our own code: watchers in other languages make them too."""
    terms = WithdrawalTerms(b"\x01" * 32, Sats(2**40), b"\x51" * 34)
    one = b"\x01" * 32 + b"\x00\x00\x01" + bytes(5) + b"\x00\x22" + b"\x51" * 34
    body = REALM.genesis_hash + REALM.vault_fingerprint
    body += b"\x00\x00\x00\x00\x6b\x49\xd2\x00" + b"\x00\x00\x00\x02" + one + one
    tag = sha256(b"pegwarden/withdrawal/v1").digest()
    digest = attestation_digest(REALM, 1_800_000_000, (terms, terms))
    assert digest == sha256(tag + tag + body).digest()


# Records of fields


def test_record_with_another_number_of_fields() -> None:
    record = pack((b"one", b""))
    assert unpack_exactly(record, 2) == [b"one", b""]
    for count in (1, 3):
        with pytest.raises(Malformed) as caught:
            unpack_exactly(record, count)
        assert caught.value.code == "entry-malformed"


def test_numbers_have_their_width() -> None:
    assert (u32_be(1), u64_be(1)) == (b"\x00\x00\x00\x01", b"\x00\x00\x00\x00\x00\x00\x00\x01")


# Anchors, read from a transaction of anyone

ANCHOR = Anchor(b"PGWD", 7, b"\x01" * 32, b"\x02" * 32)


def anchor_codes(payload: Payload, expected: Anchor | None, branch: int | None = 0) -> list[str]:
    registry = VaultRegistry((vault(),))
    for each in (0, 1):
        registry.cover(vault(), each, 0)
    txin = TxIn(OutPoint(Txid(b"\x05" * 32), 0), b"", 0xFFFFFFFD)
    carrier = TxOut(Sats(0), op_return_script(encode_payload(payload)))
    spent = None
    if branch is not None:
        spent = TxOut(Sats(9_000), vault().script(branch, 2).script_pubkey)
    report = validate_anchor(
        Transaction(2, (txin,), (carrier,), 0), (spent,), registry.find, expected
    )
    return [objection.code for objection in report.objections]


def test_anchor_of_the_vault() -> None:
    assert anchor_codes(ANCHOR, None) == []
    assert anchor_codes(ANCHOR, ANCHOR, branch=1) == []


def test_anchor_that_is_a_deposit_or_another() -> None:
    deposit = Deposit(b"PGWD", 1, b"\x05" * 20)
    assert anchor_codes(deposit, None) == ["anchor-mismatch"]
    assert anchor_codes(ANCHOR, replace(ANCHOR, batch_id=8)) == ["anchor-mismatch"]


def test_anchor_of_an_unproven_coin() -> None:
    assert anchor_codes(ANCHOR, ANCHOR, branch=None) == ["anchor-not-from-vault"]


# Rotation outputs show the next vault's address, or nothing


def rotation_showing(**changes: object) -> Case:
    case = rotation_case()
    shown = replace(case.outputs[0], **changes)  # type: ignore[arg-type]
    return case.but(outputs=(shown,))


def test_rotation_that_shows_nothing() -> None:
    bare = OutputDraft(rotation_case().outputs[0].txout)
    assert rotation_case().but(outputs=(bare,)).verify().rotations[0].index == 3


def test_rotation_that_shows_another_script_of_the_next_vault() -> None:
    other = rotation_case().others[0].script(0, 4)
    assert (
        refused(rotation_showing(witness_script=other.witness_script)) == "output-script-mismatch"
    )
    assert (
        refused(rotation_showing(bip32_derivations=derivations(other))) == "output-script-mismatch"
    )


def test_rotation_to_the_last_index_of_the_lookahead() -> None:
    assert rotation_case(19).verify().rotations[0].index == 19
    assert refused(rotation_case(20)) == "output-unexplained"


# A Taproot vault whose internal key is H itself has no derivation for it


def raw_vault() -> Vault:
    named = taproot_vault()
    text = f"tr({UNSPENDABLE_H.hex()}{named.text[named.text.index(',{') :]}"
    descriptor = parse_descriptor(with_checksum(text), REGTEST)
    return Vault("raw", REGTEST, descriptor, 20)


def test_internal_key_without_an_xpub_has_no_derivation() -> None:
    for made, internal in ((taproot_vault(), 1), (raw_vault(), 0)):
        draft = vault_output(made, made.script(1, 5), Sats(50_000))
        leaf_keys = sum(len(leaf.keys) for leaf in made.script(1, 5).leaves)
        assert len(draft.tap_derivations) == leaf_keys + internal


def test_internal_key_without_an_xpub_cannot_be_named() -> None:
    raw, named = raw_vault(), taproot_vault()
    draft = vault_output(raw, raw.script(1, 5), Sats(50_000))
    hints = PsbtOutput((), tap_derivations=draft.tap_derivations)
    assert derive_hinted(hints, raw, "output 0") == raw.script(1, 5)
    with_xpub = vault_output(named, named.script(1, 5), Sats(50_000)).tap_derivations
    with pytest.raises(VerificationError) as caught:
        derive_hinted(PsbtOutput((), tap_derivations=with_xpub), raw, "output 0")
    assert caught.value.code == "derivation-mismatch"
