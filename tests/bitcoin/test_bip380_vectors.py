"""The descriptor vectors of BIP-380 to 387, 389 and 390: 70 valid and 61 invalid.

1. Read as it stands, a valid one gives exactly its scripts, or is refused by the name of what we do not
   read: a function outside wsh, sh(wsh) and tr, a private or an uncompressed key, a hardened step.
2. So that the functions themselves are compared even so, a refused one is brought into our form: public
   keys in the place of private ones, wsh() around what stands at the top or in sh(). Where that can be
   read, its witness script is the vector's script.
3. An invalid one is refused, always.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from embit.bip32 import HDKey
from embit.ec import PrivateKey

from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.descriptor.checksum import strip_checksum
from signer.bitcoin.descriptor.keys import read_key
from signer.bitcoin.descriptor.read import ReadDescriptor, read_descriptor, read_descriptor_body
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.network import MAINNET
from signer.bitcoin.script import p2sh
from tests.vectors import load_json

BIPS = (381, 382, 383, 384, 385, 386, 387, 389, 390)
NAMED = frozenset(("descriptor-unsupported", "key-private", "key-unsupported"))
WIF = re.compile(r"\b[5KL][1-9A-HJ-NP-Za-km-z]{50,51}\b")
XPRV = re.compile(r"(xprv\w+)((?:/[0-9]+['h]?)*)(?=[,)/])")


def valid_cases(bip: int) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = load_json(f"bips/descriptors/bip{bip}.json")["valid"]
    return cases


def read(text: str) -> ReadDescriptor:
    """Through the door that callers use, with the checksum that it demands."""
    return read_descriptor(with_checksum(text), MAINNET)


def outcome(text: str) -> ReadDescriptor | str:
    """What it is read as, or the code of the refusal."""
    descriptor = read_or_refusal(text)
    if isinstance(descriptor, ReadDescriptor):
        return descriptor
    assert not re.search("[xt](pub|prv)[1-9A-Za-z]{4}|[0-9a-f]{20}", descriptor.detail)
    return descriptor.code


def read_or_refusal(text: str) -> ReadDescriptor | Malformed:
    try:
        return read(text)
    except Malformed as refusal:
        return refusal


def assert_scripts(descriptor: ReadDescriptor, expected: list[str]) -> None:
    """`expected` is a script for each index from 0 on; BIP-389's a descriptor for each alternative.
    BIP-386 has one without a script, which is only read."""
    if all(re.fullmatch("[0-9a-f]*", each) for each in expected):
        assert descriptor.alternatives == 1
        scripts = [descriptor.scripts_at(index)[0].script_pubkey for index in range(len(expected))]
        assert [script.hex() for script in scripts] == expected
        return
    alone = [read_descriptor_body(text, MAINNET) for text in expected]
    for index in (0, 1, 1_000):
        assert descriptor.scripts_at(index) == tuple(each.scripts_at(index)[0] for each in alone)


# --- rule 2: our form ---


def public_wif(match: re.Match[str]) -> str:
    public: str = PrivateKey.from_wif(match[0]).get_public_key().sec().hex()
    return public


def public_xprv(match: re.Match[str]) -> str:
    """The xpub below the last hardened step, then the steps that an xpub can take."""
    steps = match[2].split("/")[1:]
    hard = max((at for at, step in enumerate(steps, 1) if step[-1] in "'h"), default=0)
    key = HDKey.from_base58(match[1]).derive("m/" + "/".join(steps[:hard]).replace("'", "h"))
    xpub: str = key.to_public().to_base58()
    return xpub + "".join(f"/{step}" for step in steps[hard:])


def public(text: str) -> str:
    return XPRV.sub(public_xprv, WIF.sub(public_wif, text))


@dataclass(frozen=True)
class OurForm:
    """A vector in our form, and how its script follows from ours."""

    text: str
    in_p2sh: bool

    def script(self, descriptor: ReadDescriptor, index: int, alternative: int) -> bytes:
        (witness_script,) = descriptor.scripts_at(index)[alternative].scripts
        return p2sh(hash160(witness_script)) if self.in_p2sh else witness_script


def our_form(text: str) -> OurForm | None:
    """wsh() around a legacy script; None where there is no such thing."""
    if re.match(r"(pk|pkh|multi|sortedmulti)\(", text):
        return OurForm(f"wsh({text})", in_p2sh=False)
    if re.match(r"sh\((pk|pkh|multi|sortedmulti)\(", text):
        return OurForm(f"w{text}", in_p2sh=True)
    return None


def right_in_our_form(text: str, expected: list[str]) -> bool:
    """Whether it could be read in our form; then its scripts are the vector's."""
    text = public(text)
    form = our_form(text)
    if form is None:
        descriptor = outcome(text)
        if isinstance(descriptor, str):
            return False
        assert_scripts(descriptor, expected)
        return True
    descriptor = outcome(form.text)
    if isinstance(descriptor, str):
        return False
    if not re.fullmatch("[0-9a-f]*", expected[0]):
        assert_scripts(descriptor, [f"wsh({public(each)})" for each in map(strip_sh, expected)])
        return True
    for index, script in enumerate(expected):
        assert form.script(descriptor, index, 0).hex() == script
    return True


