"""What is kept for ever is read back byte for byte, with every byte of every number in its place."""

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import (
    AnchorTerms,
    Attestation,
    CoinTerms,
    Statement,
    StatementKind,
    SweepTerms,
    statement_bytes,
)
from signer.core.evidence_codec import decode_evidence, encode_evidence, read_anchor
from signer.core.fields import pack, u64_be, unpack
from signer.core.payment import WithdrawalTerms

U32, U64 = 0x81020384, 0x8102030405060788
STATEMENTS: tuple[Statement, ...] = (
    WithdrawalTerms(b"\x01" * 32, Sats(U64), b"\x00\x14" + b"\x02" * 20),
    CoinTerms(OutPoint(Txid(b"\x03" * 32), U32), Sats(U64), Height(U32 + 9), b"\x51" * 300),
    AnchorTerms(b"PGWD", U64, b"\x04" * 32, U64 + 1, b"\x05" * 32, b"\x06" * 32),
    SweepTerms(2, b"\x07" * 32, 0x81, Sats(U64), b"\x08" * 16),
)


def attestation(*statements: Statement, expiry: int = U64) -> Attestation:
    return Attestation(b"\x09" * 32, expiry, statements, b"\x0a" * 64)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: type(each).__name__)
def test_every_statement_is_read_back(statement: Statement) -> None:
    kept = (attestation(statement), attestation(statement, statement, expiry=1))
    assert decode_evidence(encode_evidence(kept)) == kept


def record(statement: bytes, kind: StatementKind = StatementKind.WITHDRAWAL) -> bytes:
    fields = (b"\x09" * 32, u64_be(U64), b"\x0a" * 64, kind.value.encode(), pack((statement,)))
    return pack((pack(fields),))


def test_a_script_that_is_cut_short_or_has_bytes_to_spare() -> None:
    whole = statement_bytes(STATEMENTS[0])
    assert decode_evidence(record(whole)) == (attestation(STATEMENTS[0]),)
    for changed in (whole[:-1], whole + b"\x00", whole[:41]):
        with pytest.raises(Malformed) as caught:
            decode_evidence(record(changed))
        assert caught.value.code == "entry-malformed"


def test_a_script_of_no_bytes() -> None:
    empty = WithdrawalTerms(b"\x01" * 32, Sats(5), b"")
    assert decode_evidence(record(statement_bytes(empty)))[0].statements == (empty,)


def test_an_anchor_of_another_size() -> None:
    whole = statement_bytes(STATEMENTS[2])
    assert read_anchor(whole) == STATEMENTS[2]
    for changed in (whole[:-1], whole + b"\x00"):
        with pytest.raises(Malformed) as caught:
            read_anchor(changed)
        assert caught.value.code == "entry-malformed"


@pytest.mark.parametrize("spare", [b"\x00", b"\x00\x00", b"\x00\x00\x00", b"\x00\x00\x00\x01"])
def test_a_record_that_is_cut_short(spare: bytes) -> None:
    whole = pack((b"one", b""))
    assert unpack(whole) == [b"one", b""]
    assert unpack(whole + bytes(4)) == [b"one", b"", b""]
    with pytest.raises(Malformed) as caught:
        unpack(whole + spare)
    assert caught.value.code == "entry-malformed"
