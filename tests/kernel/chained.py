"""A kernel of room.py with a chain of headers on regtest, and headers for it at the time of its clock."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.chain import follow
from signer.bitcoin.network_rules import REGTEST_RULES
from signer.core.caller import Caller, Role
from signer.core.freshness import FreshnessBounds
from signer.journal.header_chain import ChainSetting
from tests.bitcoin.mined import NOW as LATE
from tests.bitcoin.mined import begun, grown
from tests.core.spends import NOW
from tests.kernel.room import Member, Running

FEEDER, OTHER = (Caller(name, frozenset({Role.INDEXER})) for name in ("feeder", "other"))
STRANGER = Caller("stranger", frozenset({Role.INDEXER}))
CHAIN = ChainSetting(
    rules=REGTEST_RULES,
    bounds=ChainBounds(depth=144, least_work=0),
    fresh=FreshnessBounds(0, 14_400, 7_200),
    sources=(FEEDER.name, OTHER.name),
    sources_needed=2,
)
LONELY = replace(CHAIN, sources=(FEEDER.name,), sources_needed=1)


def trunk(count: int, root: bytes = bytes(32)) -> list[bytes]:
    """Good headers above genesis, ten minutes apart; the last one's time is the clock's."""
    _, tail = begun(REGTEST_RULES)
    first = NOW - (count - 1) * 600 - tail.time
    return grown(REGTEST_RULES, tail, [first, *[600] * (count - 1)], root)


def on_top(below: Sequence[bytes], count: int, root: bytes = b"b" * 32) -> list[bytes]:
    """Good headers that follow those, which follow genesis; a second apart."""
    _, tail = begun(REGTEST_RULES)
    for raw in below:
        follow(REGTEST_RULES, tail, raw, LATE)
    return grown(REGTEST_RULES, tail, [1] * count, root)


def chained(folder: Path, chain: ChainSetting = CHAIN) -> tuple[Member, Running]:
    """A member whose kernel runs and has the genesis header."""
    member = Member(folder, 0, chain=chain).init()
    return member, member.start()


def bring(
    running: Running, raws: Sequence[bytes], who: Caller = FEEDER
) -> pb.SubmitHeadersResponse:
    """One message of SubmitHeaders."""
    request = pb.SubmitHeadersRequest(headers=b"".join(raws))
    return pb.SubmitHeadersResponse.FromString(running.call("SubmitHeaders", request, who))


def tip_of(running: Running, who: Caller = FEEDER) -> pb.GetTipResponse:
    """What GetTip says."""
    return pb.GetTipResponse.FromString(running.call("GetTip", pb.GetTipRequest(), who))
