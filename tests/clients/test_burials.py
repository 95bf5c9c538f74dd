"""Which releases a relayer asks for, by what each member lists and what is buried."""

from typing import Any

import pytest

from clients.member import Refused
from clients.messages import outpoint_message
from clients.relayer.burials import Burial, burials, release_all
from clients.relayer.federation import NotSigned
from clients.relayer.named import close
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.transaction import OutPoint, display
from tests.clients.listing import (
    BOTH,
    ONE,
    OTHER,
    PAYS_ONE,
    PAYS_TWO,
    PIN,
    SWEEP,
    THREE,
    TWO,
    Lists,
    buried,
    listed,
    spending,
)
from tests.clients.resolving import DEPTH, Node, relayer_of


def found(node: Node, *members: Lists) -> list[tuple[str, bytes, OutPoint | None]]:
    relayer = relayer_of(node, *members)
    return [(each.member.name, each.withdrawal_id, each.pin) for each in burials(relayer, DEPTH)]


def test_what_is_agreed_at_one_member_closes_at_each_that_lists_it() -> None:
    """A signed both versions, B the one that is not buried, C none; D has closed it."""
    first = spending(PIN, OTHER, pays=(ONE,))
    a = Lists("a", [listed(ONE, first, PAYS_ONE, pin=PIN)], (first, PAYS_ONE))
    b = Lists("b", [listed(ONE, first, pin=PIN)], (first,))
    d = Lists("d", [listed(ONE, PAYS_ONE, state="closed")], (PAYS_ONE,))
    assert found(buried(PAYS_ONE), a, b, Lists("c", []), d) == [("a", ONE, None), ("b", ONE, None)]
    assert found(buried(), a, b, d) == []


def test_what_those_who_closed_it_agreed_to_closes_elsewhere() -> None:
    a = Lists("a", [listed(ONE, PAYS_ONE, state="closed")], (PAYS_ONE,))
    b = Lists("b", [listed(ONE, PAYS_ONE, pin=PIN, waits=True)], (PAYS_ONE,))
    assert found(buried(PAYS_ONE), b) == []
    assert found(buried(PAYS_ONE), a, b) == [("b", ONE, None)]


def test_what_is_closed_everywhere_is_not_looked_for() -> None:
    node = buried(PAYS_ONE)
    a = Lists("a", [listed(ONE, PAYS_ONE, state="closed")], (PAYS_ONE,))
    assert found(node, a) == []
    assert node.asked == []
    a.infos.append(listed(TWO, state="waiting"))
    assert found(node, a) == []
    assert node.asked != []


