"""Bytes of the notices of agreement: inverse, strict, and fixed for ever."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim
from signer.core.agreement.machine import LOWER_RANK, NOT_HELD, TIMED_OUT
from signer.core.agreement.notices import (
    AgreedNotice,
    AgreementNotice,
    ForkedNotice,
    Grant,
    Heard,
    HeardNotice,
    Released,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.core.fields import pack, unpack
from signer.core.payment import WithdrawalTerms
from signer.journal.codec import decode_entry, encode_entry
from tests.journal.test_codec import b32, code_of, few, outpoints, sats, script, text, u64

b16 = st.binary(min_size=16, max_size=16)
b64 = st.binary(min_size=64, max_size=64)
pins = st.frozensets(st.tuples(b32, outpoints), max_size=3)
claims = st.builds(
    Claim,
    origin=b32,
    number=u64,
    leaf=b32,
    vault=b32,
    txid=b32,
    spends=st.frozensets(outpoints, min_size=1, max_size=3),
    pays=st.frozensets(st.builds(WithdrawalTerms, b32, sats, script), max_size=3),
    new_pins=pins,
    relied=pins,
    bonds=st.frozensets(st.tuples(script, script), max_size=3),
)
grants = st.lists(st.builds(Grant, b32, b16, b64), max_size=3, unique_by=lambda each: each.witness)
heard = st.builds(Heard, b32, u64, b32)
members = st.lists(heard, max_size=3, unique_by=lambda each: each.member)


def ascending(items: st.SearchStrategy) -> st.SearchStrategy:
    return items.map(lambda several: tuple(sorted(several)))


reasons = st.sampled_from([LOWER_RANK, TIMED_OUT, NOT_HELD])
notices = (
    st.builds(AgreedNotice, u64, u64, b32, ascending(grants))
    | st.builds(VoidNotice, u64, u64, b32, reasons)
    | st.builds(
        HeardNotice,
        u64,
        heard,
        few(st.builds(Taken, claims, st.booleans())),
        few(st.builds(Released, b32, u64)),
    )
    | st.builds(StartedNotice, u64, b16, ascending(members))
    | st.builds(ForkedNotice, u64, b32, text, text, few(script))
)

COIN = OutPoint(Txid(b"\x01" * 32), 2)
CLAIM = Claim(
    origin=b"\x03" * 32,
    number=4,
    leaf=b"\x05" * 32,
    vault=b"\x06" * 32,
    txid=b"\x07" * 32,
    spends=frozenset({COIN}),
    pays=frozenset({WithdrawalTerms(b"\x08" * 32, Sats(9), b"\x0a")}),
    new_pins=frozenset({(b"\x08" * 32, COIN)}),
    relied=frozenset(),
    bonds=frozenset({(b"\x0b", b"\x0c")}),
)
HEARD = Heard(b"\x0d" * 32, 14, b"\x0f" * 32)
GRANT = Grant(b"\x10" * 32, b"\x11" * 16, b"\x12" * 64)
EXAMPLES = (
    AgreedNotice(19, 20, b"\x15" * 32, (GRANT,)),
    VoidNotice(22, 23, b"\x18" * 32, TIMED_OUT),
    HeardNotice(25, HEARD, (Taken(CLAIM, granted=True),), (Released(b"\x1a" * 32, 27),)),
    StartedNotice(28, b"\x1d" * 16, (HEARD,)),
    ForkedNotice(30, b"\x1f" * 32, "first", "second", (b"\x20" * 32,)),
)


@given(notices)
def test_notices_of_agreement_read_back(notice: AgreementNotice) -> None:
    assert decode_entry(encode_entry(notice)) == notice


def test_the_bytes_of_the_notices_of_agreement() -> None:
    """If this fails, entries on disk are read differently than they were written: never change it."""
    digests = [sha256(encode_entry(each)).hex()[:8] for each in EXAMPLES]
    assert digests == ["27b47aaa", "2c989327", "1d1c886e", "8c745f9d", "7cc29307"]


@pytest.mark.parametrize("notice", EXAMPLES, ids=lambda each: type(each).__name__)
def test_every_field_has_its_form(notice: AgreementNotice) -> None:
    """A byte more or a field less is no entry; texts apart, which have no size."""
    good = unpack(encode_entry(notice))
    texts = {4, 5} if isinstance(notice, ForkedNotice) else set()
    for place in range(len(good)):
        if place not in texts:
            changed = [*good[:place], good[place] + b"\xff", *good[place + 1 :]]
            assert code_of(pack(changed)) == "entry-malformed"
        assert code_of(pack([*good[:place], *good[place + 1 :]])) == "entry-malformed"


@pytest.mark.parametrize(
    ("good", "changes"),
    [
        (EXAMPLES[0], {"grants": (GRANT, GRANT)}),
        (EXAMPLES[0], {"grants": (GRANT, GRANT._replace(witness=b"\x01" * 32))}),
        (EXAMPLES[0], {"grants": (GRANT._replace(signature=b"\x12" * 63),)}),
        (EXAMPLES[1], {"reason": "weary"}),
        (EXAMPLES[2], {"heard": HEARD._replace(root=b"")}),
        (EXAMPLES[2], {"released": (Released(b"\x1a" * 31, 27),)}),
        (EXAMPLES[3], {"heard": (HEARD, HEARD)}),
        (EXAMPLES[3], {"incarnation": b"\x1d" * 15}),
        (EXAMPLES[4], {"member": b"\x1f" * 31}),
    ],
    ids=["twice", "descending", "signature", "reason", "root", "released", "again", "start", "key"],
)
def test_one_form_only(good: AgreementNotice, changes: dict[str, Any]) -> None:
    assert decode_entry(encode_entry(good)) == good
    assert code_of(encode_entry(replace(good, **changes))) == "entry-malformed"


def test_a_claim_is_granted_or_not() -> None:
    good = unpack(encode_entry(EXAMPLES[2]))
    taken = unpack(unpack(good[4])[0])
    for flag in (b"\x02", b"", b"\x00\x00"):
        other = pack([pack([taken[0], flag])])
        assert code_of(pack([*good[:4], other, good[5]])) == "entry-malformed"
    refused = pack([*good[:4], pack([pack([taken[0], b"\x00"])]), good[5]])
    assert decode_entry(refused) == replace(EXAMPLES[2], taken=(Taken(CLAIM, granted=False),))
