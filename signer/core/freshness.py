"""Whether what the kernel sees of Bitcoin is Bitcoin, and of today.

1. A tip is stale when the median time of its last eleven headers is long ago. One header may say a time up to
   two hours ahead; six of eleven move the median, so this shows a feed that ended, and no forger.
2. A feed is frozen when the best chain has not moved for long by our own clock, whatever its headers say.
3. A chain is light while it has less work than Bitcoin's is known to have: it is another, or not all of it.
4. A chain is slow when DAY_BLOCKS took much longer than a day. Few miners who go on for us alone, for long,
   make headers of any time they like, and not a day's worth of them.
The median of an honest tip is about an hour old, and older than four hours once in seven to eight years; for
more than two hours no block is found once in three. docs/spv.md has the formulas. Bounds below cry wolf.
"""

from dataclasses import dataclass

from signer.core.errors import unverified

DAY_BLOCKS = 144
"""As many as Bitcoin means to have in a day."""


@dataclass(frozen=True, slots=True)
class TipSeen:
    """The best chain's tip, as the record has it."""

    work: int
    """Of the whole chain: expected hashes."""
    median_time: int
    """Of the tip and the ten headers before it (`Tail.median_time`). Unix seconds."""
    since: int
    """When it became the tip, by the kernel's effective time. Unix seconds."""
    day_time: int | None = None
    """Time of the header DAY_BLOCKS below the tip, or of the one with which the record starts if that is
    later, Unix seconds; None where it was not asked."""


@dataclass(frozen=True, slots=True)
class FreshnessBounds:
    """What the config allows."""

    least_work: int
    """Expected hashes (`best_chain.ChainBounds`)."""
    age: int
    """Of the tip, by its median time. Seconds."""
    silence: int
    """Without a new tip. Seconds."""
    pace: int | None = None
    """That the last DAY_BLOCKS took, up to now. Seconds; None: as long as they like (test networks)."""


def tip_age(seen: TipSeen, now: int) -> int:
    """Seconds since the tip's median time; none for a time to come."""
    return max(0, now - seen.median_time)


def verify_fresh(seen: TipSeen, now: int, bounds: FreshnessBounds) -> None:
    """Raises VerificationError `header-chain-light`, `header-tip-stale`, `header-feed-frozen` or
    `header-chain-slow`."""
    if seen.work < bounds.least_work:  # 3
        detail = "the best chain has less work than Bitcoin's"
        raise unverified("header-chain-light", detail, f"{seen.work:x}", f"{bounds.least_work:x}")
    age, silence = tip_age(seen, now), now - seen.since
    if age > bounds.age:  # 1
        raise unverified("header-tip-stale", "the tip is old", f"{age} s", f"{bounds.age} s")
    if silence > bounds.silence:  # 2
        detail = "no header has moved the tip"
        raise unverified("header-feed-frozen", detail, f"{silence} s", f"{bounds.silence} s")
    took = 0 if seen.day_time is None else now - seen.day_time
    if bounds.pace is not None and took > bounds.pace:  # 4
        detail = f"{DAY_BLOCKS} blocks took much longer than a day"
        raise unverified("header-chain-slow", detail, f"{took} s", f"{bounds.pace} s")