def strip_sh(text: str) -> str:
    return text[3:-1] if text.startswith("sh(") else text


@pytest.mark.parametrize(
    ("bip", "accepted", "in_our_form", "by_name"),
    [
        (381, 0, 13, 4),
        (382, 3, 3, 6),
        (383, 1, 4, 4),
        (384, 0, 0, 4),
        (385, 0, 0, 4),
        (386, 2, 4, 0),
        (387, 2, 3, 1),
        (389, 0, 4, 2),
        (390, 0, 0, 6),
    ],
)
def test_valid_descriptors(bip: int, accepted: int, in_our_form: int, by_name: int) -> None:
    counts = {"accepted": 0, "in our form": 0, "by name": 0}
    for case in valid_cases(bip):
        text, expected = case["descriptor"], case["expands"]
        descriptor = outcome(text)
        if isinstance(descriptor, ReadDescriptor):
            assert_scripts(descriptor, expected)
            counts["accepted"] += 1
            continue
        assert descriptor in NAMED, case
        right = right_in_our_form(text, expected)
        counts["in our form" if right else "by name"] += 1
    assert counts == {"accepted": accepted, "in our form": in_our_form, "by name": by_name}


def test_invalid_descriptors() -> None:
    """61 of 61, private keys in them or not."""
    refused = 0
    for bip in BIPS:
        for case in load_json(f"bips/descriptors/bip{bip}.json")["invalid"]:
            assert isinstance(outcome(case["descriptor"]), str), case
            assert isinstance(outcome(public(case["descriptor"])), str), case
            refused += 1
    assert refused == 61


def test_all_valid_descriptors_are_counted() -> None:
    assert sum(len(valid_cases(bip)) for bip in BIPS) == 70


def test_checksums() -> None:
    cases = load_json("bips/descriptors/bip380.json")["checksum"]
    for case in cases:
        # "No checksum" is valid only where checksums are optional; here one is required.
        if case["valid"] and case["reason"] != "No checksum":
            assert strip_checksum(case["descriptor"]) == case["descriptor"].split("#")[0]
            continue
        with pytest.raises(Malformed) as refusal:
            strip_checksum(case["descriptor"])
        assert refusal.value.code in {"descriptor-checksum", "descriptor-malformed"}
    assert len(cases) == 8


def test_key_expressions() -> None:
    """Of 21 valid ones 8 are read and 13 refused by name; of 16 invalid ones none is read."""
    vectors = load_json("bips/descriptors/bip380.json")
    outcomes = [key_outcome(case["key"]) for case in vectors["keys_valid"]]
    assert len(outcomes) == 21
    assert outcomes.count("read") == 8
    assert outcomes.count("key-private") == 9
    assert outcomes.count("key-unsupported") == 4
    refused = [key_outcome(case["key"]) for case in vectors["keys_invalid"]]
    assert len(refused) == 16
    assert "read" not in refused


def key_outcome(text: str) -> str:
    try:
        key = read_key(text, MAINNET, Context.P2WSH)
    except Malformed as refusal:
        return refusal.code
    assert (key.origin is None) == (text[0] != "[")
    assert key.text == text
    return "read"
