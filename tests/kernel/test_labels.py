"""Which of two equal withdrawals a transaction settles: members were told different things about it, and
neither withdrawal is lost for that (ADR 0006, ADR 0010)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from clients.messages import attestation_message, outpoint_message
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction
from signer.bitcoin.units import Height, Sats
from signer.core.errors import Refusal
from signer.core.evidence import SpentTerms
from signer.core.payment import WithdrawalTerms
from signer.core.released import ReleasedNotice
from signer.core.view import RecordedWithdrawal
from signer.journal.fold_agreement import name_of
from signer.journal.reading import TableReading
from tests.core.spends import USER_SCRIPT, Coin, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.room import attested, construct_request, sign_request
from tests.kernel.test_agreement_wire import codes

COIN, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
AMOUNT, WEEK = 60_000_000, 7 * 86_400
OFFICERS_MISSING = "release-officers-missing"
RELEASED_OF = TableReading.released_of


@dataclass
class Labels:
    """Three members, and which withdrawal each of them was told a transaction pays."""

    team: Team

    @property
    def now(self) -> int:
        return self.team.members[0].clock.now()

    def told(self, name: str, number: int, rate: int = 2_000) -> pb.SignPsbtRequest:
        """What that member is asked: the coin pays withdrawal `number`."""
        asked = construct_request((COIN,), ((number, AMOUNT),))
        asked.fee_rate_sat_per_kvb = rate
        built = self.team[name].construct(asked)
        return sign_request(built, attested((COIN,), ((number, AMOUNT),), now=self.now))

    def signed(self, request: pb.SignPsbtRequest, names: str, *carried: str) -> None:
        """By each of these."""
        for name in names:
            assert codes(self.team[name].sign(request)) == ["agreement-pending"]
            self.team.carry(*carried, rounds=1)
            assert self.team[name].sign(request).signatures > 0

    def restart(self, *names: str) -> None:
        for name in names:
            self.team.stop(name)
            self.team.start(name)
            self.team.carry(rounds=4)

    def close(self, name: str, number: int, buried: Transaction) -> str:
        return self._release(
            name, cp.ReleaseWithdrawalRequest(withdrawal_id=withdrawal_id(number)), buried
        )

    def strike(self, name: str, number: int, buried: Transaction, coin: Coin = COIN) -> str:
        asked = cp.ReleaseWithdrawalRequest(
            withdrawal_id=withdrawal_id(number), pin=outpoint_message(coin.outpoint)
        )
        return self._release(name, asked, buried)

    def _release(self, name: str, asked: cp.ReleaseWithdrawalRequest, buried: Transaction) -> str:
        """The withdrawal's state, or the first code."""
        now, spent = self.now, buried.inputs[0].previous
        terms = SpentTerms(spent, buried.txid, Height(500), Height(599))
        words = (each.attest(vault().realm, now + 1_800, terms) for each in WATCHERS[:2])
        asked.transactions.append(buried.serialize())
        asked.attestations.extend(map(attestation_message, words))
        try:
            answer = self.team[name].call("ReleaseWithdrawal", asked)
        except Refusal as refusal:
            return refusal.code
        return cp.ReleaseWithdrawalResponse.FromString(answer).state

    def later(self, number: int) -> list[t.Attestation]:
        """Words about it given after what was closed: honest attestors' last a week."""
        for member in self.team.members:
            member.clock.moment += 60
        terms = WithdrawalTerms(withdrawal_id(number), Sats(AMOUNT), USER_SCRIPT)
        said = (each.attest(vault().realm, self.now + WEEK, terms) for each in WATCHERS[:2])
        return list(map(attestation_message, said))

    def pay_anew(self, names: str, number: int, coin: Coin) -> None:
        words = self.later(number) + attested((coin,), (), now=self.now)
        built = self.team[names[0]].construct(construct_request((coin,), ((number, AMOUNT),)))
        self.signed(sign_request(built, words), names)


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[Labels]:
    team = federated.started(tmp_path)
    yield Labels(team)
    team.stop()


def transaction_of(request: pb.SignPsbtRequest) -> Transaction:
    return parse_psbt(request.psbt).transaction


def closing_of(kernel: Witnessed, number: int) -> ReleasedNotice:
    (found,) = (
        each
        for each in kernel.entries()
        if isinstance(each, ReleasedNotice) and each.terms.withdrawal_id == withdrawal_id(number)
    )
    return found


