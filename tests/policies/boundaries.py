"""Of each predicate, by its NAME: questions that it passes at its limit, and refuses one past it.

A structure test demands a pair for each code of each predicate (`tests/structure/test_rules.py`);
`tests/policies/test_boundaries.py` asks them. Within a pair one thing differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from policies.analysis.described import (
    Circumstances,
    DescribedChain,
    DescribedRecord,
    DescribedSpend,
    DescribedWords,
    anchor_terms,
    payments_of,
    question_of,
    words_about,
)
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.units import Sats, Weight
from signer.core.opreturn import Anchor
from signer.core.question import Question
from signer.core.spend import Kind

WATCHERS = (
    "0ef53ceb8c01b6624fba35fd5f380526e5fd171aefb06acfd7a7fb0ceb5aa76a",
    "78d736eabcf948a2ce64d37367cb574b61d1b279a80412b055bdc9c720f608a0",
    "1755cb34ef0d21168520e98a4ad1eadf5aab96ff133724eaad465546bb9548b3",
)
OFFICERS = (
    "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
    "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
    "2f8bde4d1a07209355b4a7250a5c5128e88b84bddc619ab7cba8d569b240efe4",
)
WORDS, APPROVALS = (tuple(map(bytes.fromhex, keys)) for keys in (WATCHERS, OFFICERS))
LISTED, OTHER = b"\x00\x14" + b"\x22" * 20, b"\x00\x14" + b"\x11" * 20
P2PKH = b"\x76\xa9\x14" + b"\x22" * 20 + b"\x88\xac"
HEAD = f"""
format = "pegwarden-policy/1"
name = "boundaries"
version = 1
network = "regtest"

[vaults.peg]
template = "wsh(or_d(multi(2,@0/**,@1/**,@2/**),and_v(v:multi(1,@0/<2;3>/*,@1/<2;3>/*,@2/<2;3>/*),older(4320))))"
keys = [
  "[6143f0f6/48'/1'/0'/2']tpubDF2ksjwFbAhdm97wkvzb2sMNrsCVckpAhQR21ZjxggpAzdJJEVH6uvTvmyLL8YcCuHjVTKBDmH75iaYNodJc4M55phMbw1KodFZbvoshnSf",
  "[e73cd612/48'/1'/0'/2']tpubDF3Kqr7S4PQYkH2MU8WxdRgtH7JgLuFK3RDnuMUUnRCea32J3h9Va2MxQLt6zSw2Cr5FS2afSiWbqhiLpGmoxUjADJTz6JfP4dJzcpEb3u6",
  "[2902de42/48'/1'/0'/2']tpubDEYQL84jhfBirWnBv8ZUTUUDrF1UBW7pcKL6VLuDBhWK4pdpkT8DnSTR9AdX88BThPiX6zi5mt5anz9vd6VNwBWy97FRWjZVFCeYoNs3VjL",
]
weaker_after = 4032
coins = "attested(2, watchers)"

[rollups.games]
magic = "47414d45"
first_batch = 1000
sequence = "increasing"

[rollups.main]
magic = "50475744"
first_batch = 1
sequence = "contiguous"

[groups]
watchers = ["{'", "'.join(WATCHERS)}"]
officers = ["{'", "'.join(OFFICERS)}"]

