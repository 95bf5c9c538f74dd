"""A move that the officers' quorum wants spends pinned coins without paying, also for who only holds them."""

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim, Holding, Stage
from signer.core.agreement.rules import Bound, judge
from signer.core.payment import WithdrawalTerms

COIN = OutPoint(Txid(b"\x09" * 32), 0)
TERMS = WithdrawalTerms(b"\x01" * 32, Sats(5_000), b"\x00\x14" + bytes(20))


def claim(origin: int, **parts: object) -> Claim:
    empty: dict[str, object] = {
        "spends": frozenset({COIN}),
        "pays": frozenset(),
        "new_pins": frozenset(),
        "relied": frozenset(),
        "bonds": frozenset(),
    }
    return Claim(
        origin=bytes([origin]) * 32,
        number=1,
        leaf=bytes([origin]) * 32,
        vault=bytes(32),
        txid=bytes([origin]) * 32,
        **(empty | parts),  # type: ignore[arg-type]
    )


VERSION = claim(1, pays=frozenset({TERMS}), new_pins=frozenset({(TERMS.withdrawal_id, COIN)}))
MOVE = claim(2, bonds=frozenset({(b"statement", b"\x02" * 32)}))


def granted(asked: Claim, *held: Claim, lets_pins_go: bool) -> bool:
    holdings = tuple(Holding(each, Stage.HELD) for each in held)
    return judge(
        asked, Bound(holdings, frozenset(), frozenset(), lambda _: False, lets_pins_go)
    ).granted


def test_pins_go_for_a_move_that_the_quorum_wants() -> None:
    assert granted(MOVE, VERSION, lets_pins_go=True)
    assert not granted(MOVE, VERSION, lets_pins_go=False)


def test_a_statement_serves_once_all_the_same() -> None:
    other = claim(3, bonds=frozenset({(b"statement", b"\x03" * 32)}))
    assert not granted(MOVE, VERSION, other, lets_pins_go=True)


def test_what_pays_is_no_move() -> None:
    other = WithdrawalTerms(b"\x02" * 32, Sats(5_000), TERMS.script_pubkey)
    assert not granted(claim(2, pays=frozenset({other})), VERSION, lets_pins_go=True)
