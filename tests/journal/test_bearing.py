"""What bears on a claim: found by keys in the tables, judged as if all of the record had been looked at.

Invariant: whatever binds us, `judge` answers to a claim over `JournalRecord.bound` what it answers over
every holding there is; and what our own rules (`signer.core.pins`) let us propose contradicts nothing that
binds us.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim, Holding, Stage, contradicts
from signer.core.agreement.rules import Bound, judge
from signer.core.payment import Payment
from signer.core.pins import bind, pin_objections, unpaid_objections, unpinned_objections
from signer.core.spend import SpentCoin
from signer.journal.claims import batch_bond, claim_of
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.database import Tables
from signer.journal.entry import Claims, SignedEntry
from signer.journal.fold_release import CLOSED_PIN
from signer.journal.sqlite_tables import scratch_tables
from tests.journal.agreement import (
    MAGIC,
    ME,
    START,
    VAULT,
    Log,
    anchor,
    claim,
    claims_of,
    coin,
    signed,
    terms,
    withdrawal,
)

COINS, WITHDRAWALS = range(4), range(3)
EARLIER = b"\x0e" * 16


@dataclass
class Member:
    """A record, and beside it every holding there is."""

    log: Log
    ours: dict[int, tuple[Claim, SignedEntry]] = field(default_factory=dict)
    theirs: list[Claim] = field(default_factory=list)
    struck: set[tuple[bytes, OutPoint]] = field(default_factory=set)
    closed: set[bytes] = field(default_factory=set)

    def propose(self, spends: frozenset[int], pays: frozenset[int]) -> Claims | None:
        """What our own rules let us record, or nothing."""
        view, owed = self.log.view(), [terms(number) for number in sorted(pays)]
        payments = tuple(
            Payment(each.withdrawal_id, vout, each.amount, each.script_pubkey)
            for vout, each in enumerate(owed)
        )
        coins = tuple(
            SpentCoin(coin(each), TxOut(Sats(each), b""), None)  # type: ignore[arg-type]
            for each in sorted(spends)
        )
        vault = SimpleNamespace(fingerprint=VAULT)
        spend: Any = SimpleNamespace(coins=coins, payments=payments, vault=vault, moved=0, fee=0)
        binding = bind(spend, view)
        found = (*pin_objections(spend, view), *unpaid_objections(spend, view))
        if found or any(unpinned_objections(binding)):
            return None
        return claims_of(
            100 + self.log.size,
            sorted(spends),
            owed,
            new_pins=(*binding.new_pins, *binding.loose),
            relied=binding.relied,
            first_pin=binding.first_pin,
        )

    def record(self, claims: Claims, quorum: int, incarnation: bytes) -> None:
        entry = signed(claims, quorum, incarnation=incarnation)
        number = self.log.add(entry)
        self.ours[number] = (claim_of(ME, number, self.log.leaves[number], entry), entry)

    def holdings(self) -> list[Holding]:
        found = []
        record = self.log.record()
        for number, (ours, entry) in self.ours.items():
            own = record.own(number)
            assert (own is None) == (entry.quorum == 0)
            stage = Stage.AGREED if own is None else own.stage
            found.append(Holding(ours, stage))
        return found + [Holding(each, Stage.HELD) for each in self.theirs]

    def may_void(self, ours: Claim) -> bool:
        return self.ours[ours.number][1].incarnation == START


numbers = st.frozensets(st.sampled_from(COINS), min_size=1, max_size=3)
paid = st.frozensets(st.sampled_from(WITHDRAWALS), max_size=2)


@st.composite
def their_claims(draw: st.DrawFn) -> dict[str, object]:
    """Well made, and otherwise whatever a member may say."""
    spends, pays = sorted(draw(numbers)), sorted(draw(paid))
    point, each = st.sampled_from(spends), st.sampled_from(pays) if pays else None
    pins: st.SearchStrategy[frozenset[object]] = st.just(frozenset())
    if each is not None:
        pins = st.frozensets(st.tuples(each.map(withdrawal), point.map(coin)), max_size=2)
    amounts = st.sampled_from([0, 0, 0, 77])
    names = [sha256(b"transaction %d" % number) for number in range(100, 105)]
    batch = st.tuples(st.just(batch_bond(MAGIC, 5)), st.sampled_from([b"\x01" * 32, b"\x02" * 32]))
    return {
        "spends": frozenset(map(coin, spends)),
        "pays": frozenset(terms(number, draw(amounts)) for number in pays),
        "new_pins": draw(pins),
        "relied": draw(pins),
        "bonds": draw(st.frozensets(batch, max_size=1)),
    } | draw(st.sampled_from([{}, {}, *({"txid": each} for each in names)]))


events = st.lists(
    st.tuples(st.sampled_from(["ours", "ours", "final", "earlier"]), numbers, paid)
    | st.tuples(st.sampled_from(["agree", "void", "strike", "close", "release"]), st.integers(0, 9))
    | st.tuples(st.sampled_from(["take", "take", "batch"]), their_claims(), st.integers(1, 2)),
    max_size=14,
)


def live_through(  # noqa: C901 (one case for each event)
    member: Member,
    plan: list[tuple],  # type: ignore[type-arg]
) -> None:
    log, tables = member.log, member.log.tables
    for event in plan:
        match event:
            case ("take", parts, origin):
                member.theirs.append(claim(origin, log.size, **parts))
                log.take(member.theirs[-1])
            case ("batch", _, root):
                claims = claims_of(100 + log.size, (9,), anchor=anchor(5, root))
                if log.view().batch_root(MAGIC, 5) in (None, bytes([root]) * 32):
                    member.record(claims, root, START)
            case ("release", which):
                if member.theirs:
                    log.release(member.theirs.pop(which % len(member.theirs)))
            case ("agree" | "void" as what, which):
                waiting = [own.claim.number for own in log.record().pending()]
                if waiting and what == "agree":
                    log.agree(waiting[which % len(waiting)])
                elif waiting:
                    number = waiting[which % len(waiting)]
                    log.void(number)
                    del member.ours[number]
            case ("strike", which):
                pin = (withdrawal(which % 3), coin(which % 4))
                strike(member, tables, *pin)
            case ("close", which):
                close(member, tables, withdrawal(which % 3))
            case (what, spends, pays):
                claims = member.propose(spends, pays)
                if claims is not None:
                    quorum = 0 if what == "final" else 2
                    member.record(claims, quorum, EARLIER if what == "earlier" else START)


def strike(member: Member, tables: Tables, withdrawal_id: bytes, pin: OutPoint) -> None:
    """What the fold of a release does (`signer.journal.fold_release`)."""
    key = (withdrawal_id, outpoint_bytes(pin))
    if (withdrawal_id, pin) not in member.struck:
        tables.execute("INSERT INTO releases VALUES (?,?,?,?)", (*key, bytes(32), 1))
        tables.execute("UPDATE withdrawals SET pin = NULL WHERE withdrawal = ? AND pin = ?", key)
        member.struck.add((withdrawal_id, pin))


def close(member: Member, tables: Tables, withdrawal_id: bytes) -> None:
    if withdrawal_id not in member.closed:
        row = (withdrawal_id, CLOSED_PIN, bytes(32), 1)
        tables.execute("INSERT INTO releases VALUES (?,?,?,?)", row)
        tables.execute(
            "UPDATE withdrawals SET state = 'closed', pin = NULL WHERE withdrawal = ?",
            (withdrawal_id,),
        )
        member.closed.add(withdrawal_id)


TWO: dict[str, object] = {"spends": frozenset({coin(3)}), "pays": frozenset(map(terms, (0, 1)))}
ELSEWHERE: dict[str, object] = {
    "pays": frozenset({terms(1)}),
    "relied": frozenset({(withdrawal(1), coin(0))}),
}
"""Another pin of what we pay: so our versions of it are looked at."""
BESIDE: dict[str, object] = {"spends": frozenset({coin(0)})}


@settings(max_examples=100, deadline=None)
@example([("ours", {3}, {1, 2}), ("take", ELSEWHERE, 1), ("close", 2)], TWO)
@given(events, their_claims())
def test_a_claim_is_judged_as_if_everything_had_been_looked_at(
    plan: list[tuple],  # type: ignore[type-arg]
    parts: dict[str, object],
) -> None:
    with scratch_tables() as tables:
        member = Member(Log(tables))
        member.log.start()
        live_through(member, plan)
        asked = claim(3, 0, **parts)
        bound = member.log.record().bound(asked)
        found = judge(asked, bound)
        closed, struck = frozenset(member.closed), frozenset(member.struck)
        whole = judge(asked, Bound(member.holdings(), struck, closed, member.may_void))
        assert found.granted == whole.granted
        assert set(found.contrary) <= set(whole.contrary)
        assert set(found.gives_way) == set(whole.gives_way)
        assert found.closed == whole.closed
        if whole.contrary:
            assert found.contrary


@settings(max_examples=100, deadline=None)
@example([("ours", {0}, {0}), ("take", BESIDE, 1)], frozenset({0}), frozenset({0}))
@given(events, numbers, paid)
def test_what_we_may_propose_contradicts_nothing_that_binds_us(
    plan: list[tuple],  # type: ignore[type-arg]
    spends: frozenset[int],
    pays: frozenset[int],
) -> None:
    """And what `contradicts` forbids whatever pin it gets, we may not propose. But for a second label of a
    transaction that is held, and for what goes on from an entry of ours that waits though it contradicts what
    is held by now: neither would ever be agreed to."""
    with scratch_tables() as tables:
        member = Member(Log(tables))
        member.log.start()
        live_through(member, plan)
        claims = member.propose(spends, pays)
        pins = {pin for each in member.holdings() for pin in each.claim.pins}
        gone = frozenset(member.struck | {pin for pin in pins if pin[0] in member.closed})
        plain = claim_of(ME, 0, bytes(32), signed(claims_of(1, spends, map(terms, sorted(pays)))))
        against = [each for each in member.holdings() if contradicts(plain, each.claim, gone)]
        if against or plain.paid & member.closed:
            assert claims is None
        labelled = {each.claim.txid for each in member.holdings()}
        waiting = [each.claim for each in member.holdings() if each.stage is Stage.PENDING]
        theirs = member.theirs
        doomed = any(contradicts(each, held, gone) for each in waiting for held in theirs)
        if claims is not None and claims.txid not in labelled and not doomed:
            ours = claim_of(ME, 0, bytes(32), signed(claims))
            assert not [each for each in member.holdings() if contradicts(ours, each.claim, gone)]
