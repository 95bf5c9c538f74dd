"""Room and knowledge: what can be filled, and what can be learned."""

from dataclasses import replace
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.journal.budget import DEFAULT_BUDGET
from signer.journal.growth import HOUR
from tests.attacks.bridge import (
    Guard,
    anchor,
    batch,
    coin,
    offered,
    pay,
    policy_text,
    refused,
    with_evidence,
    words,
)
from tests.core.spends import NOW
from tests.kernel.room import RELAYER, Running

AUDITOR = Caller("auditor-1", frozenset({Role.AUDITOR}))
SECRETIVE = policy_text(
    "and(attested(2, watchers), payment_at_most(0.7 BTC), outflow_at_most(24h, 0.8 BTC))"
)


def explained(kernel: Running, asked: pb.SignPsbtRequest, caller: Caller) -> pb.ExplainPsbtResponse:
    question = pb.ExplainPsbtRequest(
        vault_id=asked.vault_id,
        psbt=asked.psbt,
        payments=asked.payments,
        attestations=asked.attestations,
    )
    return pb.ExplainPsbtResponse.FromString(kernel.call("ExplainPsbt", question, caller))


def test_the_explanation_as_an_oracle(tmp_path: Path) -> None:
    """I ask ExplainPsbt, which costs me no attestation, and read every limit and the window's remaining
    room from its trace. It tells a relayer no more than the refusal would, and an auditor all."""
    kernel = Guard(tmp_path / "m", 0, SECRETIVE).init().start()
    try:
        asked = pay(kernel, (coin(0),), ((1, 90_000_000),))
        trace = explained(kernel, asked, RELAYER).trace
        found = {each.code: each for line in trace for each in line.objections}
        assert {"payment-too-large", "outflow-exceeded"} <= set(found)
        for code in ("payment-too-large", "outflow-exceeded"):
            assert (found[code].observed, found[code].limit) == ("", "")
        told = str(trace)
        for secret in ("0.7 BTC", "0.8 BTC", "80000000", "80,000,000", "70000000"):
            assert secret not in told
        assert "the fee is at most 0.01 BTC" in told, "public limits are told"
        everything = str(explained(kernel, asked, AUDITOR).trace)
        assert "each payment is at most 0.7 BTC" in everything
        assert "at most 0.8 BTC leave the vault within any 1d" in everything
        assert not explained(kernel, asked, AUDITOR).would_sign
        assert explained(kernel, pay(kernel, (coin(0),), ((1, 60_000_000),)), RELAYER).would_sign
    finally:
        kernel.stop()


def test_an_explanation_leaves_no_trace_in_the_record(kernel: Running) -> None:
    """I explain payments that I never sign, to use up the window, the change index or a pin.
    ExplainPsbt touches no state."""
    before = kernel.info()
    for number in range(5):
        asked = pay(kernel, (coin(number),), ((number, 90_000_000),))
        assert explained(kernel, asked, RELAYER).would_sign
    after = kernel.info()
    assert (after.journal_head, after.vaults[0].next_change_index) == (
        before.journal_head,
        before.vaults[0].next_change_index,
    )
    assert kernel.sign(pay(kernel, (coin(0),), ((1, 60_000_000),))).signatures == 1


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_the_disk_filled_with_refusals(tmp_path: Path) -> None:
    """I send the same refused request for hours, and others that are refused in ever new ways.
    A repetition is counted, not written, and what is written has a budget for each caller and hour."""
    guard = Guard(tmp_path / "m", 0).init()
    kernel = guard.start()
    try:
        asked = with_evidence(pay(kernel, (coin(0),), ((1, 60_000_000),)), [])
        assert refused(kernel, asked) == "coin-unproven"
        before = size(guard.folder)
        for _ in range(200):
            with pytest.raises(Refusal):
                kernel.sign(asked)
        assert size(guard.folder) - before < 64 * 1024
        assert DEFAULT_BUDGET.refusals <= 10_000
        assert kernel.sign(pay(kernel, (coin(0),), ((1, 60_000_000),))).signatures == 1
    finally:
        kernel.stop()


