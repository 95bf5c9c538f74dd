"""Policies at random, and spends at random to ask them about: what the properties of the language are held
against (`tests/policies/properties.py`).

1. A policy is what its blocks' trees render to; trees are up to six levels deep, and loading refuses what the
   language refuses (contradictions, too many ways): another is drawn.
2. Limits, times and spends come from the same few numbers and their neighbours, so that limits are met
   exactly and missed by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from policies.analysis.described import (
    Circumstances,
    DescribedChain,
    DescribedRecord,
    DescribedSpend,
    DescribedWords,
    anchor_terms,
    move_terms,
    payments_of,
    question_of,
    recorded_payments,
    statements_of,
)
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.source import PolicyError
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import COIN, Sats, Weight
from signer.core.evidence import Statement, SweepTerms
from signer.core.opreturn import Anchor
from signer.core.question import Question
from signer.core.spend import Kind
from signer.core.vault import Vault
from tests import federation

DEPTH = 6
MONDAY = 1_799_625_600
"""2027-01-11T00:00:00Z."""
AMOUNTS = (100_000, 1_000_000, 50_000_000, 100_000_000, 300_000_000, 1_000_000_000)
FEES = (500, 2_000, 10_000, 200_000)
RATES = (1, 5, 50, 500)
"""sat/vB; a described spend is of 200 vB."""
WINDOWS = ("1h", "24h", "7d")
HOURS = (1, 6, 24)
BLOCKS = (1, 3, 6)
CALLERS = ("relayer-1", "relayer-2")
SCRIPTS = (
    *(b"\x00\x14" + bytes((0x30 + number,)) * 20 for number in range(4)),
    b"\x51\x20" + b"\x44" * 32,
)
OFFICERS = tuple(federation.Watcher(number).key for number in (41, 42, 43))
WATCHERS = tuple(each.key for each in federation.WATCHERS)


@dataclass(frozen=True)
class Node:
    """A part of an expression: a predicate's text, or a combinator with its parts."""

    word: str
    parts: tuple["Node", ...] = ()

    @property
    def text(self) -> str:
        if not self.parts:
            return self.word
        head, _, count = self.word.partition(" ")
        inside = ", ".join((*([count] if count else []), *(part.text for part in self.parts)))
        return f"{head}({inside})"


@dataclass(frozen=True)
class Drawn:
    """A block: its head, and what it demands."""

    spend: Kind
    to: str
    tree: Node


Blocks = tuple[Drawn, ...]
EXAMPLES = Path(__file__).parents[2] / "policies" / "examples"
SHIPPED = tuple(sorted(path.stem for path in EXAMPLES.glob("*.toml")))


@cache
def shipped(name: str) -> LoadedPolicy:
    """An example policy."""
    return load_policy((EXAMPLES / f"{name}.toml").read_bytes())


def policy_of(blocks: Blocks, version: int = 1) -> LoadedPolicy:
    """The policy. Raises PolicyError."""
    return load_policy(policy_text(blocks, version).encode())


def policy_text(blocks: Blocks, version: int = 1) -> str:
    """The file."""
    return _head().replace("version = 1", f"version = {version}") + "".join(map(_block, blocks))


def blocks_drawn(random: Random, depth: int = DEPTH) -> Blocks:
    """Blocks that load."""
    while True:
        count = random.choice((1, 1, 2, 3))
        blocks = tuple(_drawn(random, depth, place) for place in range(count))
        if loads(blocks):
            return blocks


def loads(blocks: Blocks) -> bool:
    """Whether the language takes them."""
    try:
        policy_of(blocks)
    except PolicyError:
        return False
    return True


def edited(random: Random, blocks: Blocks) -> Blocks:
    """One small edit of one block, which loads."""
    while True:
        place = random.randrange(len(blocks))
        block = blocks[place]
        tree = _edited(random, block.tree, block.spend)
        other = (*blocks[:place], replace(block, tree=tree), *blocks[place + 1 :])
        if tree != block.tree and loads(other):
            return other


@cache
def _head() -> str:
    vaults = [federation.definition(), federation.definition(first=3, name="next")]
    tables = "".join(
        f"""
[vaults.{each.vault_id}]
template = "{each.template}"
keys = [{", ".join(f'"{key}"' for key in each.keys)}]
lookahead = 20
coins = "attested(2, watchers)"
"""
        for each in vaults
    )
    listed = ", ".join(f'"{address_of(script, REGTEST)}"' for script in SCRIPTS[:2])
    return f"""format  = "pegwarden-policy/1"
name    = "drawn"
version = 1
network = "regtest"
{tables}
[rollups.main]
magic = "50475744"
first_batch = 1
sequence = "contiguous"

[groups]
watchers = [{", ".join(f'"{key.hex()}"' for key in WATCHERS)}]
officers = [{", ".join(f'"{key.hex()}"' for key in OFFICERS)}]

[lists]
exchange = [{listed}]
"""


