"""Questions and answers of keepers: read back as they were written, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.token.cryptoki import GcmText
from keystore.token.questions import (
    MOST_PACKET,
    NONCE,
    Operation,
    Question,
    Unreadable,
    gcm_question,
    objection_of,
    public_question,
    read_digests,
    read_gcm,
    read_question,
    refusal_answer,
    sign_question,
)
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Objection, Refusal

IDENTS = st.binary(min_size=1, max_size=32)
TEXTS = st.builds(
    GcmText,
    st.binary(min_size=NONCE, max_size=NONCE),
    st.binary(max_size=100),
    st.binary(min_size=1, max_size=100),
)


@given(IDENTS, TEXTS, st.sampled_from((Operation.OPEN, Operation.SEAL)))
def test_gcm_questions_read_back(ident: bytes, text: GcmText, operation: Operation) -> None:
    question = read_question(gcm_question(operation, ident, text))
    assert question[:2] == (operation, ident)
    assert read_gcm(question.rest) == text


@given(IDENTS, st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=8))
def test_sign_questions_read_back(ident: bytes, digests: list[bytes]) -> None:
    question = read_question(sign_question(ident, digests))
    assert question[:2] == (Operation.SIGN, ident)
    assert read_digests(question.rest) == tuple(digests)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_question_or_unreadable(packet: bytes) -> None:
    for read in (read_question, read_digests, read_gcm):
        try:
            read(packet)
        except Unreadable:
            continue


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\1",
        b"\1\0" + bytes(32),
        b"\4\1\1",
        b"\1\x21" + bytes(65),
        b"\1\2\1",
        public_question(b"\1").ljust(MOST_PACKET + 1, b"\0"),
    ],
)
def test_what_is_no_question(packet: bytes) -> None:
    with pytest.raises(Unreadable):
        read_question(packet)


def test_the_shortest_and_the_longest_question() -> None:
    assert read_question(public_question(b"\1")) == Question(Operation.PUBLIC, b"\1", b"")
    assert read_question(public_question(b"\1").ljust(MOST_PACKET, b"\0")).ident == b"\1"


@pytest.mark.parametrize("size", [0, 31, 33, 64 + 31, 9 * 32])
def test_no_whole_digests_or_too_many(size: int) -> None:
    with pytest.raises(Unreadable):
        read_digests(bytes(size))
    assert read_digests(bytes(8 * 32)) == (bytes(32),) * 8


@pytest.mark.parametrize("rest", [b"", bytes(13), bytes(14), bytes(12) + b"\0\5" + bytes(5)])
def test_no_text_to_seal(rest: bytes) -> None:
    with pytest.raises(Unreadable):
        read_gcm(rest)
    assert read_gcm(bytes(15)) == GcmText(bytes(12), b"", b"\0")


@given(st.binary(max_size=400))
def test_any_answer_is_a_code_of_the_catalogue(answer: bytes) -> None:
    objection = objection_of(answer)
    assert objection.code in CATALOGUE
    assert objection.detail.isprintable()


@pytest.mark.parametrize(
    "code", ["token-key-missing", "token-key-weak", "token-seal-wrong", "token-unavailable"]
)
def test_refusals_cross(code: str) -> None:
    objection = Objection(code, "because é")
    assert objection_of(refusal_answer(Refusal(objection))) == Objection(code, "because ?")


@pytest.mark.parametrize("code", ["token-pin-wrong", "policy-denied", ""])
def test_other_codes_do_not(code: str) -> None:
    assert objection_of(b"\1" + code.encode() + b"\0because").code == "token-unavailable"
