"""Fingerprints in words that can be read over the telephone: proquints (Wilkerson 2009, arXiv:0901.4016).

16 bits are one word of five letters, consonant and vowel in turn, most significant bits first: 4, 2, 4, 2, 4.
Every two different fingerprints differ in a word; a reader compares all words, as he would all digits.
"""

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


def words_of(data: bytes) -> str:
    """An even number of bytes as words: `7f000001` is `lusab babad`."""
    pairs = (data[place : place + 2] for place in range(0, len(data), 2))
    return " ".join(_word(int.from_bytes(pair, "big")) for pair in pairs)


def _word(bits: int) -> str:
    return "".join(
        (
            _CONSONANTS[bits >> 12],
            _VOWELS[bits >> 10 & 3],
            _CONSONANTS[bits >> 6 & 15],
            _VOWELS[bits >> 4 & 3],
            _CONSONANTS[bits & 15],
        )
    )
