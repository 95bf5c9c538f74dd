"""A vault that rehearses takes small deposits only: the kernel constructs, and states, no other."""

from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.core.errors import Refusal
from tests.core.coins import funding
from tests.core.spends import USER_SCRIPT
from tests.kernel.room import Member, Running, policy_text

CAPPED = policy_text().replace(b"lookahead = 20", b'lookahead = 20\ndeposit_cap = "100000 sat"')


def deposit(running: Running, amount: int) -> pb.GenerateDepositPsbtResponse:
    source = funding(USER_SCRIPT, 500_000)
    request = pb.GenerateDepositPsbtRequest(
        vault_id="peg",
        rollup="main",
        index=3,
        l2_chain_id=31_337,
        l2_address=b"\x05" * 20,
        amount_sat=amount,
        utxos=[pb.UserUtxo(previous_tx=source.serialize(), vout=1)],
        change_address=address_of(USER_SCRIPT, REGTEST),
        fee_rate_sat_per_kvb=3_000,
    )
    return pb.GenerateDepositPsbtResponse.FromString(running.call("GenerateDepositPsbt", request))


def test_a_deposit_to_a_vault_that_rehearses(tmp_path: Path) -> None:
    running = Member(tmp_path / "a", 0, CAPPED).init().start()
    assert deposit(running, 100_000).amount_sat == 100_000
    with pytest.raises(Refusal) as caught:
        deposit(running, 100_001)
    assert caught.value.code == "deposit-above-cap"
    running.stop()


def test_without_a_cap_any_amount_is_taken(tmp_path: Path) -> None:
    running = Member(tmp_path / "a", 0).init().start()
    assert deposit(running, 100_001).amount_sat == 100_001
    running.stop()
