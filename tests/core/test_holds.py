"""A hold objects before its end, to each payment that it is about, and to nothing else."""

from signer.bitcoin.units import Sats
from signer.core.holds import hold_objections
from signer.core.payment import Payment
from tests.core.model_view import ModelView
from tests.core.test_acts import SCRIPT

UNTIL = 1_795_867_200
HELD, FREE = b"\x01" * 32, b"\x02" * 32
OTHER_SCRIPT = b"\x00\x14" + b"\x33" * 20
PAYMENTS = (Payment(HELD, 0, Sats(1_000), SCRIPT), Payment(FREE, 1, Sats(1_000), OTHER_SCRIPT))


def held(view: ModelView, now: int) -> list[tuple[str, str, int | None]]:
    return [
        (each.code, each.limit, each.not_before) for each in hold_objections(PAYMENTS, view, now)
    ]


def test_a_held_withdrawal_waits_until_the_hold_ends() -> None:
    view = ModelView(holds={HELD: UNTIL})
    assert held(view, UNTIL - 1) == [("withdrawal-held", "until 2026-11-28T12:00:00Z", UNTIL)]
    assert held(view, UNTIL) == []


def test_a_held_destination_stops_whatever_is_paid_there() -> None:
    view = ModelView(holds={OTHER_SCRIPT: UNTIL})
    assert [each.detail for each in hold_objections(PAYMENTS, view, UNTIL - 1)] == [
        f"an officer holds withdrawal {FREE.hex()} or its destination"
    ]
    assert held(ModelView(), 0) == []
