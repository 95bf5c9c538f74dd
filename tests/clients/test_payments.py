"""An attestor that counts what the vault paid states no equal burn once too often (ADR 0006)."""

import json
from argparse import Namespace
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clients.attestor.__main__ import _arguments, _attest, _payments
from clients.attestor.attestor import MARGIN, Attestor, AttestorKey
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain, NotSeen
from clients.attestor.payments import VaultPayments
from clients.jsonrpc import JsonRpc, NodeAddress
from signer.bitcoin.address import script_of
from signer.bitcoin.descriptor import derive, parse_template, with_checksum
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import Txid, display
from signer.core.evidence import HORIZON, StatementKind
from tests import federation
from tests.bitcoin.test_fixed_keys import ALL_FIXED, FIXED

VAULT = federation.vault()
ADDRESS = "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f"
SCRIPT, AMOUNT = script_of(ADDRESS, REGTEST), 5_000
MEDIAN, AGE = 1_800_000_000, 14_400
IDS = tuple(bytes([number]) * 32 for number in range(1, 4))
OURS, THEIRS = VAULT.script(1, 3).script_pubkey, b"\x00\x14" + b"\x09" * 20


def pays(script: bytes = SCRIPT, amount: int = AMOUNT, spent: bytes = OURS) -> dict[str, Any]:
    """A transaction as `getblock` shows it, with change."""
    outputs = [(script, amount), (OURS, 7_000)]
    return {
        "vin": [{"prevout": {"scriptPubKey": {"hex": spent.hex()}}}],
        "vout": [
            {"value": Decimal(sats) / 10**8, "scriptPubKey": {"hex": to.hex()}}
            for to, sats in outputs
        ],
    }


COINBASE = {"vin": [{"coinbase": "00"}], "vout": pays()["vout"]}


class Node:
    """A chain in which each of these transactions has a block, the first one the genesis block."""

    def __init__(self, *transactions: dict[str, Any]) -> None:
        self.downloads = False
        self.blocks: list[dict[str, Any]] = [{"tx": [COINBASE, each]} for each in transactions]

    def __call__(self, method: str, *asked: Any) -> Any:
        if method == "getblockhash":
            return display(Txid(REGTEST.genesis_hash)) if asked[0] == 0 else f"block {asked[0]}"
        if method == "getblockchaininfo":
            return {"initialblockdownload": self.downloads, "mediantime": MEDIAN}
        if method == "getblockcount":
            return len(self.blocks) - 1
        assert (method, asked[1]) == ("getblock", 3)
        found = asked[0].partition(" ")[2]
        return self.blocks[int(found) if found else 0]


def attestor(folder: Path, node: Any, burned: int = 2, since: int = 0) -> Attestor:
    path = folder / "burns.json"
    rows = [
        {"withdrawal_id": each.hex(), "amount_sat": AMOUNT, "address": ADDRESS}
        for each in IDS[:burned]
    ]
    other = {"withdrawal_id": "99" * 32, "amount_sat": AMOUNT + 1, "address": ADDRESS}
    path.write_text(json.dumps([*rows, other]))
    payments = VaultPayments(node, VAULT.descriptor, since, reach=10)
    return Attestor(
        AttestorKey(b"\x07" * 32),
        VAULT.realm,
        Chain(node, REGTEST),
        BurnList(path, REGTEST),
        payments=payments,
    )


def aged(one: Attestor, age: int, asked: int | None = AGE) -> Attestor:
    """When the node's tip is so old."""
    return replace(one, clock=lambda: MEDIAN + age, max_tip_age=asked)


def test_a_node_that_is_behind_does_not_see_what_was_paid(tmp_path: Path) -> None:
    """With payments to count and without: a word after a closing says that the closed one was seen."""
    counting = attestor(tmp_path, Node(pays()))
    for one in (counting, replace(counting, payments=None)):
        assert len(aged(one, AGE).withdrawals(IDS[:1]).statements) == 1
        with pytest.raises(NotSeen, match="tip is 14401 seconds old, 14400 at most"):
            aged(one, AGE + 1).withdrawals(IDS[:1])
        assert len(aged(one, AGE + 1, None).withdrawals(IDS[:1]).statements) == 1


def test_a_node_that_downloads_states_no_burn(tmp_path: Path) -> None:
    """However young the blocks are that it has."""
    node = Node(pays())
    one = aged(attestor(tmp_path, node), 0)
    assert one.withdrawals(IDS[:1]).statements
    node.downloads = True
    with pytest.raises(NotSeen, match="still downloads"):
        one.withdrawals(IDS[:1])


