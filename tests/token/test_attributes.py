"""K3: a weak key never signs. Each attribute is flipped when the key is made."""

import json

import pytest

from keystore.token.attributes import OPTIONAL, SEALING, SIGNING, compressed
from keystore.token.names import Cka
from signer.core.errors import Refusal
from tests.token.softhsm import SoftToken

FLIP = """
import json
def flipped(template, kind):
    out = []
    for each, value in template:
        if each is not kind:
            out.append((each, value))
        elif isinstance(value, bool):
            out.append((each, not value))
        else:
            out.append((each, (*value, Ckm.AES_CTR, Ckm.EC_KEY_PAIR_GEN)))
    return out
def verdict(verify, handle):
    try:
        return list(verify(token, handle).absent)
    except Refusal as refusal:
        return str(refusal)
said = {}
"""


@pytest.fixture(scope="module")
def signing_verdicts(token: SoftToken) -> dict[str, object]:
    """Verdict for each attribute flipped alone; `` for none."""
    text = (
        FLIP
        + """
public, private = signing_templates(b"attributes")
for number, kind in enumerate((None, *(each for each, _ in SIGNING))):
    ident = b"attributes" + bytes((number,))
    public, private = signing_templates(ident)
    try:
        _, handle = token.generate_pair(public, flipped(private, kind))
    except TokenError as error:
        said[kind.name] = str(error)
        continue
    said["" if kind is None else kind.name] = verdict(verify_key, handle)
print(json.dumps(said))
"""
    )
    return json.loads(token.script(text))


@pytest.fixture(scope="module")
def sealing_verdicts(token: SoftToken) -> dict[str, object]:
    text = (
        FLIP
        + """
for number, kind in enumerate((None, *(each for each, _ in SEALING[3:]))):
    template = sealing_template(b"sealing" + bytes((number,)))
    handle = token.generate_key(flipped(template, kind))
    said["" if kind is None else kind.name] = verdict(verify_kek, handle)
print(json.dumps(said))
"""
    )
    return json.loads(token.script(text))


def test_a_key_as_we_make_it_is_accepted(
    signing_verdicts: dict[str, object], sealing_verdicts: dict[str, object]
) -> None:
    assert signing_verdicts[""] == []
    assert sealing_verdicts[""] == []


@pytest.mark.parametrize("kind", [kind for kind, _ in SIGNING], ids=lambda kind: kind.name)
def test_one_attribute_of_a_signing_key_flipped(
    signing_verdicts: dict[str, object], kind: Cka
) -> None:
    said = signing_verdicts[kind.name]
    assert isinstance(said, str)
    assert said.startswith("token-key-weak: ")
    assert kind.name in said


@pytest.mark.parametrize("kind", [kind for kind, _ in SEALING[3:]], ids=lambda kind: kind.name)
def test_one_attribute_of_a_kek_flipped(sealing_verdicts: dict[str, object], kind: Cka) -> None:
    said = sealing_verdicts[kind.name]
    assert isinstance(said, str)
    assert said.startswith("token-key-weak: ")
    assert kind.name in said


def test_the_private_key_is_not_told(token: SoftToken) -> None:
    said = token.script(
        """
_, handle = token.generate_pair(*signing_templates(b"value"))
kek = token.generate_key(sealing_template(b"value"))
print(token.attribute(handle, Cka.VALUE), token.attribute(kek, Cka.VALUE))
"""
    )
    assert said == "None None"


def test_a_key_on_another_curve(token: SoftToken) -> None:
    said = token.script(
        """
public, private = signing_templates(b"curve")
p256 = bytes.fromhex("06082a8648ce3d030107")
public = [(kind, p256 if kind is Cka.EC_PARAMS else value) for kind, value in public]
_, handle = token.generate_pair(public, private)
try:
    verify_key(token, handle)
except Refusal as refusal:
    print(refusal)
"""
    )
    assert said.startswith("token-key-weak: ")
    assert "EC_PARAMS" in said


def test_two_keys_of_one_id_are_none(token: SoftToken) -> None:
    said = token.script(
        """
for _ in range(2):
    token.generate_key(sealing_template(b"twice"))
try:
    find_sealing(token, b"twice")
except Refusal as refusal:
    print(refusal)
"""
    )
    assert said.startswith("token-key-missing: ")


def test_what_no_token_may_leave_out_is_not_optional() -> None:
    assert {kind.name for kind in OPTIONAL} == {
        "COPYABLE",
        "DESTROYABLE",
        "ALLOWED_MECHANISMS",
        "ALWAYS_AUTHENTICATE",
    }


GENERATOR = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)


def test_points_with_and_without_der() -> None:
    assert compressed(GENERATOR) == compressed(b"\x04\x41" + GENERATOR) == b"\x02" + GENERATOR[1:33]


@pytest.mark.parametrize(
    "point", [b"", GENERATOR[:-1], GENERATOR[:-1] + b"\xb9", b"\x04\x42" + GENERATOR]
)
def test_what_is_no_point(point: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        compressed(point)
    assert refused.value.code == "token-key-weak"
