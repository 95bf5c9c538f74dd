"""Frames, and how refusals and faults cross the link."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegwarden.internal.v1 import link_pb2 as pb
from signer.core.caller import Role
from signer.core.catalogue import CATALOGUE
from signer.core.errors import MAX_OBJECTIONS, Fault, Objection, Refusal
from signer.core.receipt import Answer, Receipt
from signer.link.errors_codec import MAX_TEXT, answer_in, answer_of, call_in, error_of
from signer.link.frame import JOINED, MAX_ANSWER, Bounds, BrokenFrame, frame

BOUNDS = Bounds(header=100, body=1_000)
ALL = frozenset({Role.AUDITOR})
texts = st.text(max_size=MAX_TEXT)
numbers = st.integers(-(1 << 63), (1 << 63) - 1)
objections = st.builds(
    Objection,
    code=st.sampled_from(sorted(CATALOGUE)),
    detail=texts,
    observed=texts,
    limit=texts,
    not_before=st.none() | numbers,
    change=texts,
)
receipts = st.builds(
    Receipt,
    st.builds(
        Answer,
        st.binary(max_size=32),
        st.sampled_from(["signed", "pending", "refused"]),
        st.binary(max_size=32),
        st.binary(max_size=32),
        st.integers(0, (1 << 64) - 1),
        st.binary(max_size=32),
    ),
    st.binary(max_size=64),
)


@st.composite
def refusals(draw: st.DrawFn) -> Refusal:
    refusal = Refusal(*draw(st.lists(objections, min_size=1, max_size=MAX_OBJECTIONS)))
    refusal.decision_id = draw(st.binary(max_size=32))
    refusal.head = draw(st.text(max_size=500))
    refusal.receipt = draw(st.none() | receipts)
    return refusal


def crossed(error: Refusal | Fault, roles: frozenset[Role] = ALL) -> Refusal | Fault | None:
    return error_of(answer_in(answer_of(7, error, roles).SerializeToString()))


@given(refusals())
def test_a_refusal_arrives_as_it_left(refusal: Refusal) -> None:
    heard = crossed(refusal)
    assert isinstance(heard, Refusal)
    assert heard.objections == refusal.objections
    assert (heard.decision_id, heard.head) == (refusal.decision_id, refusal.head)
    assert heard.receipt == refusal.receipt
    assert str(heard) == str(refusal)


@pytest.mark.parametrize("roles", [frozenset({Role.INDEXER}), frozenset()])
def test_what_a_role_may_not_see_does_not_cross(roles: frozenset[Role]) -> None:
    refusal = Refusal(Objection("kernel-busy", "why", "seen", "most", 5, "less"))
    heard, entitled = crossed(refusal, roles), crossed(refusal)
    assert isinstance(heard, Refusal)
    assert heard.objections == (Objection("kernel-busy", "why", not_before=5),)
    assert isinstance(entitled, Refusal)
    assert entitled.objections == refusal.objections


def test_of_too_much_what_a_caller_could_be_told_crosses() -> None:
    long = "\U0010ffff" * 5_000
    longest = Objection("kernel-busy", long, long, long, 1 << 62, long)
    refusal = Refusal(*[longest] * 30)
    refusal.head = "h" * 1_000
    header = answer_of(1 << 63, refusal, ALL).SerializeToString()
    assert len(header) <= MAX_ANSWER
    heard = error_of(answer_in(header))
    assert isinstance(heard, Refusal)
    assert len(heard.objections) == MAX_OBJECTIONS
    assert heard.objections[0].detail == long[: MAX_TEXT - 3] + "..."


@given(st.text(max_size=MAX_TEXT))
def test_a_fault_arrives_as_a_fault(text: str) -> None:
    heard = crossed(Fault(text))
    assert isinstance(heard, Fault)
    assert str(heard) == (text or "fault")


def test_an_answer_without_error_is_none() -> None:
    assert error_of(pb.Answer(id=1)) is None


def test_a_code_of_no_catalogue_is_no_answer_of_a_kernel() -> None:
    good, bad = (
        pb.Answer(id=1, objections=[pb.Objection(code=code)])
        for code in ("kernel-busy", "kernel-bored")
    )
    assert isinstance(error_of(good), Refusal)
    with pytest.raises(BrokenFrame):
        error_of(bad)


@given(st.binary(min_size=1, max_size=60))
def test_any_header_is_a_message_or_broken(header: bytes) -> None:
    for read in (answer_in, call_in):
        try:
            read(header)
        except BrokenFrame:
            continue


@pytest.mark.parametrize("read", [answer_in, call_in])
def test_a_header_that_is_no_message_is_broken(read) -> None:
    assert read(b"") is not None
    with pytest.raises(BrokenFrame):
        read(b"\xff")


@given(st.binary(max_size=50), st.binary(max_size=200))
def test_a_frame_is_lengths_header_and_body(header: bytes, body: bytes) -> None:
    (sent,) = frame(header, body)
    assert BOUNDS.lengths(sent[:8]) == (len(header), len(body))
    assert sent[8:] == header + body


def test_a_long_body_is_not_joined_to_its_header() -> None:
    short, long = bytes(JOINED), bytes(JOINED + 1)
    assert len(frame(b"head", short)) == 1
    assert frame(b"head", long)[1] is long


@pytest.mark.parametrize(
    ("header", "body", "held"),
    [
        (100, 1_000, True),
        (101, 1_000, False),
        (100, 1_001, False),
        (0, 0, True),
        (0xFFFF_FFFF, 0xFFFF_FFFF, False),
    ],
)
def test_lengths_are_bounded_before_anything_is_read(header: int, body: int, held: bool) -> None:
    raw = struct.pack("!II", header, body)
    if held:
        assert BOUNDS.lengths(raw) == (header, body)
    else:
        with pytest.raises(BrokenFrame):
            BOUNDS.lengths(raw)


def test_a_text_that_is_no_text_does_not_stop_a_refusal() -> None:
    heard = crossed(Refusal(Objection("kernel-busy", "half \ud800", "\U0001f600")))
    assert isinstance(heard, Refusal)
    assert heard.objections[0] == Objection("kernel-busy", "half ?", "\U0001f600")
