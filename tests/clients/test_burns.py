"""The list of burns: what an attestor believes of the second layer."""

import json
from pathlib import Path
from typing import Any

import pytest

from clients.attestor.burns import BurnList
from clients.attestor.chain import NotSeen
from clients.attestor.listed import BadList
from signer.bitcoin.address import script_of
from signer.bitcoin.network import REGTEST

ADDRESS = "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f"
GOOD = {"withdrawal_id": "11" * 32, "amount_sat": 5_000, "address": ADDRESS}


def burns(tmp_path: Path, content: Any) -> BurnList:
    path = tmp_path / "burns.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return BurnList(path, REGTEST)


def test_a_burn_is_read_anew_each_time(tmp_path: Path) -> None:
    listed = burns(tmp_path, [])
    with pytest.raises(NotSeen, match="no burn has the withdrawal id"):
        listed.withdrawal(b"\x11" * 32)
    burns(tmp_path, [GOOD])
    terms = listed.withdrawal(b"\x11" * 32)
    assert (terms.amount, terms.script_pubkey) == (5_000, script_of(ADDRESS, REGTEST))


@pytest.mark.parametrize(
    "change",
    [
        {"amount_sat": 5_000.0},
        {"amount_sat": True},
        {"amount_sat": -1},
        {"amount_sat": 21_000_000 * 10**8 + 1},
        {"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
        {"address": 7},
        {"withdrawal_id": "11" * 31},
        {"withdrawal_id": "zz" * 32},
        {"note": "unknown key"},
    ],
)
def test_a_burn_with_one_wrong_field_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BadList, match="burn 1"):
        burns(tmp_path, [GOOD | change]).withdrawal(b"\x11" * 32)


@pytest.mark.parametrize("content", ["", "{}", "[1]", "[", '"text"'])
def test_a_file_that_is_no_list_of_burns_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadList):
        burns(tmp_path, content).withdrawal(b"\x11" * 32)


def test_an_id_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadList, match="twice"):
        burns(tmp_path, [GOOD, GOOD | {"amount_sat": 6_000}]).withdrawal(b"\x11" * 32)
    other = GOOD | {"withdrawal_id": "22" * 32}
    assert burns(tmp_path, [GOOD, other]).withdrawal(b"\x22" * 32).amount == 5_000
