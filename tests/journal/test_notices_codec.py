"""Bytes of the notices: inverse, strict, and fixed for ever."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.units import MAX_MONEY, Sats
from signer.core.acts import HoldWithdrawal, LiftHolds
from signer.core.fields import pack, unpack
from signer.core.governance import Step, Verdict
from signer.core.notices import AttestedNotice, Notice, PolicyNotice, PolicyStepNotice
from signer.core.payment import WithdrawalTerms
from signer.journal.codec import decode_entry, encode_entry
from tests.core.spends import NOW
from tests.journal.test_codec import b32, code_of, few, sats, script, text, u64
from tests.journal.words import (
    QUORUM,
    SSH_KEY,
    approval,
    attested,
    move_approval,
    policy_approval,
    proposed,
    rejection,
    said,
    stepped,
    terms_of,
)

ACTS = (
    approval(1),
    rejection(1),
    move_approval(1),
    HoldWithdrawal(b"\x01" * 32, NOW),
    LiftHolds(SSH_KEY),
    policy_approval(b"p", b"\x03" * 32),
)
clocks = st.builds(
    AttestedNotice,
    u64,
    text,
    b32,
    b32,
    script,
    st.lists(st.tuples(st.builds(WithdrawalTerms, b32, sats, script), b32), min_size=1).map(tuple),
)
words = st.builds(said, st.sampled_from(ACTS), script, st.integers(0, 2**33), u64)
verdicts, steps = (st.sampled_from([each.value for each in names]) for names in (Verdict, Step))
policies = st.builds(PolicyNotice, u64, text, script, b32 | st.just(b""), u64, verdicts)
turns = st.builds(PolicyStepNotice, u64, steps, b32, u64, script)
notices = clocks | words | policies | turns

EXAMPLES = (
    attested(terms_of(1), terms_of(2)),
    said(approval(1)),
    proposed(b"a policy", 7, b"\x09" * 32),
    stepped(b"a policy", Step.SCHEDULED, NOW + 5),
)


@given(notices)
def test_notices_read_back(notice: Notice) -> None:
    assert decode_entry(encode_entry(notice)) == notice


@given(few(notices), st.data())
def test_a_changed_notice_is_another_one_or_refused(
    several: tuple[Notice, ...], data: st.DataObject
) -> None:
    """Whatever is accepted is in its only form; nothing but `entry-malformed` escapes."""
    for notice in several:
        record = bytearray(encode_entry(notice))
        place = data.draw(st.integers(0, len(record) - 1))
        record[place] ^= data.draw(st.integers(1, 255))
        try:
            read = decode_entry(bytes(record))
        except Malformed as error:
            if error.code != "entry-malformed":
                raise
        else:
            assert encode_entry(read) == record


def test_the_bytes_of_version_1() -> None:
    """If this fails, entries on disk are read differently than they were written: never change it."""
    digests = [sha256(encode_entry(each)).hex()[:8] for each in EXAMPLES]
    assert digests == ["bb77f4c7", "1e635095", "0df1cdec", "e4b94e8f"]


@pytest.mark.parametrize("notice", EXAMPLES)
def test_every_field_is_there_once(notice: Notice) -> None:
    good = unpack(encode_entry(notice))
    assert decode_entry(pack(good)) == notice
    assert code_of(pack([*good, b""])) == "entry-malformed"
    for place in range(len(good)):
        assert code_of(pack([*good[:place], *good[place + 1 :]])) == "entry-malformed"


@pytest.mark.parametrize(
    ("notice", "change"),
    [
        (EXAMPLES[0], {"started": ()}),
        (EXAMPLES[0], {"started": ((terms_of(1, MAX_MONEY + 1), QUORUM),)}),
        (EXAMPLES[0], {"started": ((terms_of(1), QUORUM[1:]),)}),
        (EXAMPLES[0], {"started": ((WithdrawalTerms(b"", Sats(1), b""), QUORUM),)}),
        (EXAMPLES[0], {"policy_id": b""}),
        (EXAMPLES[0], {"vault_fingerprint": b"\x01" * 31}),
        (EXAMPLES[1], {"policy_id": b"\x01" * 33}),
        (EXAMPLES[2], {"base": b"\x01" * 31}),
        (EXAMPLES[2], {"verdict": "better"}),
        (EXAMPLES[3], {"step": "in farce"}),
        (EXAMPLES[3], {"policy_id": b""}),
    ],
)
def test_fields_are_what_they_may_be(notice: Notice, change: dict[str, Any]) -> None:
    assert decode_entry(encode_entry(notice)) == notice
    assert code_of(encode_entry(replace(notice, **change))) == "entry-malformed"


def test_amounts_up_to_all_there_is() -> None:
    most = attested(terms_of(1, MAX_MONEY))
    assert decode_entry(encode_entry(most)) == most


@pytest.mark.parametrize(("place", "other"), [(5, b"regtest: "), (5, b""), (5, b"\xff")])
def test_only_an_officers_canonical_text_is_on_record(place: int, other: bytes) -> None:
    fields = unpack(encode_entry(EXAMPLES[1]))
    assert fields[place].startswith(b"pegwarden officer act")
    fields[place] = other
    assert code_of(pack(fields)) == "entry-malformed"


def test_an_unknown_kind() -> None:
    fields = unpack(encode_entry(EXAMPLES[1]))
    for kind in (b"officers", b"", b"\xff"):
        assert code_of(pack([fields[0], kind, *fields[2:]])) == "entry-malformed"
