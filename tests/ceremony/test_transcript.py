"""The transcript: no secret, only one form, and nothing of it unsigned."""

import pytest

from keystore.secret import Secret
from keystore.vault_key import account_text
from signer.bitcoin.network import REGTEST
from signer.ceremony.derive import derive_seed
from signer.ceremony.transcript import (
    MAX_WITNESSES,
    Transcript,
    add_signature,
    body_text,
    read_transcript,
    require_witnessed,
    transcript_of,
    transcript_text,
)
from signer.core.errors import Refusal
from signer.core.ssh_signature import signature_blob
from tests.ceremony.rounds import CONTRIBUTORS, SECRETS, openings, whole_round
from tests.officers import Token

WITNESSES = (Token(), Token(b"ssh-ed25519"))
SEED = derive_seed(whole_round(), openings(whole_round()))
KEY = account_text(Secret(SEED), REGTEST)


def unsigned() -> Transcript:
    return transcript_of(whole_round(), KEY, tuple(each.key for each in WITNESSES))


def signed(witnesses: tuple[Token, ...] = WITNESSES) -> Transcript:
    made = unsigned()
    for each in witnesses:
        made = add_signature(made, each.key, signature_blob(each.signature(body_text(made))))
    return made


def code_of(text: str) -> str:
    with pytest.raises(Refusal) as caught:
        read_transcript(text)
    return caught.value.code


def test_it_is_read_as_it_is_written() -> None:
    for made in (unsigned(), signed(), signed(WITNESSES[:1]), signed(WITNESSES[1:])):
        assert read_transcript(transcript_text(made)) == made
    require_witnessed(read_transcript(transcript_text(signed())))
    assert signed(WITNESSES[::-1]) == signed()


def test_it_holds_no_secret() -> None:
    text = transcript_text(signed())
    for secret in (SEED, *SECRETS.values()):
        assert secret.hex() not in text
        assert secret.hex()[:16] not in text
    assert len(SECRETS) == len(CONTRIBUTORS) == text.count("contribution: ")


def test_every_witness_signs() -> None:
    require_witnessed(signed())
    for some in ((), WITNESSES[:1], WITNESSES[1:]):
        with pytest.raises(Refusal) as caught:
            require_witnessed(signed(some))
        assert caught.value.code == "ceremony-unwitnessed"


def test_who_can_be_a_witness() -> None:
    key = WITNESSES[0].key
    many = tuple(Token(application=b"ssh:%d" % number).key for number in range(MAX_WITNESSES + 1))
    transcript_of(whole_round(), KEY, many[:-1])
    for witnesses in ((), (key, key), many):
        with pytest.raises(Refusal) as caught:
            transcript_of(whole_round(), KEY, witnesses)
        assert caught.value.code == "ceremony-unwitnessed"
    stranger = Token(application=b"ssh:stranger")
    with pytest.raises(Refusal) as caught:
        add_signature(unsigned(), stranger.key, stranger.signature(body_text(unsigned())))
    assert caught.value.code == "ceremony-unwitnessed"


def test_a_signature_is_of_this_transcript() -> None:
    for text, witness in (
        (transcript_text(signed()), WITNESSES[0]),
        (body_text(unsigned()), WITNESSES[1]),
    ):
        with pytest.raises(Refusal) as caught:
            add_signature(unsigned(), WITNESSES[0].key, witness.signature(text))
        assert caught.value.code == "officer-signature-invalid"


def test_what_witnesses_signed_cannot_be_changed() -> None:
    """A changed count, name or commitment is another text: its signatures no longer verify."""
    text = transcript_text(signed())
    counts = next(line for line in text.split("\n") if line.startswith("contribution: alice"))
    name, source, samples, longest, most, digest = counts.removeprefix("contribution: ").split(" ")
    other = f"contribution: {name} {source} {samples} {int(longest) % 5 + 1} {most} {digest}"
    changed = text.replace(counts, other)
    assert code_of(changed) == "officer-signature-invalid"
    assert read_transcript(text) == signed()


def test_its_key_is_a_key_of_the_network() -> None:
    text = transcript_text(unsigned())
    for key in ("tpub", KEY[:-1], f"{KEY}/0", "xpub" + KEY.partition("tpub")[2]):
        assert code_of(text.replace(KEY, key)) == "ceremony-malformed"
    assert read_transcript(text) == unsigned()


def test_a_contribution_has_all_its_words() -> None:
    text = transcript_text(unsigned())
    for wrong in ("alice os 4096 ", "alice os 4096 1 1 1 "):
        assert code_of(text.replace("alice os 4096 ", wrong + "1 ")) == "ceremony-malformed"
    assert code_of(text.replace("alice os 4096 ", "alice os ")) == "ceremony-malformed"
    assert code_of(text.replace("alice os 4096 ", "alice os 10000 ")) == "ceremony-malformed"


def test_it_has_one_form() -> None:
    text = transcript_text(signed())
    lines = text.split("\n")
    wrong = ["", text[:-1], text + "\n", text + "note: seen\n", text.replace(" 4096 ", " 4096  ")]
    wrong += [text.replace("vault-1", "Vault"), text.replace("regtest", "testnet3")]
    wrong += [text.replace(KEY, "tpub"), text.replace("alice os", "alice lava")]
    for place, line in enumerate(lines[:-1]):
        if not line.startswith("signature: "):  # without one it is the text that one witness signed
            wrong.append("\n".join([*lines[:place], *lines[place + 1 :]]))
        wrong.append("\n".join([*lines[: place + 1], *lines[place:]]))
    codes = {code_of(each) for each in wrong if each != text}
    assert codes <= {
        "ceremony-malformed", "ceremony-incomplete", "ceremony-unwitnessed", "officer-signature-invalid",
    }  # fmt: skip
    assert code_of("") == code_of(text[:-1]) == "ceremony-malformed"
    assert code_of(text + "note: seen\n") == "ceremony-malformed"
