"""A pin that a member holds for another one alone is struck there, too: else it would bind for ever."""

from pathlib import Path

import pytest

from clients.messages import attestation_message, outpoint_message
from pegwarden.v1 import control_pb2 as cp
from signer.bitcoin.transaction import OutPoint
from signer.bitcoin.units import Height
from signer.core.errors import Refusal
from signer.core.evidence import SpentTerms
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel import federated
from tests.kernel.federated import Witnessed, draft
from tests.kernel.test_releases import killer_of

OLD, NEW = Coin(), Coin(salt=1, index=1)
PAID = ((1, 60_000_000),)


def strike(kernel: Witnessed, pin: OutPoint) -> cp.ReleaseWithdrawalResponse:
    killer = killer_of(pin)
    terms = SpentTerms(pin, killer.txid, Height(500), Height(599))
    request = cp.ReleaseWithdrawalRequest(
        withdrawal_id=withdrawal_id(1),
        pin=outpoint_message(pin),
        transactions=[killer.serialize()],
        attestations=[
            attestation_message(each.attest(vault().realm, NOW + 1_800, terms))
            for each in WATCHERS[:2]
        ],
    )
    return cp.ReleaseWithdrawalResponse.FromString(kernel.call("ReleaseWithdrawal", request))


def test_a_pin_held_for_another_member_is_struck(tmp_path: Path) -> None:
    team = federated.started(tmp_path)
    try:
        first = draft(team["a"], (OLD,), PAID)
        team["a"].sign(first)
        team.carry(rounds=2)
        assert team["a"].sign(first).signatures == 1
        team.carry(rounds=2)
        second = draft(team["b"], (NEW,), PAID)
        with pytest.raises(Refusal, match="withdrawal-pinned"):
            team["b"].sign(second)
        with pytest.raises(Refusal, match="release-pin-unknown"):
            strike(team["b"], NEW.outpoint)
        assert [strike(team[name], OLD.outpoint).state for name in "abc"] == ["waiting"] * 3
        team["b"].sign(second)
        team.carry(rounds=2)
        assert team["b"].sign(second).signatures == 1
    finally:
        team.stop()
