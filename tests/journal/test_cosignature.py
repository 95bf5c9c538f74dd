"""Cosignatures: a checkpoint of a public log with four public witnesses, and our own."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.journal.cosignature import Witness, cosign, cosigned_at, cosigned_message
from signer.journal.note import Head, key_id, origin_of, read_note, sign_head, verify_head
from tests.journal.desk import Signer

PUBLIC_HEAD = (Path(__file__).parent / "public_checkpoint.txt").read_text()
PUBLIC_LOG = "ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESSES = (
    ("transparency.dev/DEV:witness-little-garden",
     "d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM"),
    ("witness1.smartit.nu/witness1", "a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO"),
    ("remora.n621.de", "da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"),
    ("witness.stagemole.eu", "67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"),
)  # fmt: skip
"""Name, and key id with the key and its type byte, as the operators publish them."""

HEAD = Head(origin_of(REGTEST.genesis_hash, Signer().log_key), 7, b"\x09" * 32)


class WitnessSigner:
    """Another member's log key."""

    key = Ed25519PrivateKey.from_private_bytes(b"\x06" * 32)
    log_key = key.public_key().public_bytes_raw()

    def cosign(self, text: bytes, moment: int) -> bytes:
        return self.key.sign(cosigned_message(text, moment))


NAME = origin_of(REGTEST.genesis_hash, WitnessSigner.log_key)
WITNESS = Witness(NAME, WitnessSigner.log_key)


def published_key(vkey: str) -> tuple[bytes, int, bytes]:
    """(key id, type, key)."""
    named, _, material = vkey.partition("+")
    content = base64.b64decode(material)
    return bytes.fromhex(named), content[0], content[1:]


def refused(note: str, witness: Witness = WITNESS) -> str:
    with pytest.raises(Malformed) as caught:
        cosigned_at(note, witness)
    return caught.value.code


@pytest.mark.parametrize(("name", "vkey"), PUBLIC_WITNESSES)
def test_the_cosignatures_of_public_witnesses_verify(name: str, vkey: str) -> None:
    named, kind, key = published_key(vkey)
    assert kind == 4
    assert key_id(name, key, kind) == named
    assert cosigned_at(PUBLIC_HEAD, Witness(name, key)) == 1_779_573_024
    changed = PUBLIC_HEAD.replace("1432088532", "1432088533")
    assert refused(changed, Witness(name, key)) == "head-malformed"


def test_the_log_that_they_witness_signed_it_too() -> None:
    named, kind, key = published_key(PUBLIC_LOG)
    assert key_id("arche2025h1.staging.ct.transparency.dev", key, kind) == named
    assert verify_head(PUBLIC_HEAD, key).size == 1_432_088_532


def test_our_cosignature_reads_back() -> None:
    note = sign_head(HEAD, Signer()) + cosign(HEAD.text, 1_700_000_000, NAME, WitnessSigner())
    assert cosigned_at(note, WITNESS) == 1_700_000_000
    assert verify_head(note, Signer().log_key) == HEAD
    later = cosign(HEAD.text, 1_700_000_009, NAME, WitnessSigner())
    assert cosigned_at(note + later, WITNESS) == 1_700_000_009


def test_a_cosignature_is_of_one_head_one_witness_and_one_time() -> None:
    signed, line = sign_head(HEAD, Signer()), cosign(HEAD.text, 5, NAME, WitnessSigner())
    assert cosigned_at(signed + line, WITNESS) == 5
    assert refused(signed) == "head-malformed"
    other = Head(HEAD.origin, 8, HEAD.root)
    assert refused(sign_head(other, Signer()) + line) == "head-malformed"
    assert refused(signed + line, Witness(NAME, Signer().log_key)) == "head-malformed"
    assert refused(signed + line, Witness(HEAD.origin, WITNESS.key)) == "head-malformed"
    blob = base64.b64decode(line.split(" ")[2])
    for place in range(4, len(blob)):
        flipped = blob[:place] + bytes((blob[place] ^ 1,)) + blob[place + 1 :]
        strange = f"\u2014 {NAME} {base64.b64encode(flipped).decode()}\n"
        assert refused(signed + strange) == "head-malformed"
        assert refused(signed + line + strange) == "head-malformed"


def test_a_timestamped_signature_has_72_bytes_and_a_time_below_2_to_63() -> None:
    signed = sign_head(HEAD, Signer())
    last = (1 << 63) - 1
    assert cosigned_at(signed + cosign(HEAD.text, last, NAME, WitnessSigner()), WITNESS) == last
    assert refused(signed + cosign(HEAD.text, last + 1, NAME, WitnessSigner())) == "head-malformed"
    line = cosign(HEAD.text, 5, NAME, WitnessSigner())
    blob = base64.b64decode(line.split(" ")[2]) + b"\x00"
    assert refused(f"{signed}\u2014 {NAME} {base64.b64encode(blob).decode()}\n") == "head-malformed"


def test_a_head_signature_is_no_cosignature_and_the_reverse() -> None:
    """One key signs both: the key id and the first line of what is signed tell them apart."""
    ours = Witness(HEAD.origin, Signer().log_key)
    assert refused(sign_head(HEAD, Signer()), ours) == "head-malformed"
    line = read_note(sign_head(HEAD, Signer())).lines[0]
    assert line.key_id != ours.key_id
    posing = base64.b64encode(ours.key_id + bytes(8) + line.signature).decode()
    assert refused(f"{HEAD.text}\n\u2014 {HEAD.origin} {posing}\n", ours) == "head-malformed"


def test_only_a_checkpoint_is_cosigned() -> None:
    with pytest.raises(Malformed) as caught:
        cosign("any text\n", 5, NAME, WitnessSigner())
    assert caught.value.code == "head-malformed"
