"""docs/officers.md shows what the code does."""

import json
import re

from signer.approvals import HOLD_AT_MOST, MAX_HOLDS
from signer.core.acts import MAX_ACT, ApproveWithdrawal, read_act
from signer.core.officers import officer_digest
from tests.vectors import ROOT

PAGE = (ROOT / "docs" / "officers.md").read_text()
CASES = json.loads((ROOT / "docs" / "vectors" / "officer_acts.json").read_text())["cases"]


def blocks() -> list[str]:
    """The indented blocks, without their indentation."""
    found = re.findall(r"(?:^    .*\n|^\n)+", PAGE, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") + "\n" for block in found]


def test_the_text_on_the_page_is_the_first_vector_with_its_digest() -> None:
    (block,) = (
        block for block in blocks() if block.startswith("pegwarden officer act") and "12.5" in block
    )
    text, digest = block.split("\n\n")
    assert isinstance(read_act(text + "\n").act, ApproveWithdrawal)
    assert text + "\n" == CASES[0]["text"]
    assert digest.strip() == f"digest: {officer_digest(text + chr(10)).hex()}"


def test_the_table_of_actions_is_that_of_the_texts() -> None:
    table = PAGE.split("| action | its lines |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines()]
    said = {
        action: re.findall(r"`([^`]+)`", keys)
        for actions, keys in rows
        for action in re.findall(r"`([^`]+)`", actions)
    }
    made = {}
    for case in CASES:
        pairs = [line.split(": ")[0] for line in case["text"].splitlines()[4:-1]]
        made[read_action(case["text"])] = pairs
    assert {action: said[action] for action in made} == made


def test_the_numbers_on_the_page_are_the_code_s() -> None:
    assert f"At most {MAX_ACT:,} bytes." in PAGE
    assert f"at most {MAX_HOLDS} things at a time" in PAGE
    assert HOLD_AT_MOST == 24 * 3_600
    assert "(24 hours without it)" in PAGE


def read_action(text: str) -> str:
    return text.splitlines()[1].removeprefix("action: ")