def _block(drawn: Drawn) -> str:
    to = f'to = "{drawn.to}"\n' if drawn.to else ""
    head = f'\n[[allow]]\nspend = "{drawn.spend}"\nfrom = "peg"\n{to}'
    return f'{head}when = "{drawn.tree.text}"\n'


def _drawn(random: Random, depth: int, place: int) -> Drawn:
    kind = Kind.WITHDRAWAL if place == 0 else random.choice(list(Kind))
    to = {Kind.SWEEP: "peg", Kind.ROTATION: "next"}.get(kind, "")
    return Drawn(kind, to, _attested(random, kind, depth))


def _attested(random: Random, kind: Kind, depth: int) -> Node:
    """An expression whose every way asks for attestations (or, of coins that stay, for officers)."""
    if depth == 1 or random.random() < 0.15:
        if kind in (Kind.SWEEP, Kind.ROTATION) and random.random() < 0.3:
            return Node(f"approved({random.randint(1, 3)}, officers)")
        return Node(f"attested({random.randint(1, 3)}, watchers)")
    if random.random() < 0.3:
        return Node("or", tuple(_attested(random, kind, depth - 1) for _ in range(2)))
    others = (_any(random, kind, depth - 1) for _ in range(random.randint(1, 3)))
    return Node("and", (_attested(random, kind, depth - 1), *others))


def _any(random: Random, kind: Kind, depth: int) -> Node:
    if depth == 1 or random.random() < 0.35:
        return Node(_leaf(random, kind))
    count = random.randint(2, 3)
    parts = tuple(_any(random, kind, depth - 1) for _ in range(count))
    word = random.choice(("and", "or", "or", f"thresh {random.randint(1, count)}"))
    return Node(word, parts)


def _edited(random: Random, tree: Node, kind: Kind) -> Node:
    if not tree.parts or random.random() < 0.2:
        name = tree.word.partition("(")[0]
        again = [Node(_leaf(random, kind)) for _ in range(20)] if not tree.parts else []
        kin = [each for each in again if each.word.partition("(")[0] == name]
        if kin and random.random() < 0.7:
            return random.choice(kin)
        extra = _any(random, kind, 2)
        if tree.parts and random.random() < 0.5:
            return random.choice(tree.parts)
        return Node(random.choice(("and", "or")), (tree, extra))
    place = random.randrange(len(tree.parts))
    part = _edited(random, tree.parts[place], kind)
    return replace(tree, parts=(*tree.parts[:place], part, *tree.parts[place + 1 :]))


def _leaf(random: Random, kind: Kind) -> str:
    forms = _FORMS + (_PAYMENT_FORMS if kind is Kind.WITHDRAWAL else ())
    forms += ("anchor_extends()",) * 2 if kind is Kind.ANCHOR else ("approved({k}, officers)",) * 3
    low, high = sorted(random.sample(RATES, 2))
    return random.choice(forms).format(
        k=random.randint(1, 3),
        n=random.randint(1, 4),
        sats=f"{random.choice(AMOUNTS)} sat",
        fee=f"{random.choice(FEES)} sat",
        low=f"{low} sat/vB",
        high=f"{high} sat/vB",
        window=random.choice(WINDOWS),
        hours=f"{random.choice(HOURS)}h",
        days=random.choice(("mon-fri", "sat, 09:00-12:00", "daily")).partition(",")[0],
        opening=f"{random.choice((0, 6, 9)):02d}:00-{random.choice((12, 18, 24)):02d}:00",
        caller=random.choice(CALLERS),
        blocks=random.choice(BLOCKS),
        work=random.choice(BLOCKS),
    )


_FORMS = (
    "attested({k}, watchers)",
    "fee_at_most({fee})",
    "fee_rate_between({low}, {high})",
    "spend_at_most({sats})",
    "outflow_at_most({window}, {sats})",
    "outflow_at_most({window}, {sats})",
    "inputs_at_most({n})",
    "outputs_at_most({n})",
    "weight_at_most(800 WU)",
    "within({days}, {opening})",
    "caller({caller})",
    "replaceable()",
    "path(primary)",
    "confirmed({blocks} blocks)",
    "buried({work} ZH)",
    "tip_fresh({hours})",
)
_PAYMENT_FORMS = (
    "payment_at_most({sats})",
    "payment_at_most({sats})",
    "payment_at_least({sats})",
    "count_at_most({window}, {n})",
    "destinations_in(exchange)",
    "destinations_not_in(exchange)",
    "destination_types(p2wpkh)",
    "aged({hours})",
    "aged({hours})",
)