def test_one_coin_two_transactions(labels: Labels) -> None:
    """A was told that the coin pays 2, and nobody agrees; B and C that it pays 1, by another transaction."""
    team = labels.team
    first, second = labels.told("a", 2), labels.told("b", 1, 3_000)
    paid = transaction_of(second)
    assert transaction_of(first) != paid
    assert codes(team["a"].sign(first)) == ["agreement-pending"]
    labels.signed(second, "bc", "b", "c")
    labels.restart("b", "a")
    assert labels.strike("b", 2, paid) == "release-pays"
    assert labels.close("b", 2, paid) == OFFICERS_MISSING
    assert [labels.close(name, 1, paid) for name in "abc"] == ["closed"] * 3
    assert [labels.strike(name, 2, paid) for name in "ab"] == ["waiting"] * 2
    labels.pay_anew("ba", number=2, coin=FRESH)


def test_one_transaction_two_labels(labels: Labels) -> None:
    """A was told that it pays 2, and nobody agrees; B and C that it pays 1."""
    team = labels.team
    as_two, as_one = labels.told("a", 2), labels.told("b", 1)
    buried = transaction_of(as_one)
    assert transaction_of(as_two) == buried
    assert codes(team["a"].sign(as_two)) == ["agreement-pending"]
    labels.signed(as_one, "bc", "b", "c")
    labels.restart("b", "a")
    assert [labels.close(name, 2, buried) for name in "ab"] == [OFFICERS_MISSING] * 2
    assert [labels.close(name, 1, buried) for name in "abc"] == ["closed"] * 3
    assert [labels.strike(name, 2, buried) for name in "ab"] == ["waiting"] * 2
    labels.pay_anew("ca", number=2, coin=FRESH)


def test_a_closing_names_the_entry_of_another_that_it_rests_on(labels: Labels) -> None:
    """C signed nothing. What A's log says counts once it is agreed there, and not while it waits."""
    team, request = labels.team, labels.told("a", 1)
    buried, number = transaction_of(request), team["a"].size
    assert codes(team["a"].sign(request)) == ["agreement-pending"]
    team.carry("a", "c", rounds=1)
    assert labels.close("c", 1, buried) == OFFICERS_MISSING
    assert team["a"].sign(request).signatures == 1
    assert labels.close("c", 1, buried) == OFFICERS_MISSING
    team.carry("a", "c", rounds=1)
    assert [labels.close(name, 1, buried) for name in "ac"] == ["closed"] * 2
    assert closing_of(team["c"], 1).labels == (name_of(team["a"].log_key, number),)
    assert closing_of(team["a"], 1).labels == ()


def test_what_pays_more_than_it_closed_strikes_nothing(labels: Labels) -> None:
    """One transaction pays 1 and 2, which are equal. Closing one of them leaves the other its payment."""
    team = labels.team
    request = draft(team["a"], (COIN, OTHER), ((1, AMOUNT), (2, AMOUNT)))
    buried = transaction_of(request)
    labels.signed(request, "a")
    assert labels.close("a", 1, buried) == "closed"
    pins = {labels.strike("a", 2, buried, coin) for coin in (COIN, OTHER)}
    assert pins <= {"release-pays", "release-pin-unknown"}
    assert "release-pays" in pins
    assert labels.close("a", 2, buried) == "closed"


def test_what_is_buried_gets_no_other_label(labels: Labels) -> None:
    """Once the pin of what it paid is gone, it could else be agreed to as paying the equal one too."""
    team = labels.team
    first, second = labels.told("a", 2), labels.told("b", 1, 3_000)
    paid = transaction_of(second)
    assert codes(team["a"].sign(first)) == ["agreement-pending"]
    labels.signed(second, "bc", "b", "c")
    labels.restart("b", "a")
    assert [labels.close(name, 1, paid) for name in "abc"] == ["closed"] * 3
    again = labels.told("a", 2, 3_000)
    assert transaction_of(again) == paid
    again.attestations.extend(labels.later(2))
    assert codes(team["a"].sign(again)) == ["agreement-pending"]
    team.carry(rounds=2)
    assert codes(team["a"].sign(again)) == ["agreement-pending"]
    assert [labels.close(name, 2, paid) for name in "ab"] == ["release-not-paid"] * 2
    assert [labels.strike(name, 2, paid) for name in "ab"] == ["waiting"] * 2


def test_words_about_one_vault_release_nothing_in_another(
    labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which vault it is may change until the writer's turn: another version of it is taken meanwhile."""
    request = labels.told("a", 1)
    buried = transaction_of(request)
    labels.signed(request, "a")
    vaults = iter([vault().fingerprint, bytes(32)])

    def moved(reading: TableReading, *asked: Any) -> RecordedWithdrawal | None:
        found = RELEASED_OF(reading, *asked)
        return found and replace(found, vault_fingerprint=next(vaults))

    monkeypatch.setattr(TableReading, "released_of", moved)
    assert labels.close("a", 1, buried) == "attestation-invalid"
    monkeypatch.undo()
    assert labels.close("a", 1, buried) == "closed"
