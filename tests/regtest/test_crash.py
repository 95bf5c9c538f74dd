"""kill -9 of a kernel while it signs, then restart: the relayer's retry succeeds, nothing counts twice."""

from pathlib import Path

import pytest

from clients.bitcoind import Bitcoind
from clients.demo.command import pegwarden
from clients.member import Refused
from pegwarden.v1 import kernel_pb2
from tests.regtest.crash import (
    after_some_looks,
    company,
    kill_while_signing,
    when_the_journal_grows,
)
from tests.regtest.founded import Founded

AMOUNTS = [90_000_000, 100_000_000, 105_000_000, 4_000_000, 3_000_000]
"""The day's limit is 3 BTC: the first three leave 5,000,000 sat, minus fees, to the fourth; what is counted
twice anywhere refuses one of them, and the fifth is too much even so."""


def test_kill_and_retry(bitcoind: Bitcoind, founded: Founded, tmp_path: Path) -> None:
    with company(tmp_path, bitcoind, founded) as members:
        house, federation = members.houses[0], members.cast.relayer.federation
        coins = members.fund([amount + 10_000_000 for amount in AMOUNTS])
        *first, fourth, fifth = members.drafts(coins, AMOUNTS)
        moments = (lambda: True, when_the_journal_grows(house), after_some_looks(seed=5))
        for draft, moment in zip(first, moments, strict=True):
            kill_while_signing(members, house, draft, moment)
            with house.connect() as member:
                signed = federation.sign(member, draft)
                again = federation.sign(member, draft)
                request = kernel_pb2.GetWithdrawalRequest(
                    withdrawal_id=draft.payments[0].withdrawal_id
                )
                info = member.ask(request, kernel_pb2.GetWithdrawalResponse).withdrawal
            assert (signed.psbt, signed.decision_id) == (again.psbt, again.decision_id)
            assert [version.txid for version in info.versions] == [signed.txid]
        with house.connect() as member:
            assert federation.sign(member, fourth).signatures == 1
            with pytest.raises(Refused) as refused:
                federation.sign(member, fifth)
        assert refused.value.code == "outflow-exceeded"
        assert members.cast.relayer.finish(first[0])  # the others sign it too: it confirms
        house.stop()
        assert pegwarden("journal", "verify", "--config", house.config)["ok"] is True


def test_a_member_that_is_down_does_not_stop_a_withdrawal(
    bitcoind: Bitcoind, founded: Founded, tmp_path: Path
) -> None:
    with company(tmp_path, bitcoind, founded) as members:
        (coin,) = members.fund([50_000_000])
        members.houses[0].crash()
        (draft,) = members.drafts([coin], [20_000_000])
        txid = members.cast.relayer.finish(draft)
        bitcoind.mine(1)
        assert members.cast.relayer.follow(txid, 1, 10) == 1