@dataclass(frozen=True)
class Case:
    """A spend, who vouches for it, and what is on record."""

    spend: DescribedSpend
    keys: frozenset[bytes]
    """Attestors of what the spend needs said."""
    coin_keys: frozenset[bytes]
    record: DescribedRecord
    now: int
    caller: str
    chain: DescribedChain = DescribedChain()  # noqa: RUF009 (immutable)
    rivals: frozenset[bytes] = frozenset()
    """Attestors of another statement that fits the same anchor, sweep or rotation; officers approve both."""

    @property
    def question(self) -> Question:
        said: dict[Statement, frozenset[bytes]] = dict.fromkeys(
            statements_of(self.spend), self.keys
        )
        record, rival = self.record, self._rival
        if rival is not None and self.rivals:
            said[rival] = self.rivals
        if self.spend.to is not None:
            moves = (each for each in said if isinstance(each, SweepTerms))
            record = replace(record, moves=tuple(moves))
        words = DescribedWords(said, self.coin_keys)
        around = Circumstances(self.now, words, record, self.caller, self.chain)
        return question_of(self.spend, around)

    @property
    def _rival(self) -> Statement | None:
        if self.spend.anchor is not None:
            batch = self.spend.anchor.batch_id - 1
            return anchor_terms(self.spend.anchor, batch, b"\x02" * 32)
        if self.spend.to is None:
            return None
        stated = move_terms(self.spend)
        return replace(stated, max_fee=Sats(stated.max_fee + 1), nonce=b"\x09" * 16)


def cases(random: Random, policy: LoadedPolicy) -> Iterator[Case]:
    """Without end."""
    peg, onward = policy.vaults
    kinds = sorted({block.route.kind for block in policy.blocks})
    while True:
        spend = _spend(random, random.choice(kinds), peg, onward)
        now = MONDAY + random.randrange(14) * 86_400 + random.choice((0, 6, 9, 12, 18)) * 3_600
        now += random.choice((-1, 0, 1, 1_800))
        yield Case(
            spend=spend,
            keys=_some(random, WATCHERS),
            coin_keys=frozenset(WATCHERS if random.random() < 0.9 else WATCHERS[:1]),
            record=_record(random, spend, now),
            now=now,
            caller=random.choice(CALLERS),
            chain=_chain(random),
            rivals=_some(random, WATCHERS) if random.random() < 0.3 else frozenset(),
        )


def _chain(random: Random) -> DescribedChain:
    if random.random() < 0.4:
        return DescribedChain()
    blocks = near(random, BLOCKS)
    work = random.choice(BLOCKS) * 10**21 - random.randint(0, 1)
    return DescribedChain(blocks, work, near(random, tuple(3_600 * each for each in HOURS)))


def _some(random: Random, keys: tuple[bytes, ...]) -> frozenset[bytes]:
    return frozenset(random.sample(keys, random.choice((0, 1, 2, 3, 3))))


def near(random: Random, numbers: tuple[int, ...]) -> int:
    """One of them, or a neighbour."""
    return max(1, random.choice(numbers) + random.choice((-1, 0, 0, 1)))


def _spend(random: Random, kind: Kind, peg: Vault, onward: Vault) -> DescribedSpend:
    fee = near(random, (*FEES, *(200 * rate for rate in RATES)))
    owed = [
        (near(random, AMOUNTS), random.choice(SCRIPTS)) for _ in range(random.choice((1, 1, 2, 3)))
    ]
    spend = DescribedSpend(
        vault=peg,
        kind=kind,
        payments=payments_of(owed) if kind is Kind.WITHDRAWAL else (),
        fee=Sats(fee),
        weight=Weight(random.choice((800, 800, 801))),
        input_count=random.randint(1, 5),
        output_count=random.randint(1, 5),
        is_replaceable=random.random() < 0.8,
    )
    if kind is Kind.ANCHOR:
        batch = random.randint(1, 3)
        return replace(spend, anchor=Anchor(b"PGWD", batch, b"\x07" * 32, b"\xee" * 32))
    if kind is Kind.SWEEP:
        return replace(spend, to=peg)
    return replace(spend, to=onward, moved=Sats(COIN)) if kind is Kind.ROTATION else spend


def _record(random: Random, spend: DescribedSpend, now: int) -> DescribedRecord:
    ages = [0, 3_599, 3_600, 6 * 3_600, 86_399, 86_400, 6 * 86_400]
    moments = sorted(now - random.choice(ages) for _ in range(random.choice((0, 0, 1, 2, 5))))
    begun = spend.payments[: random.choice((0, 0, 0, 1, 3))]
    attested = random.choice((None, now, now - 3_600, now - 6 * 3_600 + 1, now - 86_400))
    return DescribedRecord(
        charges=tuple(
            (each, Sats(near(random, AMOUNTS)), random.randint(0, 2)) for each in moments
        ),
        withdrawals=recorded_payments(spend.vault, begun),
        fee_on_record=Sats(random.choice(FEES) if begun else 0),
        attested_since=attested,
        officers=_some(random, OFFICERS),
    )