def test_a_word_is_of_the_time_before_the_node_was_looked_at(tmp_path: Path) -> None:
    """Counting takes a while, and a word given before a closing must not look as if given after it."""
    times = iter((MEDIAN, MEDIAN + 9_000))
    one = replace(aged(attestor(tmp_path, Node(pays())), 0), clock=lambda: next(times))
    expiry = one.withdrawals(IDS[:1]).expiry
    assert expiry == MEDIAN + HORIZON[StatementKind.WITHDRAWAL] - MARGIN


@pytest.mark.parametrize(("given", "asked"), [([], AGE), (["--max-tip-age", "0"], None)])
def test_the_command_asks_for_four_hours(
    given: list[str], asked: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("07" * 32)
    (tmp_path / "key").chmod(0o600)
    made: list[int | None] = []
    monkeypatch.setattr(Attestor, "withdrawals", lambda self, _: made.append(self.max_tip_age))
    monkeypatch.setattr(
        "sys.argv",
        [
            *("attestor", "--key", str(tmp_path / "key"), "--fingerprint", "00" * 32),
            *("--burns", "burns", "--rpc-port", "1", "--cookie", "cookie"),
            *(*given, "withdrawals", "11" * 32),
        ],
    )
    _attest(_arguments())
    assert made == [asked]


def test_payments_of_a_vault_with_one_address() -> None:
    """Its keys have no children; what others pay the same does not count."""
    vault = parse_template(ALL_FIXED, FIXED, REGTEST)
    own = derive(vault, 0, 0).script_pubkey
    node: Any = Node(pays(spent=own), pays(spent=THEIRS), pays(spent=OURS), pays(spent=own))
    assert VaultPayments(node, vault, 0, reach=10).count(AMOUNT, SCRIPT) == 2
    assert VaultPayments(node, VAULT.descriptor, 0, reach=10).count(AMOUNT, SCRIPT) == 1


def test_as_many_are_stated_as_are_not_paid(tmp_path: Path) -> None:
    """Two burns; of each number of payments in the chain so many may be stated by one signature."""
    for paid, most in ((0, 2), (1, 1), (2, 0), (3, 0)):
        one = attestor(tmp_path, Node(*(pays() for _ in range(paid))))
        for asked in (1, 2):
            if asked <= most:
                assert len(one.withdrawals(IDS[:asked]).statements) == asked
            else:
                with pytest.raises(NotSeen, match=f"the vault paid {paid}: {asked} more"):
                    one.withdrawals(IDS[:asked])


@pytest.mark.parametrize(
    "other",
    [pays(amount=AMOUNT + 1), pays(script=THEIRS), pays(spent=THEIRS)],
    ids=["another amount", "another script", "a stranger's"],
)
def test_what_is_no_payment_of_the_vault_like_these_does_not_count(
    other: dict[str, Any], tmp_path: Path
) -> None:
    assert len(attestor(tmp_path, Node(other, other)).withdrawals(IDS[:2]).statements) == 2
    with pytest.raises(NotSeen):
        attestor(tmp_path, Node(other, pays())).withdrawals(IDS[:2])


def test_a_node_that_does_not_show_what_is_spent_is_no_witness(tmp_path: Path) -> None:
    """Else every payment would be a stranger's."""
    hidden = pays() | {"vin": [{"txid": "11" * 32, "vout": 0}]}
    with pytest.raises(NotSeen, match="does not show what block 0 spends"):
        attestor(tmp_path, Node(hidden)).withdrawals(IDS[:2])


def test_an_id_that_is_asked_twice_is_stated_once(tmp_path: Path) -> None:
    assert len(attestor(tmp_path, Node(pays())).withdrawals((IDS[0], IDS[0])).statements) == 1


def test_blocks_before_the_vault_are_not_read(tmp_path: Path) -> None:
    node = Node(pays(), pays())
    assert len(attestor(tmp_path, node, since=2).withdrawals(IDS[:2]).statements) == 2
    with pytest.raises(NotSeen):
        attestor(tmp_path, node, since=1).withdrawals(IDS[:2])


def test_payments_are_counted_of_the_vault_that_is_attested_for() -> None:
    given = Namespace(
        network="regtest",
        descriptor=with_checksum(VAULT.text),
        fingerprint=VAULT.fingerprint.hex(),
        since=7,
    )
    payments = _payments(JsonRpc(NodeAddress(1, Path("cookie"))), given)
    assert payments is not None
    assert (payments.descriptor, payments.since) == (VAULT.descriptor, 7)
    given.fingerprint = "00" * 32
    with pytest.raises(ValueError, match="not that of the vault"):
        _payments(JsonRpc(NodeAddress(1, Path("cookie"))), given)
    given.descriptor = None
    assert _payments(JsonRpc(NodeAddress(1, Path("cookie"))), given) is None
