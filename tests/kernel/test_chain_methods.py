"""SubmitHeaders, GetTip, GetHeader and what GetStatus says of the chain, by a whole kernel."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pegwarden.v1 import control_pb2 as cb
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.hashes import hash256
from signer.bitcoin.network_rules import REGTEST_RULES
from signer.core.caller import Caller, Role
from signer.core.errors import Objection, Refusal, Unauthorized
from signer.ports.recording import Passage
from tests.kernel.chained import (
    CHAIN,
    FEEDER,
    LONELY,
    OTHER,
    STRANGER,
    bring,
    chained,
    on_top,
    tip_of,
    trunk,
)
from tests.kernel.room import Member, Running

GENESIS = hash256(REGTEST_RULES.genesis)
AUDITOR = Caller("auditor", frozenset({Role.AUDITOR}))
TRUNK = trunk(12)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    _, kernel = chained(tmp_path / "member")
    yield kernel
    kernel.stop()


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[Running]:
    """For which one source is enough."""
    _, kernel = chained(tmp_path / "member", LONELY)
    yield kernel
    kernel.stop()


def header(running: Running, **which: object) -> pb.GetHeaderResponse:
    request = pb.GetHeaderRequest(**which)  # type: ignore[arg-type]
    return pb.GetHeaderResponse.FromString(running.call("GetHeader", request, FEEDER))


def status(running: Running, who: Caller = FEEDER) -> cb.GetStatusResponse:
    return cb.GetStatusResponse.FromString(running.call("GetStatus", cb.GetStatusRequest(), who))


def code_of(running: Running, method: str, request: object, who: Caller = FEEDER) -> str:
    with pytest.raises(Refusal) as caught:
        running.call(method, request, who)
    return caught.value.code


def test_headers_move_the_tip_and_a_second_time_change_nothing(running: Running) -> None:
    said = bring(running, TRUNK)
    last = hash256(TRUNK[-1])
    assert said == pb.SubmitHeadersResponse(
        added=12, last_hash=last, last_height=12, tip_height=12, tip_hash=last
    )
    assert bring(running, TRUNK) == pb.SubmitHeadersResponse(
        last_hash=last, last_height=12, tip_height=12, tip_hash=last
    )


def test_a_chain_that_few_vouch_for_is_shown_and_does_not_count(running: Running) -> None:
    bring(running, TRUNK)
    tip = tip_of(running)
    assert (tip.height, tip.vouched_height, tip.sources_needed) == (12, 0, 2)
    assert tip.hash == hash256(TRUNK[-1]) == bytes.fromhex(tip.hash_display)[::-1]
    assert [(each.name, each.height) for each in tip.sources] == [("feeder", 12), ("other", 0)]
    assert header(running, height=12).burial.blocks == 0
    bring(running, TRUNK[:10], OTHER)
    assert tip_of(running).vouched_height == 10
    assert header(running, height=10).burial.blocks == 1
    assert header(running, height=11).burial.blocks == 0


def test_the_tip_tells_its_work_and_times(lonely: Running) -> None:
    bring(lonely, TRUNK)
    tip = tip_of(lonely)
    times = [int.from_bytes(raw[68:72], "little") for raw in TRUNK]
    assert int.from_bytes(tip.chain_work, "big") == 2 * 13
    assert tip.median_time_unix == sorted(times[-11:])[5]
    assert tip.since_unix == tip.sources[0].brought_unix == times[-1]
    assert not tip.stale


def test_a_locator_leads_from_the_tip_to_genesis(lonely: Running) -> None:
    assert list(tip_of(lonely).locator) == [GENESIS]
    headers = trunk(40)
    bring(lonely, headers)
    locator = list(tip_of(lonely).locator)
    names = [GENESIS, *map(hash256, headers)]
    heights = [names.index(each) for each in locator]
    assert heights[:3] == [40, 39, 38]
    assert heights[-1] == 0
    assert heights == sorted(heights, reverse=True)
    assert len(heights) < 20


def test_a_header_by_hash_and_by_height_is_the_same(lonely: Running) -> None:
    bring(lonely, TRUNK)
    found = header(lonely, hash=hash256(TRUNK[4]))
    assert found == header(lonely, height=5)
    assert (found.header, found.height, found.is_on_best_chain) == (TRUNK[4], 5, True)
    assert (found.burial.blocks, int.from_bytes(found.burial.work, "big")) == (8, 16)
    assert int.from_bytes(found.chain_work, "big") == 12


def test_a_header_that_is_not_on_record_is_refused_and_its_neighbour_is_not(
    lonely: Running,
) -> None:
    bring(lonely, TRUNK[:11])
    for request in (
        pb.GetHeaderRequest(hash=hash256(TRUNK[11])),
        pb.GetHeaderRequest(height=12),
    ):
        assert code_of(lonely, "GetHeader", request) == "header-unknown"
    assert header(lonely, hash=hash256(TRUNK[10])).height == 11
    assert code_of(lonely, "GetHeader", pb.GetHeaderRequest()) == "request-malformed"
    short = pb.GetHeaderRequest(hash=bytes(31))
    assert code_of(lonely, "GetHeader", short) == "request-malformed"


def test_a_reorganisation_leaves_what_was_best_beside_it(lonely: Running) -> None:
    bring(lonely, TRUNK)
    branch = on_top(TRUNK[:10], 3)
    said = bring(lonely, branch)
    assert (said.added, said.left, said.tip_height, said.equivocated) == (3, 2, 13, False)
    left = header(lonely, hash=hash256(TRUNK[11]))
    assert (left.is_on_best_chain, left.burial.blocks) == (False, 0)
    assert header(lonely, height=12).hash == hash256(branch[1])


def test_a_source_that_contradicts_itself_is_counted(lonely: Running) -> None:
    bring(lonely, TRUNK)
    said = bring(lonely, on_top(TRUNK[:10], 2))
    assert (said.equivocated, said.left) == (True, 0)
    assert tip_of(lonely).sources[0].equivocations == 1
    assert tip_of(lonely).sources[0].hash == hash256(TRUNK[-1])


def test_only_configured_sources_bring_headers(running: Running) -> None:
    with pytest.raises(Unauthorized) as caught:
        bring(running, TRUNK, STRANGER)
    assert caught.value.code == "header-source-unknown"
    assert tip_of(running, STRANGER).height == 0
    assert bring(running, TRUNK, OTHER).added == 12


def test_bad_headers_are_refused_and_counted_and_change_nothing(running: Running) -> None:
    bring(running, TRUNK[:5])
    for headers, code in (
        (b"", "header-malformed"),
        (TRUNK[5][:79], "header-malformed"),
        (TRUNK[6], "header-unlinked"),
        (bytes(2_001 * 80), "headers-too-many"),
    ):
        assert code_of(running, "SubmitHeaders", pb.SubmitHeadersRequest(headers=headers)) == code
    assert tip_of(running).height == 5


def test_a_kernel_without_a_chain_says_so(tmp_path: Path) -> None:
    kernel = Member(tmp_path / "member", 0).init().start()
    try:
        submit = pb.SubmitHeadersRequest(headers=TRUNK[0])
        assert code_of(kernel, "SubmitHeaders", submit) == "chain-not-configured"
        assert code_of(kernel, "GetTip", pb.GetTipRequest()) == "chain-not-configured"
        asked = pb.GetHeaderRequest(height=0)
        assert code_of(kernel, "GetHeader", asked) == "chain-not-configured"
        assert not status(kernel).HasField("chain")
    finally:
        kernel.stop()


def test_the_record_goes_on_after_a_restart(tmp_path: Path) -> None:
    member, kernel = chained(tmp_path / "member")
    bring(kernel, TRUNK)
    before = tip_of(kernel)
    kernel.stop()
    kernel = member.start()
    try:
        assert tip_of(kernel) == before
        assert bring(kernel, on_top(TRUNK, 1)).added == 1
    finally:
        kernel.stop()


def test_a_stale_chain_says_why_and_leaves_the_kernel_ready(tmp_path: Path) -> None:
    member, kernel = chained(tmp_path / "member", LONELY)
    try:
        assert [each.code for each in tip_of(kernel).stale] == ["header-tip-stale"]
        bring(kernel, TRUNK)
        assert not tip_of(kernel).stale
        member.clock.moment += 7_200
        assert not tip_of(kernel).stale
        member.clock.moment += 1
        (objection,) = tip_of(kernel, AUDITOR).stale
        assert (objection.code, objection.limit) == ("header-feed-frozen", "7200 s")
        assert [each.limit for each in tip_of(kernel).stale] == [""]
        said = status(kernel)
        assert [each.code for each in said.chain.stale] == ["header-feed-frozen"]
        assert not said.not_ready_reasons
    finally:
        kernel.stop()


def test_a_light_chain_is_no_base(tmp_path: Path) -> None:
    heavy = replace(LONELY, fresh=replace(LONELY.fresh, least_work=26))
    _, kernel = chained(tmp_path / "member", heavy)
    try:
        bring(kernel, TRUNK[:11])
        assert [each.code for each in tip_of(kernel).stale] == ["header-chain-light"]
        bring(kernel, TRUNK)
        assert not tip_of(kernel).stale
    finally:
        kernel.stop()


def test_headers_are_taken_while_the_kernel_is_locked(running: Running) -> None:
    """Whoever unlocks it wants to know what became of Bitcoin meanwhile."""
    locked = Objection("kernel-locked", "it is locked")
    running.journal.gate.shut(locked, Passage.WHILE_LOCKED)
    assert bring(running, TRUNK).added == 12
    assert tip_of(running).height == header(running, height=12).height == 12
    assert status(running).state == "shut"


def test_the_status_tells_what_the_tip_tells(running: Running) -> None:
    bring(running, TRUNK)
    told, tip = status(running).chain, tip_of(running)
    assert not told.locator
    del tip.locator[:]
    assert told == tip
    assert "header-chain" in running.info().features
    assert [each.name for each in told.sources] == list(CHAIN.sources)
