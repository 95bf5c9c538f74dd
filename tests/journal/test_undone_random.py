"""Whatever sources bring, in whatever order: an entry locks if the block on which it relied has left what
enough of them vouch for, once for each time, and else not.

Random branches, whole and in parts, by two or three sources of which one or two must vouch; beside a record
that saw the block, or one that is begun anew as after an import.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from signer.bitcoin.errors import Malformed
from signer.core.deposits import ReorganisedNotice
from signer.journal.codec import decode_entry
from signer.journal.header_chain import ChainSetting
from signer.journal.journal import Journal
from signer.journal.undone import record_undone
from tests.journal.headers import CHAIN, bring, chain_of, names, on_top, trunk, with_headers
from tests.journal.test_deposits_codec import DEPOSIT, FACTS, noted

BASE, HEIGHT, LIVES = trunk(12), 10, 160
BLOCK = names(BASE)[HEIGHT - 1]


@dataclass(frozen=True)
class Seen:
    """After a batch."""

    is_best: bool
    """The block on which an entry relies."""
    is_settled: bool
    """Its height is vouched for, and the chain has the least work."""
    said: int
    """Notices so far."""


def test_what_is_gone_is_said_and_nothing_else(tmp_path: Path) -> None:
    tally: Counter[str] = Counter()
    for seed in range(LIVES):
        random = Random(seed)
        wrong, seen = lived(tmp_path / f"{seed}", random, imported=seed % 2 == 0)
        assert wrong == "", f"life {seed}: {seen}"
        tally["locked" if seen[-1].said else "open"] += 1
        tally["gone" if not seen[-1].is_best else "there"] += 1
    assert min(tally[each] for each in ("locked", "open", "gone", "there")) > LIVES // 10


def lived(place: Path, random: Random, *, imported: bool) -> tuple[str, list[Seen]]:
    """What is wrong, and what was seen."""
    sources = ("one", "two", "three")[: random.choice((2, 3))]
    bounds = replace(CHAIN.bounds, depth=60, least_work=random.choice((0, 0, 24, 30)))
    needed = random.choice((1, 2))
    setting = replace(CHAIN, sources=sources, sources_needed=needed, bounds=bounds)
    branches, seen = [BASE, [*BASE[:9], *on_top(BASE[:9], 1, b"r" * 32)]], list[Seen]()
    with with_headers(place, setting, on_changed=record_undone) as journal:
        for source in () if imported else sources:
            bring(journal, BASE, source)
        noted(journal, replace(DEPOSIT, facts=replace(FACTS, block_hash=BLOCK, height=HEIGHT)))
        for _ in range(random.randrange(3, 12)):
            branches.append(grown(random, random.choice(branches)))
            with suppress(Malformed):
                bring(journal, branches[-1], random.choice(sources))
            seen.append(look(journal, setting))
        longest = max(branches, key=len)
        for source in sources:  # all agree in the end
            bring(journal, [*longest, *on_top(longest, 30 - len(longest), b"z" * 32)], source)
            seen.append(look(journal, setting))
    return judged(seen, imported=imported), seen


def grown(random: Random, branch: list[bytes]) -> list[bytes]:
    """That one or a part of it, with some more headers, or none."""
    below = branch[
        : random.choice((len(branch), len(branch), random.randrange(8, len(branch) + 1)))
    ]
    if len(below) >= 25 or random.random() < 0.2:
        return below
    return [*below, *on_top(below, random.randrange(4), bytes([random.randrange(1, 250)]) * 32)]


def look(journal: Journal, setting: ChainSetting) -> Seen:
    with chain_of(journal) as chain:
        best, heavy = chain.best(HEIGHT), chain.tip().work >= setting.bounds.least_work
        is_settled = heavy and chain.vouched() >= HEIGHT
    with journal.reading() as reading:
        entries = [decode_entry(reading.record(number)) for number in range(reading.size())]
    said = sum(isinstance(each, ReorganisedNotice) for each in entries)
    return Seen(best is not None and best.hash == BLOCK, is_settled, said)


def judged(seen: list[Seen], *, imported: bool) -> str:
    """What is wrong with what was said."""
    new = [
        after.said > before
        for after, before in zip(seen, [0, *(e.said for e in seen)], strict=False)
    ]
    last_there = max((at for at, each in enumerate(seen) if each.is_best), default=-1)
    last_said = max((at for at, is_new in enumerate(new) if is_new), default=-1)
    if not seen[-1].is_best and last_said < last_there:
        return "it left, and that is not said"
    if not seen[-1].is_best and last_said < 0:
        return "it is not there, and that is never said"
    if any(is_new and each.is_best for is_new, each in zip(new, seen, strict=True)):
        return "it is said while the block is there"
    again = [at for at, is_new in enumerate(new) if is_new][1:]
    if not all(seen[at - 1].is_best for at in again):
        return "it is said twice, and the block did not come back"
    gone = any(each.is_settled and not each.is_best for each in seen)
    if imported and last_said >= 0 and not gone:
        return "it is said, and nothing that enough vouch for lacks the block"
    return ""
