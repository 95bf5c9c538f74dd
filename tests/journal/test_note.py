"""Heads: C2SP signed notes. The foreign note is the example of golang.org/x/mod/sumdb/note."""

import base64

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.journal.note import (
    MAX_LINES,
    MAX_NOTE,
    Head,
    origin_of,
    read_note,
    sign_head,
    verify_head,
    verify_note,
)
from tests.journal.desk import Signer

GO_KEY = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_SIGNATURE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6K"
    "E6RyyBwJnAM=\n"
)
HEAD = Head(origin_of(REGTEST.genesis_hash, Signer().log_key), 7, b"\x09" * 32)


def refused(note: str, key: bytes | None = None) -> str:
    with pytest.raises(Malformed) as caught:
        verify_head(note, Signer().log_key if key is None else key)
    return caught.value.code


def test_the_note_of_another_implementation_verifies() -> None:
    verify_note(read_note(f"{GO_TEXT}\n{GO_SIGNATURE}"), "PeterNeumann", GO_KEY)
    with pytest.raises(Malformed) as caught:
        verify_note(read_note(f"{GO_TEXT}?\n\n{GO_SIGNATURE}"), "PeterNeumann", GO_KEY)
    assert caught.value.code == "head-malformed"


def test_a_head_reads_back() -> None:
    note = sign_head(HEAD, Signer())
    assert verify_head(note, Signer().log_key) == HEAD
    assert note.startswith(f"pegwarden/{REGTEST.genesis_hash.hex()}/")


def test_cosignatures_below_ours_do_no_harm() -> None:
    note = sign_head(HEAD, Signer()) + "\u2014 witness AAAAAAAA\n"
    assert verify_head(note, Signer().log_key) == HEAD


def test_a_second_line_by_our_key_must_verify_too() -> None:
    """signed-note: if name and key id match a known key, the signature must be verified."""
    note = sign_head(HEAD, Signer())
    line = note.split("\n\n")[1]
    other = sign_head(Head(HEAD.origin, 8, HEAD.root), Signer()).split("\n\n")[1]
    assert verify_head(note + line, Signer().log_key) == HEAD
    assert refused(note + other) == "head-malformed"
    assert refused(note.replace(line, other + line)) == "head-malformed"


def test_a_note_has_the_form_of_signed_note() -> None:
    note = sign_head(HEAD, Signer())
    text, signatures = note.split("\n\n")
    assert verify_head(note + signatures * (MAX_LINES - 1), Signer().log_key) == HEAD
    strange = (
        note[:-1],
        note + "\n",
        note + "a line\n",
        note + "\u2014 a+b AAAAAAAA\n",
        note + "\u2014 a\u2003b AAAAAAAA\n",
        note + "\u2014 name AAAA\n",
        note + "\u2014 name AAAAA\n",
        note + "\u2014 name AAAAAAB=\n",
        note + "\u2014 name \n",
        note + "- name AAAAAAAA\n",
        note.replace("\n", "\r\n"),
        note + signatures * MAX_LINES,
        f"{text}\n\n",
        f"{text}\nan extension line\n\n{signatures}",
        note + "\u2014 " + "n" * MAX_NOTE + " AAAAAAAA\n",
    )
    for each in strange:
        assert refused(each) == "head-malformed"


def test_whatever_is_changed_is_refused() -> None:
    note = sign_head(HEAD, Signer())
    assert refused(note.replace("\n7\n", "\n8\n")) == "head-malformed"
    assert refused(note.replace("\n7\n", "\n07\n")) == "head-malformed"
    assert refused(note.replace("pegwarden/", "pegwarden.", 1)) == "head-malformed"
    assert refused(note, b"\x01" * 32) == "head-malformed"
    assert refused(note.partition("\n\n")[0]) == "head-malformed"
    assert refused("") == "head-malformed"
    text, _, signature = note.partition("\n\n")
    assert refused(f"{text}\n\n{signature.rstrip()[:-4]}\n") == "head-malformed"
    assert refused(f"{text}\n\n\u2014 {HEAD.origin} not/base64!\n") == "head-malformed"


def test_a_root_has_one_base64_form() -> None:
    note = sign_head(Head(HEAD.origin, 7, b"\x00" * 32), Signer())
    assert refused(note.replace("AAAA=", "AAAB=", 1)) == "head-malformed"
