"""Fingerprints in words: the vectors of the proposal (arXiv:0901.4016), and that words lose nothing."""

from itertools import product

import pytest

from policies.proquint import words_of


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ((127, 0, 0, 1), "lusab babad"),
        ((63, 84, 220, 193), "gutih tugad"),
        ((63, 118, 7, 35), "gutuk bisog"),
        ((140, 98, 193, 141), "mudof sakat"),
        ((64, 255, 6, 200), "haguz biram"),
        ((128, 30, 52, 45), "mabiv gibot"),
        ((147, 67, 119, 2), "natag lisaf"),
        ((212, 58, 253, 68), "tibup zujah"),
        ((216, 35, 68, 215), "tobog higil"),
        ((216, 68, 232, 21), "todah vobij"),
        ((198, 81, 129, 136), "sinid makam"),
        ((12, 110, 110, 204), "budov kuras"),
    ],
)
def test_vectors(address: tuple[int, ...], words: str) -> None:
    assert words_of(bytes(address)) == words


def test_two_bytes_are_one_word_and_no_two_words_are_equal() -> None:
    pairs = [bytes(pair) for pair in product(range(256), range(256))]
    assert len({words_of(pair) for pair in pairs}) == 1 << 16


def test_a_fingerprint_is_sixteen_words() -> None:
    assert len(words_of(bytes(32)).split()) == 16
