"""GetTip, GetHeader, and one message of SubmitHeaders, of which the edge makes a stream.

1. Headers are brought by the configured sources alone, each by its caller's name.
2. All of this serves while signing is paused or locked: headers can only be right or wrong. Where the log may
   be an old copy, or a start waits for other members, none are taken: what they undo would be an entry of it.
   Nor while the clock has stepped: since when a header is on record would be wrong.
"""

from collections.abc import Callable
from itertools import islice

from pegwarden.v1 import header_chain_pb2 as pb
from signer import wire
from signer.bitcoin.tail import Link
from signer.bitcoin.transaction import Txid, display
from signer.core.caller import Caller, Role
from signer.core.errors import (
    Objection,
    Refusal,
    Unauthorized,
    VerificationError,
    malformed,
    shown_to,
    unverified,
)
from signer.core.proven import no_chain
from signer.kernel import Kernel
from signer.ports.chain import ChainReading, SourceSeen
from signer.ports.header_feed import HeaderFeed
from signer.ports.reading import Reading
from signer.wire_answers import objection_message
from signer.wire_proofs import burial_message

MAX_LOCATOR = 64
"""Hashes: growing steps lead further back than any chain reaches."""
_WORK_BYTES = 32


def submit_headers(
    feed: HeaderFeed | None,
) -> Callable[[Kernel, Caller, bytes], pb.SubmitHeadersResponse]:
    """The method that brings headers to that feed; None where the configuration names no chain."""

    def submit(kernel: Kernel, caller: Caller, raw: bytes) -> pb.SubmitHeadersResponse:
        headers = wire.decode(pb.SubmitHeadersRequest, raw).headers
        if feed is None:
            raise Refusal(no_chain())
        with kernel.journal.reading() as reading:
            _require_source(chain_of(reading), caller)  # 1
        brought = feed.submit(caller.name, headers)
        return pb.SubmitHeadersResponse(
            added=brought.added,
            last_hash=brought.last.hash,
            last_height=brought.last.height,
            tip_height=brought.tip.height,
            tip_hash=brought.tip.hash,
            left=brought.left,
            equivocated=brought.equivocated,
        )

    return submit


def get_tip(kernel: Kernel, caller: Caller, raw: bytes) -> pb.GetTipResponse:
    """The best chain's tip, who vouches for it, and where a source goes on from."""
    wire.decode(pb.GetTipRequest, raw)
    with kernel.journal.reading() as reading:
        chain = chain_of(reading)
        answer = tip_message(chain, reading.now(), caller.roles)
        answer.locator.extend(islice(chain.locator(), MAX_LOCATOR))
    return answer


def get_header(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetHeaderResponse:
    """A header on record. Raises VerificationError `header-unknown`."""
    request = wire.decode(pb.GetHeaderRequest, raw)
    with kernel.journal.reading() as reading:
        chain = chain_of(reading)
        link = _asked(chain, request)
        return pb.GetHeaderResponse(
            header=link.raw,
            hash=link.hash,
            hash_display=display(Txid(link.hash)),
            height=link.height,
            chain_work=_work(link.work),
            is_on_best_chain=chain.best(link.height) == link,
            burial=burial_message(chain, link.hash),
        )


def chain_of(reading: Reading) -> ChainReading:
    """The headers on record. Raises Refusal `chain-not-configured`."""
    chain = reading.chain()
    if chain is None:
        raise Refusal(no_chain())
    return chain


def tip_message(chain: ChainReading, now: int, roles: frozenset[Role]) -> pb.GetTipResponse:
    """What GetTip and GetStatus tell, without the locator, as these roles may see it."""
    tip, seen = chain.tip(), chain.tip_seen()
    return pb.GetTipResponse(
        hash=tip.hash,
        hash_display=display(Txid(tip.hash)),
        height=tip.height,
        chain_work=_work(tip.work),
        median_time_unix=seen.median_time,
        since_unix=seen.since,
        vouched_height=chain.vouched(),
        sources_needed=chain.sources_needed(),
        sources=[_source(each) for each in chain.sources()],
        stale=[objection_message(shown_to(roles, each)) for each in stale(chain, now)],
    )


def stale(chain: ChainReading, now: int) -> tuple[Objection, ...]:
    """Why nothing is decided on it."""
    try:
        chain.require_fresh(now)
    except VerificationError as refusal:
        return refusal.objections
    return ()


def _require_source(chain: ChainReading, caller: Caller) -> None:
    if caller.name not in {each.name for each in chain.sources()}:
        detail = f"{caller.name} is none of the sources that [chain] names"
        raise Unauthorized(Objection("header-source-unknown", detail))


def _asked(chain: ChainReading, request: pb.GetHeaderRequest) -> Link:
    match request.WhichOneof("which"):
        case "hash":
            block_hash = wire.sized(request.hash, 32, "hash")
            found, shown = chain.link(block_hash), display(Txid(block_hash))
        case "height":
            found, shown = chain.best(request.height), f"height {request.height}"
        case _:
            raise malformed("request-malformed", "hash or height is missing")
    if found is None:
        raise unverified("header-unknown", "no such header is on record", shown)
    return found


def _source(seen: SourceSeen) -> pb.HeaderSource:
    return pb.HeaderSource(
        name=seen.name,
        hash=seen.hash,
        height=seen.height,
        brought_unix=seen.moment,
        equivocations=seen.equivocations,
    )


def _work(work: int) -> bytes:
    return work.to_bytes(_WORK_BYTES, "big")
