"""A contribution as 24 words (BIP-39), for paper: by bip-utils, which only the extra `ceremony` installs.

1. The words are digits with a checksum and nothing more: no seed is derived from them as wallets do it, so
   a wallet that is given them shows other keys.
2. The library is not believed: what it wrote must read back, and what it reads must open the commitment. It
   is imported in a process that knows one contribution, and its own messages, which can hold words, are not
   shown.
"""

from importlib import import_module
from types import ModuleType
from typing import NamedTuple, Protocol

from signer.core.errors import Objection, Refusal


class WordList(Protocol):
    """What we use of bip-utils."""

    def encode(self, content: bytes) -> str:
        """32 bytes as words."""

    def decode(self, words: str) -> bytes:
        """The inverse."""


def words_of(contribution: bytes, words: WordList) -> str:
    """24 words. Raises Refusal `ceremony-words-unavailable`."""
    written = words.encode(contribution)
    if read_words(written, words) != contribution:
        raise _unavailable("bip-utils does not read what it wrote")
    return written


def read_words(text: str, words: WordList) -> bytes:
    """32 bytes. Raises Refusal `ceremony-words-unavailable`."""
    try:
        content = words.decode(" ".join(text.split()))
    except ValueError:
        raise _unavailable("a word is not of the English list, or the checksum differs") from None
    if len(content) != 32:
        raise _unavailable("a contribution is 24 words")
    return content


class _BipUtils(NamedTuple):
    """The two calls that we make of the library."""

    library: ModuleType

    def encode(self, content: bytes) -> str:
        """See `WordList`."""
        return str(self.library.Bip39MnemonicEncoder().Encode(content).ToStr())

    def decode(self, words: str) -> bytes:
        """See `WordList`. Raises ValueError, without a word of the text."""
        decoder = self.library.Bip39MnemonicDecoder(self.library.Bip39Languages.ENGLISH)
        try:
            return bytes(decoder.Decode(words))
        except (ValueError, self.library.MnemonicChecksumError):
            raise ValueError from None


def bip_utils() -> WordList:
    """The library, which takes a second to come. Raises Refusal `ceremony-words-unavailable`."""
    try:
        return _BipUtils(import_module("bip_utils"))
    except ImportError:
        raise _unavailable("bip-utils is not installed") from None


def _unavailable(detail: str) -> Refusal:
    return Refusal(Objection("ceremony-words-unavailable", detail))
