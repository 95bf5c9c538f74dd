"""Entry bytes and evidence bytes: inverse, strict, and the very bytes that are fixed for ever."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import MAX_MONEY, Height, Sats
from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms, Attestation, CoinTerms, Statement, SweepTerms
from signer.core.evidence_codec import decode_evidence, encode_evidence
from signer.core.fields import pack, unpack
from signer.core.payment import Payment, WithdrawalTerms
from signer.core.spend import Change
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import (
    MAX_TEXT,
    Claims,
    CoinClaim,
    Entry,
    GenesisEntry,
    RefusedEntry,
    RotationClaim,
    SignedEntry,
    SigningRow,
)
from tests.journal.desk import GENESIS

b32 = st.binary(min_size=32, max_size=32)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
sats = st.integers(0, MAX_MONEY).map(Sats)
script = st.binary(max_size=40)
text = st.text(max_size=12)
outpoints = st.builds(OutPoint, b32.map(Txid), u32)


def few(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(items, max_size=3).map(tuple)


anchors = st.builds(AnchorTerms, st.binary(min_size=4, max_size=4), u64, b32, u64, b32, b32)
nonces = st.binary(min_size=16, max_size=16)
claims = st.builds(
    Claims,
    b32.map(Txid),
    few(st.builds(Payment, b32, u32, sats, script)),
    few(st.tuples(b32, outpoints)),
    few(st.tuples(b32, outpoints)),
    st.none() | outpoints,
    sats,
    sats,
    few(st.builds(CoinClaim, outpoints, sats, script, u32, u32, st.none() | u32)),
    st.none() | st.builds(Change, u32, sats, u32),
    few(st.builds(RotationClaim, b32, u32, sats, u32)),
    st.none() | anchors,
    st.just(b"") | nonces,
    few(st.tuples(u32, u32)),
)
signing = st.tuples(u32, st.binary(min_size=33, max_size=33), script, st.integers(0, 1), b32)
objections = st.builds(Objection, text, text, text, text, st.none() | u64)
genesis = st.builds(
    GenesisEntry, u64, text, b32, b32, few(b32), b32, b32, st.binary(min_size=16, max_size=16)
)
plain = (u64, text, b32, b32, b32, text, u32, text, script, script, claims, few(signing))
incarnations = st.binary(min_size=16, max_size=16)
signed = st.builds(SignedEntry, *plain, st.just(0), st.just(b"")) | st.builds(
    SignedEntry, *plain, st.integers(1, 2**32 - 1), incarnations
)
refused = st.builds(
    RefusedEntry,
    u64,
    text,
    b32,
    b32 | st.just(b""),
    st.lists(objections, min_size=1, max_size=3).map(tuple),
    script,
)
entries = genesis | signed | refused
withdrawals = st.builds(WithdrawalTerms, b32, u64.map(Sats), script)
coin_terms = st.builds(CoinTerms, outpoints, u64.map(Sats), u32.map(Height), script)
sweeps = st.builds(SweepTerms, st.integers(0, 255), b32, st.integers(0, 255), u64.map(Sats), nonces)
attestations = st.builds(
    Attestation,
    b32,
    u64,
    st.lists(withdrawals, min_size=1, max_size=3).map(tuple)
    | st.lists(coin_terms, min_size=1, max_size=3).map(tuple)
    | st.lists(anchors, min_size=1, max_size=3).map(tuple)
    | st.lists(sweeps, min_size=1, max_size=3).map(tuple),
    st.binary(min_size=64, max_size=64),
)


def code_of(record: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        decode_entry(record)
    return caught.value.code


@given(entries)
def test_entries_read_back(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(few(attestations))
def test_evidence_reads_back(evidence: tuple[Attestation, ...]) -> None:
    assert decode_evidence(encode_evidence(evidence)) == evidence


@given(entries, st.data())
def test_a_changed_entry_is_another_entry_or_refused(entry: Entry, data: st.DataObject) -> None:
    """Whatever is accepted is in its only form; nothing but Malformed escapes."""
    record = bytearray(encode_entry(entry))
    place = data.draw(st.integers(0, len(record) - 1))
    record[place] ^= data.draw(st.integers(1, 255))
    try:
        read = decode_entry(bytes(record))
    except Malformed as error:
        if error.code != "entry-malformed":
            raise
    else:
        assert encode_entry(read) == record


@given(st.binary(max_size=200))
def test_any_bytes_as_an_entry_or_as_evidence(content: bytes) -> None:
    assert code_of(content) == "entry-malformed"
    try:
        read = decode_evidence(content)
    except Malformed as error:
        if error.code != "entry-malformed":
            raise
    else:
        assert encode_evidence(read) == content


@given(entries, st.integers(1, 40))
def test_a_cut_entry_is_refused(entry: Entry, cut: int) -> None:
    assert code_of(encode_entry(entry)[:-cut]) == "entry-malformed"
    assert code_of(encode_entry(entry) + b"\x00") == "entry-malformed"


def test_the_bytes_of_version_1() -> None:
    """If this fails, entries on disk are read differently than they were written: never change it."""
    outpoint = OutPoint(Txid(b"\x01" * 32), 2)
    claims_1 = Claims(
        Txid(b"\x03" * 32),
        (Payment(b"\x04" * 32, 0, Sats(5), b"\x06"),),
        ((b"\x04" * 32, outpoint),),
        ((b"\x04" * 32, OutPoint(Txid(b"\x24" * 32), 37)),),
        outpoint,
        Sats(7),
        Sats(12),
        (CoinClaim(outpoint, Sats(20), b"\x08", 0, 9, 10),),
        Change(1, Sats(8), 11),
        (RotationClaim(b"\x1a" * 32, 3, Sats(27), 28),),
        AnchorTerms(b"\x1d" * 4, 30, b"\x1f" * 32, 32, b"\x21" * 32, b"\x22" * 32),
        b"\x23" * 16,
        ((0, 9), (1, 11)),
    )
    row = (0, b"\x0c" * 33, b"\x0d", 1, b"\x0e" * 32)
    entry = SignedEntry(
        15, "relayer", b"\x10" * 32, b"\x11" * 32, b"\x12" * 32, "withdrawal", 0, "primary",
        b"psbt", b"", claims_1, (row,), 2, b"\x26" * 16,
    )  # fmt: skip
    refusal = RefusedEntry(16, "x", b"\x13" * 32, b"", (Objection("c", "d", "o", "l", 17),), b"r")
    first = GenesisEntry(18, "regtest", b"\x13" * 32, b"\x14" * 32, (b"\x15" * 32,),
                         b"\x16" * 32, b"\x17" * 32, b"\x18" * 16)  # fmt: skip
    digests = [sha256(encode_entry(each)).hex()[:8] for each in (first, entry, refusal)]
    assert digests == ["5f27189e", "7d0caffe", "e58c38b5"]


@pytest.mark.parametrize("sighash_type", [2, 3, 0x81, 0x101])
@pytest.mark.parametrize("good", [0, 1])
def test_no_signature_of_another_type_is_on_record(sighash_type: int, good: int) -> None:
    row = (0, b"\x0c" * 33, b"\x0d", good, b"\x0e" * 32)
    record = encode_entry(signed_with(row))
    assert decode_entry(record) == signed_with(row)
    other = encode_entry(signed_with((*row[:3], sighash_type, row[4])))
    assert code_of(other) == "entry-malformed"
    assert code_of(encode_entry(signed_with((0, row[1][:32], *row[2:])))) == "entry-malformed"


@pytest.mark.parametrize(
    "claims",
    [
        {"sweep_nonce": b"\x01" * 15},
        {"rotations": (RotationClaim(b"\x01" * 31, 0, Sats(1), 2),)},
        {"rotations": (RotationClaim(b"\x01" * 32, 0, Sats(MAX_MONEY + 1), 2),)},
        {"anchor": AnchorTerms(b"\x01" * 4, 0, b"\x02" * 32, 1, b"\x03" * 31, b"\x04" * 32)},
    ],
    ids=["nonce", "fingerprint", "amount", "root"],
)
def test_claims_have_their_sizes(claims: dict[str, Any]) -> None:
    entry = signed_with()
    bad = replace(entry, claims=replace(entry.claims, **claims))
    assert code_of(encode_entry(bad)) == "entry-malformed"


def signed_with(*rows: SigningRow) -> SignedEntry:
    nothing = Claims(
        Txid(b"\x03" * 32), (), (), (), None, Sats(1), Sats(1), (), None, (), None, b"", ()
    )
    return SignedEntry(
        1, "x", b"\x10" * 32, b"\x11" * 32, b"\x12" * 32, "sweep", 1, "recovery", b"p", b"",
        nothing, rows, 0, b"",
    )  # fmt: skip


def test_what_waits_for_grants_says_in_which_incarnation() -> None:
    waits = replace(signed_with(), quorum=2, incarnation=b"\x26" * 16)
    assert decode_entry(encode_entry(waits)) == waits
    for quorum, incarnation in ((0, b"\x26" * 16), (2, b""), (2, b"\x26" * 15)):
        bad = replace(waits, quorum=quorum, incarnation=incarnation)
        assert code_of(encode_entry(bad)) == "entry-malformed"


def test_texts_of_an_objection_are_cut() -> None:
    long = RefusedEntry(1, "x", b"\x00" * 32, b"", (Objection("c", "d" * 9_999),), b"")
    read = decode_entry(encode_entry(long))
    assert isinstance(read, RefusedEntry)
    assert read.objections[0].detail == "d" * MAX_TEXT


def test_refusals_of_single_fields() -> None:
    good = unpack(encode_entry(GENESIS))
    assert decode_entry(pack(good)) == GENESIS
    for place in range(len(good)):
        changed = [*good]
        changed[place] = good[place] + b"\xff"
        assert code_of(pack(changed)) == "entry-malformed"
        assert code_of(pack([*good[:place], *good[place + 1 :]])) == "entry-malformed"
    no_reason = encode_entry(RefusedEntry(1, "x", b"\x00" * 32, b"", (), b""))
    assert code_of(no_reason) == "entry-malformed"


@pytest.mark.parametrize(
    "statement",
    [
        CoinTerms(OutPoint(Txid(b"\x01" * 32), 2), Sats(3), Height(4), b"\x05"),
        WithdrawalTerms(b"\x01" * 32, Sats(1), b"\x02"),
        AnchorTerms(b"\x01" * 4, 0, b"\x02" * 32, 1, b"\x03" * 32, b"\x04" * 32),
        SweepTerms(1, b"\x01" * 32, 0, Sats(2), b"\x03" * 16),
    ],
    ids=["coin", "withdrawal", "anchor", "sweep"],
)
def test_statements_have_exactly_their_bytes(statement: Statement) -> None:
    evidence = encode_evidence((Attestation(b"\x03" * 32, 4, (statement,), b"\x05" * 64),))
    assert decode_evidence(evidence)[0].statements == (statement,)
    fields = unpack(unpack(evidence)[0])
    (content,) = unpack(fields[4])
    for other in (content[:-1], content + b"\x00", content[:20]):
        with pytest.raises(Malformed) as caught:
            decode_evidence(pack([pack([*fields[:4], pack([other])])]))
        assert caught.value.code == "entry-malformed"


@pytest.mark.parametrize(
    "kind", [b"withdrawals", b"", b"\xff"], ids=["unknown", "empty", "not UTF-8"]
)
def test_evidence_of_unknown_kind(kind: bytes) -> None:
    terms = WithdrawalTerms(b"\x01" * 32, Sats(1), b"\x02")
    good = unpack(
        unpack(encode_evidence((Attestation(b"\x03" * 32, 4, (terms,), b"\x05" * 64),)))[0]
    )
    assert decode_evidence(pack([pack(good)]))
    with pytest.raises(Malformed) as caught:
        decode_evidence(pack([pack([*good[:3], kind, good[4]])]))
    assert caught.value.code == "entry-malformed"
