"""What deciding costs as a share of the pure line: the exchange-grade policy, 10 inputs.

1. `further`: coins and payment are on record, as in `bench.line`; the record is a dictionary in memory
   (`bench.record`). Deciding is what `approve` does: what the spend binds, the universal rules, the policy.
2. `first`: nothing is on record. The evidence is whole, the watchers' words about each coin and the payment;
   their signatures were verified before, and are in no figure. The record is SQLite's, in memory, through the
   reading that serves, with a day of a busy vault's charges; deciding is all that the journal's writer asks
   before it writes, the look for an earlier version and the clocks of `aged` among it.
3. The line is parse, verify, decide, sign, write. Both figures are medians of the same rounds, the cases by
   turns.
"""

import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from bench.cases import NOW, SATS, Case, Request, Signer, first_request, open_member, second_request
from bench.record import OneVersion, on_record
from keystore.gate import sign_recorded
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import with_our_signatures
from signer.bitcoin.units import Height, Sats
from signer.core.approve import approve
from signer.core.clocks import Hearing, clocks_started
from signer.core.evidence import Authorized, CoinTerms, Statement
from signer.core.question import ask
from signer.core.registry import VaultRegistry
from signer.core.spend import ApprovedSpend, VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE
from signer.core.verify import SpendClaims, verify
from signer.journal.reading import TableReading
from signer.journal.sqlite_tables import SqliteTables, create_schema

POLICY = Path(__file__).resolve().parent.parent / "policies" / "examples" / "exchange-grade.toml"
INPUTS, ROUNDS, WARM = 10, 300, 20
CHARGES, DAY = 1_000, 86_400
CALLER = "relayer"
_NO_WORDS = Authorized({}, {}, ())
Decide = Callable[[VerifiedSpend], ApprovedSpend]


@dataclass(frozen=True)
class Deciding:
    """Medians in milliseconds."""

    case: str
    decide: float
    line: float

    @property
    def share(self) -> float:
        """Of the line."""
        return self.decide / self.line


def deciding() -> list[Deciding]:
    """Measured now."""
    member = _member()
    first, decide_first = _first(member)
    further, decide_further = _further(member, first)
    cases = {"further version": (further, decide_further), "first version": (first, decide_first)}
    rounds: dict[str, list[list[float]]] = {name: [] for name in cases}
    for _ in range(WARM + ROUNDS):
        for name, (asked, decide) in cases.items():
            rounds[name].append(_round(asked, decide))
    return [
        Deciding(
            name,
            statistics.median(each[2] for each in found[WARM:]) * 1_000,
            statistics.median(map(sum, found[WARM:])) * 1_000,
        )
        for name, found in rounds.items()
    ]


def deciding_table(found: Sequence[Deciding]) -> str:
    """For the page."""
    rows = [
        f"| {each.case} | {each.decide:.3f} ms | {each.line:.3f} ms | {100 * each.share:.1f} % |"
        for each in found
    ]
    head = "| 10 inputs | deciding | the pure line | share |\n|---|---:|---:|---:|"
    return "\n".join((head, *rows))


def _round(asked: Request, decide: Decide) -> list[float]:
    """Seconds of each stage."""
    member, moments = asked.member, [time.perf_counter()]
    psbt = parse_psbt(asked.psbt)
    moments.append(time.perf_counter())
    claims = SpendClaims(psbt, asked.psbt, asked.payments)
    spend = verify(claims, member.vault, member.registry, member.ours)
    moments.append(time.perf_counter())
    approved = decide(spend)
    moments.append(time.perf_counter())
    signed = sign_recorded(on_record(approved.spend), member.key)
    moments.append(time.perf_counter())
    with_our_signatures(psbt, signed.signatures)
    moments.append(time.perf_counter())
    return [later - earlier for earlier, later in pairwise(moments)]


def _further(member: Signer, first: Request) -> tuple[Request, Decide]:
    """Rule 1."""
    words, policy = _words(first), member.policy
    approved = approve(ask(_verified(first), words, OneVersion(None), NOW, caller=CALLER), policy)
    view = OneVersion(approved)

    def decide(spend: VerifiedSpend) -> ApprovedSpend:
        return approve(ask(spend, _NO_WORDS, view, NOW, caller=CALLER), policy)

    return second_request(member, INPUTS, view), decide


def _first(member: Signer) -> tuple[Request, Decide]:
    """Rule 2."""
    asked, tables, policy = first_request(member, INPUTS), _record(member), member.policy
    words = _words(asked)

    def decide(spend: VerifiedSpend) -> ApprovedSpend:
        view = TableReading(tables, NOW)
        if view.version(spend.transaction.txid) is not None:
            raise LookupError("the version is on record")
        hearing = Hearing(spend.vault.fingerprint, words, view, NOW)
        terms = [payment.terms for payment in spend.payments]
        clocks_started(hearing, policy.clock_quorums(spend.vault.vault_id), terms)
        coins = (coin.outpoint for coin in spend.coins)
        view.look_up(coins, (payment.withdrawal_id for payment in spend.payments))
        return approve(ask(spend, words, view, NOW, caller=CALLER), policy)

    return asked, decide


def _member() -> Signer:
    """The policy's first vault with keys whose secrets are known."""
    text = POLICY.read_text()
    definition = load_policy(text.encode()).vault_definitions[0]
    case = Case(definition.vault_id, definition.template, len(definition.keys), (INPUTS,))
    for theirs, ours in zip(definition.keys, case.keys, strict=True):
        text = text.replace(theirs, ours)
    policy = load_policy(text.encode())
    registry = VaultRegistry(policy.vaults)
    for vault in policy.vaults:
        for branch in (RECEIVE, CHANGE):
            registry.cover(vault, branch, 0)
    return replace(open_member(case), vault=policy.vaults[0], registry=registry, policy=policy)


def _verified(asked: Request) -> VerifiedSpend:
    member, psbt = asked.member, parse_psbt(asked.psbt)
    claims = SpendClaims(psbt, asked.psbt, asked.payments)
    return verify(claims, member.vault, member.registry, member.ours)


def _words(asked: Request) -> Authorized:
    """Every watcher's word for the payment and each coin."""
    policy: LoadedPolicy = asked.member.policy
    pairs = tuple((key, NOW + 600) for key in sorted(policy.attestors))
    spend = _verified(asked)
    coins = {
        coin.outpoint: (
            CoinTerms(coin.outpoint, Sats(SATS), Height(100), coin.prevout.script_pubkey),
        )
        for coin in spend.coins
    }
    said: dict[Statement, tuple[tuple[bytes, int], ...]] = {
        payment.terms: pairs for payment in spend.payments
    }
    said |= {each[0]: pairs for each in coins.values()}
    return Authorized(said, coins, ())


def _record(member: Signer) -> SqliteTables:
    """Charges of a day, each of one withdrawal."""
    tables = SqliteTables(sqlite3.connect(":memory:", isolation_level=None))
    create_schema(tables)
    vault = member.vault.fingerprint
    rows = [
        (vault, NOW - DAY + number * DAY // CHARGES, number, 1_000, 1, number * 1_000, number)
        for number in range(1, CHARGES)
    ]
    tables.executemany("INSERT INTO charges VALUES (?,?,?,?,?,?,?)", rows)
    return tables
