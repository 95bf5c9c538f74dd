"""The public PSBT vectors. Invariant: every verdict is the one that the vectors demand."""

from typing import Any

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import serialize_psbt
from signer.core.catalogue import CATALOGUE
from tests.bitcoin.psbt_mutation import split
from tests.bitcoin.refused import refused
from tests.vectors import load_json


def verdict(text: str) -> str:
    """`valid`, or the code of the refusal. What is valid is written again byte for byte."""
    try:
        data = psbt_from_base64(text)
        psbt = parse_psbt(data)
    except Malformed as error:
        return error.code
    assert serialize_psbt(psbt) == data
    assert parse_psbt(serialize_psbt(psbt)) == psbt
    return "valid"


def section(bip: str, name: str) -> list[dict[str, Any]]:
    vectors = load_json(f"bips/{bip}/psbt_vectors.json")["vectors"]
    return [vector for vector in vectors if vector["section"] == name]


@pytest.mark.parametrize(
    ("bip", "valid", "invalid"),
    [("bip174", 10, 20), ("bip370", 14, 24), ("bip371", 6, 11), ("bip373", 14, 10)],
)
def test_bip_vectors(bip: str, valid: int, invalid: int) -> None:
    accepted = [verdict(vector["base64"]) for vector in section(bip, "valid")]
    assert accepted == ["valid"] * valid
    refusals = [verdict(vector["base64"]) for vector in section(bip, "invalid")]
    assert len(refusals) == invalid
    assert "valid" not in refusals
    assert "base64-malformed" not in refusals


def test_fails_signer_vectors_are_well_formed() -> None:
    """What is wrong with these four is for `verify` to see: their scripts do not match."""
    assert [verdict(vector["base64"]) for vector in section("bip174", "fails_signer")] == [
        "valid"
    ] * 4


def test_bip370_locktimes() -> None:
    vectors = section("bip370", "locktime")
    assert len(vectors) == 10
    for vector in vectors:
        if vector["expected_locktime"] is None:
            assert verdict(vector["base64"]) == "psbt-locktime-conflict"
            continue
        assert verdict(vector["base64"]) == "valid"
        psbt = parse_psbt(psbt_from_base64(vector["base64"]))
        assert psbt.transaction.locktime == vector["expected_locktime"]


def test_core_vectors() -> None:
    """Those that are invalid are refused here, not first by a later role."""
    core = load_json("bitcoin-core/functional/rpc_psbt.json")
    refusals = [verdict(text) for text in core["invalid"]]
    refusals += [verdict(text) for text, _ in core["invalid_with_msg"]]
    assert len(refusals) == 63 + 23
    assert "valid" not in refusals
    assert set(refusals) <= CATALOGUE.keys()
    assert [verdict(text) for text in core["valid"]] == ["valid"] * 48


def test_core_vectors_that_are_no_base64_hold_no_acceptable_psbt() -> None:
    """Two vectors are refused as base64; what they decode to leniently is refused as well."""
    core = load_json("bitcoin-core/functional/rpc_psbt.json")
    broken = [text for text in core["invalid"] if verdict(text) == "base64-malformed"]
    repaired = [text.rstrip("=<") for text in broken]
    verdicts = [verdict(text + "=" * (-len(text) % 4)) for text in repaired]
    assert len(verdicts) == 2
    assert "valid" not in verdicts


def combined(parts: list[str]) -> bytes:
    """What the parts combine to, in either order and with repetitions."""
    psbts = tuple(parse_psbt(psbt_from_base64(part)) for part in parts)
    assert len(psbts) == 2
    whole = combine(psbts)
    assert combine(psbts[::-1]) == combine(psbts + psbts) == whole
    return whole


def test_bip174_combiner_that_orders_keys() -> None:
    *parts, whole = [
        vector["base64"] for vector in section("bip174", "roles") if "base64" in vector
    ][-3:]
    assert combined(parts) == psbt_from_base64(whole)


def test_core_combiner_vector() -> None:
    """Core, and BIP-174's vector with it, orders signatures by key hash: the maps are equal."""
    (case,) = load_json("bitcoin-core/functional/rpc_psbt.json")["combiner"]
    expected = split(psbt_from_base64(case["result"]))
    assert split(combined(case["combine"])) == [sorted(pairs) for pairs in expected]


def test_a_transaction_is_no_psbt() -> None:
    with refused("psbt-magic"):
        parse_psbt(psbt_from_base64(section("bip174", "invalid")[0]["base64"]))