def test_equal_ones_are_closed_before_the_pin_is_struck() -> None:
    """A lists the second alone, B the first alone, C neither: each may hold what another lists."""
    a = Lists("a", [listed(TWO, PAYS_TWO, pin=PIN, waits=True)], (PAYS_TWO,))
    b = Lists("b", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    c = Lists("c", [])
    everywhere = [(name, *what) for name in "abc" for what in ((ONE, None), (TWO, PIN))]
    assert found(buried(PAYS_ONE), a, b, c) == everywhere
    assert found(buried(PAYS_TWO), a, b, c) == []


def test_two_equal_ones_that_one_transaction_paid_are_closed_alone() -> None:
    a = Lists("a", [listed(each, BOTH, pin=PIN) for each in (ONE, TWO)], (BOTH,))
    b = Lists("b", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    expected = [("a", ONE, None), ("a", TWO, None), ("b", ONE, None)]
    assert found(buried(BOTH), a, b, Lists("c", [])) == expected


def test_one_transaction_that_paid_unequal_ones_closes_them_alone() -> None:
    batch = spending(PIN, pays=(ONE, THREE))
    a = Lists("a", [listed(each, batch, pin=PIN) for each in (ONE, THREE)], (batch,))
    assert found(buried(batch), a, Lists("b", [])) == [("a", ONE, None), ("a", THREE, None)]


def test_what_has_no_such_output_closes_nothing() -> None:
    """A says that the sweep paid it; B, which lists the pin, is asked to strike it."""
    a = Lists("a", [listed(ONE, SWEEP)])
    b = Lists("b", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE, SWEEP))
    assert found(buried(SWEEP), a, b) == [("a", ONE, PIN), ("b", ONE, PIN)]


def test_the_payment_of_another_amount_strikes_the_pin_that_it_took() -> None:
    other = spending(PIN, pays=(THREE,))
    a = Lists("a", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    b = Lists("b", [listed(THREE, other, pin=PIN)], (other,))
    expected = [("a", ONE, PIN), ("b", THREE, None), ("b", ONE, PIN)]
    assert found(buried(other), a, b) == expected


def test_a_sweep_on_one_record_strikes_the_pin_on_another() -> None:
    """B signed the sweep alone. D lists the withdrawal with another pin, E as closed."""
    moved = spending(OTHER, pays=(ONE,), change=2)
    a = Lists("a", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    b = Lists("b", [], (SWEEP,))
    d = Lists("d", [listed(ONE, moved, pin=OTHER)], (moved,))
    e = Lists("e", [listed(ONE, moved, state="closed")], (moved,))
    assert found(buried(SWEEP), a, b, d, e) == [(name, ONE, PIN) for name in "abd"]


def test_a_struck_pin_is_asked_for_where_nothing_is_listed() -> None:
    """Who lists that it waits has struck it."""
    a = Lists("a", [listed(ONE, PAYS_ONE, state="waiting")], (PAYS_ONE, SWEEP))
    assert found(buried(SWEEP), a, Lists("b", [])) == [("b", ONE, PIN)]
    a.infos[0].state = "closed"
    assert found(buried(SWEEP), a, Lists("b", [])) == []


def test_what_is_no_txid_is_not_asked_for() -> None:
    a = Lists("a", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    b = Lists("b", [listed(ONE, PAYS_ONE)])
    b.infos[0].versions[0].txid = b"\x01" * 31
    node = buried(PAYS_ONE)
    assert found(node, a, b) == [("a", ONE, None), ("b", ONE, None)]
    assert set(node.asked) == {display(PAYS_ONE.txid)}


def test_what_a_member_agreed_to_itself_is_not_asked_of_it_otherwise() -> None:
    """Without witnesses two members may agree to different things: each closes its own."""
    a = Lists("a", [listed(ONE, PAYS_ONE, pin=PIN), listed(TWO, state="waiting")], (PAYS_ONE,))
    b = Lists("b", [listed(TWO, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    closings = [each for each in found(buried(PAYS_ONE), a, b) if each[2] is None]
    assert closings == [("a", ONE, None), ("b", TWO, None)]


def test_a_coin_that_was_not_taken_is_not_struck() -> None:
    """A says that something buried spends the pin, which it does not."""
    elsewhere = spending(OTHER)
    a = Lists("a", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))

    class Mistaken(Lists):
        def _ListCoinsRequest(self, _: Any) -> pb.ListCoinsResponse:  # noqa: N802
            coin = pb.CoinInfo(outpoint=outpoint_message(PIN), spent_by=[elsewhere.txid])
            return pb.ListCoinsResponse(coins=[coin])

    assert found(buried(elsewhere), a, Mistaken("b", [])) == []


def answered(**says: str) -> tuple[list[str], Lists]:
    """What is done and asked when A, which lists the second one's pin, says this of closing and striking."""
    close_one, strike_two = says["closing"], says["strike"]
    a = Lists("a", [listed(TWO, PAYS_TWO, pin=PIN, waits=True)], (PAYS_TWO,))
    a.says = {(ONE, False): close_one, (TWO, True): strike_two}
    b = Lists("b", [listed(ONE, PAYS_ONE, state="closed")], (PAYS_ONE,))
    b.says = {(TWO, True): says.get("elsewhere", "withdrawal-unknown")}
    relayer = relayer_of(buried(PAYS_ONE), a, b)
    return release_all(relayer, burials(relayer, DEPTH)), a


def test_what_a_member_knows_nothing_of_is_no_failure() -> None:
    closed, waiting = f"a {ONE.hex()} closed", f"a {TWO.hex()} waiting"
    both = [closed, waiting]
    for code in ("withdrawal-unknown", "release-pin-unknown", "withdrawal-closed"):
        assert answered(closing="closed", strike="waiting", elsewhere=code)[0] == both
    for code in ("withdrawal-unknown", "release-officers-missing"):
        lines, a = answered(closing=code, strike="waiting")
        assert (lines, a.asked) == ([waiting], [(ONE, False), (TWO, True)])


@pytest.mark.parametrize(
    "said",
    [
        {"closing": "closed", "strike": "release-pin-unknown"},
        {"closing": "closed", "strike": "release-pays"},
        {"closing": "release-unproven", "strike": "waiting"},
        {"closing": "closed", "strike": "waiting", "elsewhere": "release-pays"},
        {"closing": "closed", "strike": "waiting", "elsewhere": "release-officers-missing"},
    ],
)
def test_every_other_refusal_is_told(said: dict[str, str]) -> None:
    with pytest.raises(NotSigned) as caught:
        answered(**said)
    (reason,) = caught.value.reasons
    assert isinstance(reason, Refused)
    assert reason.code in said.values()


def test_officers_that_lack_where_it_is_agreed_are_told() -> None:
    """The vault asks for them at every release."""
    a = Lists("a", [listed(ONE, PAYS_ONE, pin=PIN)], (PAYS_ONE,))
    a.says = {(ONE, False): "release-officers-missing"}
    relayer = relayer_of(buried(PAYS_ONE), a)
    with pytest.raises(NotSigned, match="release-officers-missing"):
        release_all(relayer, burials(relayer, DEPTH))


def test_what_was_just_closed_is_not_struck() -> None:
    a = Lists("a", [], says={(ONE, False): "closed"})
    wanted = [Burial(a, ONE, pin, PIN, PAYS_ONE) for pin in (None, PIN)]
    assert release_all(relayer_of(Node(), a), wanted) == [f"a {ONE.hex()} closed"]
    assert a.asked == [(ONE, False)]


def test_officers_close_where_it_is_listed_and_open() -> None:
    members = [
        Lists("a", [listed(ONE, PAYS_ONE, pin=PIN, waits=True)]),
        Lists("b", [listed(ONE, PAYS_ONE, state="closed")]),
        Lists("c", []),
    ]
    (asked,) = close(relayer_of(Node(), *members), ONE, PAYS_ONE)
    assert (asked.member.name, asked.pin) == ("a", None)
    assert asked.subject == f"{PIN}:{display(PAYS_ONE.txid)}"
