"""The node that tests and demo talk to is ours, and money never passes through a float."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from clients import bitcoind as bitcoind_module
from clients.bitcoind import REGTEST_GENESIS, Bitcoind, BitcoindError, find_bitcoind
from clients.jsonrpc import JsonRpc, NodeAddress, NodeError, to_btc, to_sats


def test_the_node_is_regtest_and_ours(bitcoind: Bitcoind) -> None:
    assert bitcoind.rpc("getblockhash", 0) == REGTEST_GENESIS
    assert bitcoind.address.port < 32_768


def test_mining_and_funding(bitcoind: Bitcoind) -> None:
    address = bitcoind.make_wallet("fund-test")("getnewaddress")
    txid = bitcoind.fund(address, 123_456_789)
    seen = bitcoind.wallet_rpc("fund-test", "gettransaction", txid)
    assert to_sats(seen["amount"]) == 123_456_789
    assert isinstance(seen["amount"], Decimal)


def test_a_node_error_keeps_its_code(bitcoind: Bitcoind) -> None:
    with pytest.raises(NodeError) as caught:
        bitcoind.rpc("getblockhash", 10_000_000)
    assert caught.value.code == -8


def test_a_stranger_with_another_cookie_is_told_so(bitcoind: Bitcoind, tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:0000")
    with pytest.raises(OSError, match="does not know this cookie"):
        JsonRpc(NodeAddress(bitcoind.address.port, cookie))("getblockcount")


def test_a_directory_already_in_use_is_a_sentence(bitcoind: Bitcoind) -> None:
    with pytest.raises(BitcoindError, match="ended at once three times"):
        Bitcoind.start(bitcoind.directory)


def test_stopping_ends_the_process_that_was_started(tmp_path: Path) -> None:
    with Bitcoind.start(tmp_path) as node:
        assert node.process.poll() is None
    assert node.process.returncode == 0


def test_a_program_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bitcoind"
    program.write_text("#!/bin/sh\necho Bitcoin Core daemon version v29.0.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("BITCOIND", str(program))
    with pytest.raises(BitcoindError, match=r"is not bitcoind 30\.x"):
        find_bitcoind()
    program.write_text("#!/bin/sh\necho Bitcoin Core daemon version v30.2.0\n")
    assert find_bitcoind() == program


def test_a_changed_pinned_program_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bitcoind"
    program.write_bytes(b"not the pinned program")
    monkeypatch.delenv("BITCOIND", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(bitcoind_module, "PINNED", program)
    with pytest.raises(BitcoindError, match="is not the pinned program"):
        find_bitcoind()


@pytest.mark.parametrize("sats", [0, 1, 99_999_999, 100_000_000, 2_100_000_000_000_000])
def test_amounts_survive_the_way_there_and_back(sats: int) -> None:
    assert to_sats(to_btc(sats)) == sats


def test_less_than_a_satoshi_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        to_sats("0.000000001")


def test_the_finder_is_a_program_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clients.bitcoind"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert Path(done.stdout.strip()).is_file()
