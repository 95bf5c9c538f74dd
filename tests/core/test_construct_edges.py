"""Construction at its limits: the last request that is built, and the first that is not."""

from dataclasses import replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import FeeRate, Sats
from signer.core.construct import Funding, SweepRequest, construct_anchor, construct_sweep
from signer.core.errors import Refusal
from signer.core.opreturn import Anchor, decode_payload
from signer.core.spend import Kind, VerifiedSpend
from tests.core.test_taproot_spends import COINS, NEXT, REGISTRY, VAULT, offered

GOOD = SweepRequest(VAULT, VAULT, 2, 1, COINS, FeeRate(2_000))


def built(request: SweepRequest) -> VerifiedSpend:
    return construct_sweep(request, REGISTRY).spend


def code_of(request: SweepRequest) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        built(request)
    code: str = caught.value.code
    return code


def test_paths_of_a_sweep() -> None:
    assert [built(replace(GOOD, path_index=path)).path_index for path in (0, 1)] == [0, 1]
    assert code_of(replace(GOOD, path_index=-1)) == "path-unknown"
    assert code_of(replace(GOOD, path_index=2)) == "path-unknown"


def test_rotation_goes_to_the_first_window() -> None:
    last = built(replace(GOOD, to=NEXT, index=NEXT.lookahead - 1))
    assert (last.kind, last.rotations[0].index) == (Kind.ROTATION, 19)
    assert code_of(replace(GOOD, to=NEXT, index=NEXT.lookahead)) == "address-index-too-high"
    assert built(replace(GOOD, index=NEXT.lookahead)).kind is Kind.SWEEP


def test_sweep_leaves_what_may_be_paid() -> None:
    """To the satoshi: 330 is left, 329 is refused."""
    whole = COINS[0].amount
    assert whole is not None
    alone = replace(GOOD, path_index=0, coins=(offered(0),))
    exact = built(replace(alone, min_fee=Sats(whole - 330)))
    assert (exact.change is not None and exact.change.amount, exact.fee) == (330, whole - 330)
    assert code_of(replace(alone, min_fee=Sats(whole - 329))) == "coins-insufficient"


def test_fee_of_a_sweep_is_paid_for_its_worst_size() -> None:
    """At 1 sat/vB the fee is the size, with 2 vB for the longest count of inputs; never less."""
    spend = built(replace(GOOD, fee_rate=FeeRate(1_000)))
    assert spend.vsize <= spend.fee <= spend.vsize + 2


def test_anchor_is_an_output_of_no_value() -> None:
    anchor = Anchor(b"PGWD", 1, b"\x01" * 32, b"\x02" * 32)
    spend = construct_anchor(Funding(VAULT, COINS, 0, FeeRate(2_000)), anchor, REGISTRY).spend
    assert (spend.kind, spend.anchor, spend.payments) == (Kind.ANCHOR, anchor, ())
    assert spend.transaction.outputs[0].amount == 0


def test_payload_of_six_bytes_has_a_version_to_refuse() -> None:
    for data, code in (
        (b"PGWD\x09\x01", "op-return-unknown"),
        (b"PGWD\x01\x01", "op-return-malformed"),
        (b"PGWD\x09", "op-return-malformed"),
    ):
        with pytest.raises(Refusal) as caught:
            decode_payload(data)
        assert caught.value.code == code
