"""docs/psbt.md keeps its word: its two tables are what reader and verify say to the public vectors."""

from collections import Counter

import pytest

from scripts.code_scan import ROOT
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Refusal
from signer.core.registry import VaultRegistry
from signer.core.verify import SpendClaims, verify
from tests import federation
from tests.core.spends import good_case
from tests.vectors import load_json

PAGE = (ROOT / "docs/psbt.md").read_text()
BIPS = ("bip174", "bip370", "bip371", "bip373")
Counts = dict[str, list[int]]
"""Code -> how many vectors of Core, then of each BIP, have it."""


def table(heading: str) -> Counts:
    """The table under that heading of the page."""
    _, _, section = PAGE.partition(f"## {heading}\n")
    lines = section.partition("\n## ")[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return {row[0].strip(" `"): [int(cell) for cell in row[-5:]] for row in rows}


def read(text: str) -> str:
    """The code with which the reader refuses, or `read`."""
    try:
        parse_psbt(psbt_from_base64(text))
    except Malformed as error:
        return error.code
    return "read"


def signed(raw: bytes) -> str:
    """The code with which a vault's verify refuses, or `signed`."""
    vault = federation.vault()
    try:
        verify(SpendClaims(parse_psbt(raw), raw, ()), vault, VaultRegistry((vault,)), (0,))
    except (Refusal, Malformed) as refusal:
        return refusal.code
    return "signed"


def vectors(valid: bool) -> list[list[str]]:
    """The vectors that must be read, or must not be: Core's, then each BIP's."""
    core = load_json("bitcoin-core/functional/rpc_psbt.json")
    refused = [*core["invalid"], *(text for text, _ in core["invalid_with_msg"])]
    found = [core["valid"] if valid else refused]
    for bip in BIPS:
        each = load_json(f"bips/{bip}/psbt_vectors.json")["vectors"]
        found.append([vector["base64"] for vector in each if must_be_read(vector) is valid])
    return found


def must_be_read(vector: dict[str, object]) -> bool | None:
    """None for vectors that are about something else than reading."""
    if vector["section"] == "locktime":
        return vector["expected_locktime"] is not None
    return {"valid": True, "fails_signer": True, "invalid": False}.get(str(vector["section"]))


def counted(columns: list[list[str]]) -> Counts:
    """Code -> how many of each column."""
    counters = [Counter(codes) for codes in columns]
    return {code: [each[code] for each in counters] for code in sorted(set().union(*counters))}


def test_what_must_be_refused_is_refused_by_the_reader_with_these_codes() -> None:
    columns = [[read(text) for text in column] for column in vectors(valid=False)]
    assert [len(column) for column in columns] == [86, 20, 25, 11, 10]
    found = counted(columns)
    assert "read" not in found
    assert found == table("What must be refused")


def test_what_must_be_read_is_read_and_these_rules_refuse_to_sign_it() -> None:
    texts = vectors(valid=True)
    assert [len(column) for column in texts] == [48, 14, 23, 6, 14]
    assert {read(text) for column in texts for text in column} == {"read"}
    found = counted([[signed(psbt_from_base64(text)) for text in column] for column in texts])
    assert found == table("What is read and never signed")
    assert signed(good_case(payments=()).psbt_bytes) == "signed"


@pytest.mark.parametrize("heading", ["What must be refused", "What is read and never signed"])
def test_the_codes_of_the_page_are_codes(heading: str) -> None:
    assert table(heading)
    assert table(heading).keys() <= CATALOGUE.keys()
