"""What a transaction is, for each of the sixteen combinations of what its outputs are for."""

from itertools import product

import pytest

from signer.core.opreturn import Anchor, encode_payload, op_return_script
from signer.core.payment import PaymentClaim
from signer.core.spend import Kind
from tests.core.spends import change_draft, payment_draft, withdrawal_id
from tests.core.test_verify import refused, rotation_case

ANCHOR = op_return_script(encode_payload(Anchor(b"PGWD", 7, b"\x01" * 32, b"\x02" * 32)))
KINDS = {
    "payment": Kind.WITHDRAWAL,
    "payment change": Kind.WITHDRAWAL,
    "anchor": Kind.ANCHOR,
    "anchor change": Kind.ANCHOR,
    "rotation": Kind.ROTATION,
    "change": Kind.SWEEP,
}
NAMES = ("payment", "anchor", "rotation", "change")


@pytest.mark.parametrize("present", list(product((True, False), repeat=4)))
def test_kind_of_every_combination(present: tuple[bool, ...]) -> None:
    case = rotation_case()
    made = (
        payment_draft(1_000_000),
        payment_draft(0, ANCHOR),
        case.outputs[0],
        change_draft(case.vault, 500_000),
    )
    if present[2]:
        made = (*made[:2], change_draft(case.others[0], 40_000_000, 3, 0), made[3])
    outputs = tuple(output for output, there in zip(made, present, strict=True) if there)
    claims = (PaymentClaim(withdrawal_id(1), 0),) if present[0] else ()
    case = case.but(outputs=outputs, payments=claims)
    words = " ".join(name for name, there in zip(NAMES, present, strict=True) if there)
    if words in KINDS:
        assert case.verify().kind is KINDS[words]
    else:
        assert refused(case) == ("mixed-purposes" if words else "transaction-empty")
