"""Members were told different things about one buried transaction (docs/adr/0010, "Labels"): the relayer's
`release` alone brings them out of it, and the withdrawal that was not paid is paid from another coin."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.message import Message

from clients.messages import attestation_message
from clients.relayer.burials import burials, release_all
from clients.relayer.federation import NotSigned
from clients.relayer.named import strike
from clients.relayer.relayer import Relayer
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction
from signer.bitcoin.units import Sats
from signer.core.payment import WithdrawalTerms
from tests.clients.resolving import DEPTH, Answer, Inside, Node, relayer_of
from tests.core.spends import USER_SCRIPT, Coin, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel import federated
from tests.kernel.federated import Team, draft
from tests.kernel.room import attested, construct_request, sign_request
from tests.kernel.test_agreement_wire import agreed, codes
from tests.kernel.test_releases import killer_of

COIN, FRESH = Coin(), Coin(salt=2, index=2)
AMOUNT, WEEK = 60_000_000, 7 * 86_400
ONE, TWO = withdrawal_id(1).hex(), withdrawal_id(2).hex()
ONE_TRANSACTION, TWO_TRANSACTIONS = 2_000, 3_000
"""What B and C sign, by its fee: the one that A was told pays the other withdrawal, or another."""
RESOLVED = {*(f"{name} {ONE} closed" for name in "abc"), f"a {TWO} waiting", f"b {TWO} waiting"}


@dataclass
class Scene:
    """Three members, a relayer, a node."""

    team: Team
    node: Node

    @property
    def relayer(self) -> Relayer:
        return relayer_of(self.node, *(Inside(self.team, name) for name in "abc"))

    def told(self, name: str, number: int, rate: int = ONE_TRANSACTION) -> pb.SignPsbtRequest:
        asked = construct_request((COIN,), ((number, AMOUNT),))
        asked.fee_rate_sat_per_kvb = rate
        built = self.team[name].construct(asked)
        return sign_request(built, attested((COIN,), ((number, AMOUNT),)))

    def part(self, rate: int) -> Transaction:
        """A was told that the coin pays 2, and nobody agreed; B and C signed that it pays 1. It is buried."""
        other, signed = self.told("a", 2), self.told("b", 1, rate)
        assert codes(self.team["a"].sign(other)) == ["agreement-pending"]
        for name in "bc":
            agreed(self.team, name, signed, "b", "c")
        buried = parse_psbt(signed.psbt).transaction
        self.node.bury(buried)
        return buried

    def restart(self, *names: str) -> None:
        for name in names:
            self.team.stop(name)
            self.team.start(name)
            self.team.carry(rounds=4)

    def release(self, relayer: Relayer | None = None) -> set[str]:
        asked = relayer or self.relayer
        return set(release_all(asked, burials(asked, DEPTH)))

    def pay_two_anew(self, names: str) -> None:
        """With words given after what was closed."""
        for member in self.team.members:
            member.clock.moment += 60
        now = self.team.members[0].clock.now()
        terms = WithdrawalTerms(withdrawal_id(2), Sats(AMOUNT), USER_SCRIPT)
        words = [
            attestation_message(each.attest(vault().realm, now + WEEK, terms))
            for each in WATCHERS[:2]
        ]
        built = self.team[names[0]].construct(construct_request((FRESH,), ((2, AMOUNT),)))
        request = sign_request(built, words + attested((FRESH,), (), now=now))
        for name in names:
            agreed(self.team, name, request)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    team = federated.started(tmp_path)
    yield Scene(team, Node())
    team.stop()


@pytest.mark.parametrize("rate", [ONE_TRANSACTION, TWO_TRANSACTIONS])
def test_a_withdrawal_whose_pin_an_equal_one_spent_is_paid_anew(scene: Scene, rate: int) -> None:
    """Of an entry of A's that waits B took the pin, and lists nothing of its withdrawal."""
    scene.part(rate)
    scene.restart("b", "a")
    assert scene.release() - {f"c {TWO} waiting"} == RESOLVED
    scene.pay_two_anew("ba")


@pytest.mark.parametrize("rate", [ONE_TRANSACTION, TWO_TRANSACTIONS])
def test_who_was_down_is_asked_again(scene: Scene, rate: int) -> None:
    """Nobody lists the pin any more by then."""
    scene.part(rate)
    scene.restart("b", "a")
    scene.team.stop("b")
    assert scene.release() >= {f"a {ONE} closed", f"a {TWO} waiting"}
    scene.team.start("b")
    scene.team.carry(rounds=4)
    assert scene.release() >= {f"b {ONE} closed", f"b {TWO} waiting"}
    scene.pay_two_anew("ba")


def test_a_version_that_waits_closes_nothing_by_itself(scene: Scene) -> None:
    """Not though it is buried: A alone does not know what it pays."""
    scene.part(ONE_TRANSACTION)
    scene.team.stop("b", "c")
    assert burials(scene.relayer, DEPTH) == []
    scene.team.start("b", "c")
    assert burials(scene.relayer, DEPTH) != []
    assert burials(scene.relayer, DEPTH + 1) == []


def test_who_has_not_read_what_was_agreed_keeps_its_pin(scene: Scene) -> None:
    scene.part(TWO_TRANSACTIONS)
    with pytest.raises(NotSigned, match="a: release-pays") as caught:
        scene.release()
    assert len(caught.value.reasons) == 1
    scene.team.carry(rounds=2)
    assert scene.release() >= {f"a {ONE} closed", f"a {TWO} waiting"}


class Liar(Inside):
    """It says that everything it lists pays the second withdrawal, too."""

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        if isinstance(request, pb.GetWithdrawalRequest):
            request = pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id(1))
        said = super().ask(request, answer)
        if isinstance(said, pb.ListWithdrawalsResponse):
            said.withdrawals.add().CopyFrom(said.withdrawals[0])
            said.withdrawals[1].withdrawal_id = withdrawal_id(2)
        return said


@pytest.mark.parametrize("rate", [ONE_TRANSACTION, TWO_TRANSACTIONS])
def test_a_member_that_names_another_payment_keeps_nobody(scene: Scene, rate: int) -> None:
    """What it says of itself is refused by itself; the others come out of it as they would without it."""
    scene.part(rate)
    scene.restart("b", "a")
    honest = (Inside(scene.team, name) for name in "ab")
    with pytest.raises(NotSigned) as caught:
        scene.release(relayer_of(scene.node, *honest, Liar(scene.team, "c")))
    assert {str(each).partition(":")[0] for each in caught.value.reasons} == {"c"}
    scene.pay_two_anew("ba")


def test_a_pin_that_others_hold_is_struck_there_too(scene: Scene) -> None:
    """A alone lists it; what took the coin is on nobody's record."""
    request = draft(scene.team["a"], (COIN,), ((1, AMOUNT),))
    agreed(scene.team, "a", request)
    scene.team.carry(rounds=2)
    found = strike(scene.relayer, withdrawal_id(1), killer_of(COIN.outpoint))
    assert release_all(scene.relayer, found) == [f"{name} {ONE} waiting" for name in "abc"]