[lists]
exchange = ["bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"]
"""  # noqa: E501 (keys)
KINDS = {
    Kind.WITHDRAWAL: 'spend = "withdrawal"',
    Kind.ANCHOR: 'spend = "anchor"',
    Kind.SWEEP: 'spend = "sweep"\nto = "peg"',
}
MONDAY = 1_785_715_200
"""2026-08-03T00:00:00Z."""
HOUR = 3_600


def policy_saying(rule: str, kind: Kind = Kind.WITHDRAWAL) -> LoadedPolicy:
    """A policy whose only rule is that, and an attestation."""
    block = f'{KINDS[kind]}\nfrom = "peg"\nwhen = "and(attested(1, watchers), {rule})"\n'
    return load_policy(f"{HEAD}\n[[allow]]\n{block}".encode())


def _any_of(form: str) -> str:
    return f"or({', '.join(form.format(10 + number) for number in range(10))})"


THOUSAND_WAYS = ", ".join(
    map(_any_of, ("fee_at_most({} sat)", "inputs_at_most({})", "outputs_at_most({})"))
)
"""None absorbs another."""

VAULT = policy_saying("path(primary)").vaults[0]
PAID = payments_of([(50_000_000, LISTED)])
TWO = payments_of([(50_000_000, LISTED), (40_000_000, LISTED)])
WITHDRAWAL = DescribedSpend(VAULT, payments=PAID, fee=Sats(2_000))
SWEEP = DescribedSpend(VAULT, Kind.SWEEP, to=VAULT, fee=Sats(2_000))


@dataclass(frozen=True)
class Boundary:
    """A rule at its limit, and one past it."""

    rule: str
    code: str
    passing: Question
    failing: Question
    is_of_coins: bool = False

    @property
    def policy(self) -> LoadedPolicy:
        """What both are asked of."""
        return policy_saying(self.rule, self.passing.spend.kind)


_BLANK = DescribedRecord()
_DEEP = DescribedChain()


def asked(
    spend: DescribedSpend = WITHDRAWAL,
    record: DescribedRecord = _BLANK,
    now: int = MONDAY,
    caller: str = "relayer",
    keys: int = 2,
    chain: DescribedChain = _DEEP,
) -> Question:
    """All that is asked is attested by so many watchers."""
    words = words_about(spend, WORDS[:keys], WORDS[:keys])
    return question_of(spend, Circumstances(now, words, record, caller, chain))


def paying(*owed: tuple[int, bytes]) -> Question:
    """A withdrawal with these payments."""
    return asked(replace(WITHDRAWAL, payments=payments_of(owed)))


def earlier(*charges: tuple[int, int, int]) -> DescribedRecord:
    """Charges as (seconds ago, sat, withdrawals)."""
    return DescribedRecord(tuple((MONDAY - ago, Sats(sat), new) for ago, sat, new in charges))


def anchored(batch: int, magic: bytes, behind: tuple[int, bytes]) -> Question:
    """An anchor that watchers put behind that batch with that root."""
    written = Anchor(magic, batch, b"\x07" * 32, b"\xee" * 32)
    spend = DescribedSpend(VAULT, Kind.ANCHOR, fee=Sats(2_000), anchor=written)
    words = DescribedWords({anchor_terms(written, *behind): frozenset(WORDS[:2])}, frozenset(WORDS))
    return question_of(spend, Circumstances(MONDAY, words))


def fee(sats: int) -> Question:
    """A withdrawal of 200 vB with that fee."""
    return asked(replace(WITHDRAWAL, fee=Sats(sats)))


ROOT, NO_ROOT = b"\x01" * 32, bytes(32)


def _boundaries() -> Iterator[Boundary]:
    yield Boundary("attested(2, watchers)", "attestation-missing", asked(keys=2), asked(keys=1))
    coins = "attested(2, watchers)", "coin-unproven", asked(keys=2), asked(keys=1)
    yield Boundary(*coins, is_of_coins=True)
    yield Boundary("fee_at_most(2000 sat)", "fee-too-high", fee(2_000), fee(2_001))
    rate = "fee_rate_between(10 sat/vB, 20 sat/vB)"
    yield Boundary(rate, "fee-rate-out-of-range", fee(2_000), fee(1_999))
    yield Boundary(rate, "fee-rate-out-of-range", fee(4_000), fee(4_001))
    most = paying((50_000_000, LISTED), (50_000_001, LISTED))
    yield Boundary("payment_at_most(0.5 BTC)", "payment-too-large", asked(), most)
    least = paying((50_000_000, LISTED), (49_999_999, LISTED))
    yield Boundary("payment_at_least(0.5 BTC)", "payment-too-small", asked(), least)
    yield Boundary("spend_at_most(0.50002 BTC)", "spend-too-large", fee(2_000), fee(2_001))
    outflow = "outflow_at_most(1h, 0.50003 BTC)"
    full, over = earlier((HOUR, 9, 1), (1, 1_000, 0)), earlier((HOUR, 9, 1), (1, 1_001, 0))
    yield Boundary(outflow, "outflow-exceeded", asked(record=full), asked(record=over))
    leaving = earlier((HOUR, 9_000, 1)), earlier((HOUR - 1, 9_000, 1))
    yield Boundary(outflow, "outflow-exceeded", *(asked(record=each) for each in leaving))
    two, three = earlier((HOUR, 0, 5), (1, 0, 1)), earlier((HOUR, 0, 5), (1, 0, 2))
    count = asked(record=two), asked(record=three)
    yield Boundary("count_at_most(1h, 2)", "count-exceeded", *count)
    listed = paying((50_000_000, LISTED)), paying((50_000_000, OTHER))
    yield Boundary("destinations_in(exchange)", "destination-not-listed", *listed)
    yield Boundary("destinations_not_in(exchange)", "destination-listed", *reversed(listed))
    types = asked(), paying((50_000_000, P2PKH))
    yield Boundary("destination_types(p2wpkh, p2tr)", "destination-type-refused", *types)
    inputs = (asked(replace(WITHDRAWAL, input_count=each)) for each in (2, 3))
    yield Boundary("inputs_at_most(2)", "too-many-inputs", *inputs)
    outputs = (asked(replace(WITHDRAWAL, output_count=each)) for each in (2, 3))
    yield Boundary("outputs_at_most(2)", "too-many-outputs", *outputs)
    weights = (asked(replace(WITHDRAWAL, weight=Weight(each))) for each in (800, 801))
    yield Boundary("weight_at_most(800 WU)", "weight-too-high", *weights)
    paths = (asked(replace(SWEEP, path_index=each)) for each in (0, 1))
    yield Boundary("path(primary)", "path-refused", *paths)
    games, main = b"GAME", b"PGWD"
    first = (anchored(batch, games, (batch - 1, NO_ROOT)) for batch in (1_000, 999))
    yield Boundary("anchor_extends()", "batch-before-first", *first)
    behind = (anchored(5, main, (before, ROOT)) for before in (4, 3))
    yield Boundary("anchor_extends()", "anchor-not-extending", *behind)
    officers = (frozenset(APPROVALS[:each]) for each in (2, 1))
    approvals = (asked(record=DescribedRecord(officers=each)) for each in officers)
    yield Boundary("approved(2, officers)", "approval-missing", *approvals)
    since = (DescribedRecord(attested_since=MONDAY - each) for each in (HOUR, HOUR - 1))
    yield Boundary("aged(1h)", "not-aged", *(asked(record=each) for each in since))
    opening = (asked(now=MONDAY + each) for each in (8 * HOUR, 8 * HOUR - 1))
    yield Boundary("within(mon-fri, 08:00-18:00)", "outside-schedule", *opening)
    closing = (asked(now=MONDAY + each) for each in (18 * HOUR - 1, 18 * HOUR))
    yield Boundary("within(mon-fri, 08:00-18:00)", "outside-schedule", *closing)
    signals = asked(), asked(replace(WITHDRAWAL, is_replaceable=False))
    yield Boundary("replaceable()", "not-replaceable", *signals)
    callers = asked(caller="relayer"), asked(caller="relayer-2")
    yield Boundary("caller(relayer)", "caller-refused", *callers)
    blocks = (asked(chain=DescribedChain(blocks=each)) for each in (3, 2))
    yield Boundary("confirmed(3 blocks)", "coin-unconfirmed", *blocks)
    work = (asked(chain=DescribedChain(work=each)) for each in (6 * 10**21, 6 * 10**21 - 1))
    yield Boundary("buried(6 ZH)", "coin-unburied", *work)
    ages = (asked(chain=DescribedChain(tip_age=each)) for each in (2 * HOUR, 2 * HOUR + 1))
    yield Boundary("tip_fresh(2h)", "tip-not-fresh", *ages)


def _by_name() -> dict[str, tuple[Boundary, ...]]:
    found: dict[str, tuple[Boundary, ...]] = {}
    for each in _boundaries():
        name = each.rule.partition("(")[0]
        found[name] = (*found.get(name, ()), each)
    return found


BOUNDARIES = _by_name()
"""By the predicate's NAME."""
