"""Words for paper. What we ask of bip-utils and how we judge it is tried against a stand-in whose words are
embit's; the library itself where the extra `ceremony` is installed."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from embit import bip39

from signer.cli.ceremony_words import bip_utils, read_words, words_of
from signer.core.errors import Refusal
from tests.ceremony.test_commands import Table
from tests.cli.desk import Desk

CODE = "ceremony-words-unavailable"
VECTORS = [
    (bytes(32), "abandon " * 23 + "art"),
    (b"\x7f" * 32, "legal winner thank year wave sausage worth useful " * 2
     + "legal winner thank year wave sausage worth title"),
    (b"\xff" * 32, "zoo " * 23 + "vote"),
]  # fmt: skip
"""BIP-39's own (trezor/python-mnemonic)."""


class ChecksumError(Exception):
    """As in bip-utils: no ValueError, and it says what it saw."""


class Decoder:
    def __init__(self, language: object) -> None:
        assert language == "english"

    def Decode(self, words: str) -> bytes:  # noqa: N802
        try:
            return bip39.mnemonic_to_bytes(words)
        except ValueError as error:
            if "checksum" in str(error).lower():
                raise ChecksumError(words) from error
            raise ValueError(f"Unable to find {words}") from error


class Encoder:
    def Encode(self, content: bytes) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(ToStr=lambda: bip39.mnemonic_from_bytes(content))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("bip_utils")
    module.Bip39MnemonicEncoder, module.Bip39MnemonicDecoder = Encoder, Decoder
    module.Bip39Languages = SimpleNamespace(ENGLISH="english")
    module.MnemonicChecksumError = ChecksumError
    monkeypatch.setitem(sys.modules, "bip_utils", module)
    return module


def refused(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    assert caught.value.code == CODE
    return str(caught.value)


def read_back() -> None:
    library = bip_utils()
    for content, words in VECTORS:
        assert words_of(content, library) == words
        assert read_words(f"  {words.replace(' ', chr(10))} ", library) == content
    good = VECTORS[1][1]
    for wrong in (
        "",
        good.replace("title", "zoo"),
        good.replace("legal", "legall"),
        "abandon " * 11 + "about",
    ):
        said = refused(read_words, wrong, library)
        assert not any(word in said for word in ("legal", "winner", "abandon"))


@pytest.mark.usefixtures("stand_in")
def test_words_are_bip39s_and_a_wrong_one_is_refused_without_being_shown() -> None:
    read_back()


@pytest.mark.skipif(
    importlib.util.find_spec("bip_utils") is None,
    reason="bip-utils is NOT INSTALLED: words of BIP-39 are tried against a stand-in only; install the "
    "extra `ceremony` to try them",
)
def test_the_same_with_the_library_itself() -> None:
    read_back()


def test_a_library_that_does_not_read_what_it_wrote_is_not_believed(
    stand_in: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert words_of(bytes(32), bip_utils())
    monkeypatch.setattr(Encoder, "Encode", lambda *_: SimpleNamespace(ToStr=lambda: VECTORS[2][1]))
    refused(words_of, bytes(32), bip_utils())
    assert words_of(b"\xff" * 32, bip_utils())
    assert stand_in.Bip39MnemonicEncoder is Encoder


def test_without_the_library_there_are_no_words(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(tmp_path, desk)
    monkeypatch.setitem(sys.modules, "bip_utils", None)
    given = ("commit", "vault-1", "alice", table.at("alice"), "--network", "regtest")
    said = table(*given, "--words")
    assert (said.status, CODE in said.err) == (1, True)
    assert not table.at("alice.secret").exists()
    assert table(*given).status == 0


@pytest.mark.usefixtures("stand_in")
def test_a_contribution_comes_back_from_paper(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(tmp_path, desk)
    given = ("commit", "vault-1", "alice", table.at("alice"), "--network", "regtest")
    words = table(*given, "--words", "--json").json["words"]
    assert words == bip39.mnemonic_from_bytes(bytes.fromhex(table.at("alice.secret").read_text()))
    commitments = [table.at("alice.commitment"), *table.commits("machine")]
    monkeypatch.setattr("keystore.passphrase.getpass", lambda _: words)
    out = ("--out", table.at("alice.opening"))
    assert table("open", *commitments, "--contributor", "alice", *out).status == 0
    monkeypatch.setattr("keystore.passphrase.getpass", lambda _: VECTORS[0][1])
    other = ("--out", table.at("other.opening"))
    said = table("open", *commitments, "--contributor", "alice", *other)
    assert (said.status, "ceremony-commitment-differs" in said.err) == (1, True)