def test_the_disk_filled_with_free_versions(tmp_path: Path) -> None:
    """A withdrawal on record needs no evidence and, below its dearest fee, charges nothing: I have it
    signed with ever other fees. What binds nothing new has a budget, and an hour later there is more."""
    budget = replace(DEFAULT_BUDGET, versions=5)
    guard = Guard(tmp_path / "m", 0, budget=budget).init()
    kernel = guard.start()
    try:
        assert kernel.sign(
            pay(kernel, (coin(0),), ((1, 60_000_000),), min_fee_sat=90_000)
        ).signatures
        bumps = [
            with_evidence(
                pay(kernel, (coin(0),), ((1, 60_000_000),), min_fee_sat=10_000 + number), []
            )
            for number in range(budget.versions + 1)
        ]
        for bump in bumps[:-1]:
            assert kernel.sign(bump).signatures == 1
        assert refused(kernel, bumps[-1]) == "version-budget-exhausted"
        fresh = pay(kernel, (coin(1),), ((2, 50_000_000),))
        assert kernel.sign(fresh).signatures == 1, "honest work goes on"
        guard.clock.moment = NOW + HOUR
        assert kernel.sign(bumps[-1]).signatures == 1
    finally:
        kernel.stop()


def test_a_request_of_strangers_words(kernel: Running) -> None:
    """I fill the record with attestations by keys that nobody knows, and hide a true one among them.
    Strangers are not looked at and not kept; too many are refused."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    first = honest.attestations[0]
    stranger = type(first).FromString(first.SerializeToString())
    stranger.attestor = b"\x79" * 32
    crowd = with_evidence(honest, [*honest.attestations, *[stranger] * 61])
    assert refused(kernel, crowd) == "evidence-too-large"
    assert (
        kernel.sign(with_evidence(honest, [*honest.attestations, *[stranger] * 60])).signatures == 1
    )


def test_two_kinds_under_one_signature(kernel: Running) -> None:
    """One attestation that claims a withdrawal and a coin, so that the same bytes mean two things.
    A signature is over one kind, and each kind has its own domain."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    mixed = with_evidence(honest, list(honest.attestations))
    mixed.attestations[0].coins.extend(mixed.attestations[1].coins)
    assert refused(kernel, mixed) == "evidence-mixed-kinds"
    empty = with_evidence(honest, list(honest.attestations))
    del empty.attestations[0].withdrawals[:]
    assert refused(kernel, empty) == "evidence-mixed-kinds"
    assert kernel.sign(honest).signatures == 1


def test_words_from_yesterday(tmp_path: Path) -> None:
    """I keep attestations until the attestors have changed their mind, and use them then.
    They expire, and none reaches further ahead than its kind may."""
    guard = Guard(tmp_path / "m", 0).init()
    kernel = guard.start()
    try:
        honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
        guard.clock.moment = NOW + 1_800
        assert refused(kernel, honest) == "coin-unproven"
        fresh = pay(kernel, (coin(0),), ((1, 60_000_000),), now=guard.clock.moment)
        assert kernel.sign(fresh).signatures == 1
    finally:
        kernel.stop()


def test_a_reversed_txid(kernel: Running) -> None:
    """The relayer sends txids as explorers print them, and another coin might have just that id.
    The previous transaction tells."""
    asked = pb.ConstructAnchorTxRequest(
        vault_id="peg",
        magic=b"PGWD",
        batch_id=1,
        state_root=batch(1).root,
        eth_tx_hash=b"\x22" * 32,
        coins=[offered(coin(0))],
        fee_rate_sat_per_kvb=2_000,
    )
    asked.coins[0].outpoint.txid = asked.coins[0].outpoint.txid[::-1]
    assert refused(kernel, asked, "ConstructAnchorTx") == "previous-transaction-mismatch"
    assert kernel.sign(anchor(kernel, coin(0), batch(1))).signatures == 1
    assert words(batch(1))
