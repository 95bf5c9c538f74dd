"""What an imported member stands behind of a log that is forked here is taken in portions: its origin, which
decides how much that is, makes no honest member silent (docs/agreement.md)."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from signer.core.agreement.claim import Claim
from signer.core.agreement.notices import (
    Heard,
    HeardNotice,
    Released,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.journal import growth, second_hand
from signer.journal.claims import claim_of
from signer.journal.codec import encode_entry
from signer.journal.database import Tables
from signer.journal.entry import SignedEntry
from signer.journal.following import follow
from signer.journal.members import Piece
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head
from signer.journal.second_hand import (
    FIRST_NUMBER,
    Asked,
    Part,
    Word,
    pool_of,
    portion_of,
    words_of,
)
from signer.ports.recording import Passage
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.test_agreement_wire import refused
from tests.kernel.test_dishonest_member import forged, pending_of, recollect, records_of, told
from tests.kernel.test_two_histories import (
    BIG,
    FRESH,
    MORE,
    OTHER,
    PAID,
    other_history,
    restart,
)
from tests.kernel.test_vouching import log_of

FOURTH = b"\x04" * 32
FEW = 5
"""Terms: a portion ends with the second of these entries, each of which is one claim of 4."""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims; whoever has C's log key is dishonest."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


def true_entries(liar: Witnessed, count: int) -> list[SignedEntry]:
    """Of one transaction: everybody grants each of them."""
    _, entry, _ = pending_of(liar)
    return [replace(entry, incarnation=each.to_bytes(16, "big")) for each in range(1, count + 1)]


def shown(team: Team, count: int, voided: Iterable[int] = ()) -> au.MemberLog:
    """The history of C that A reads. B grants so many entries in another one, and releases those that C then
    voids."""
    c = team["c"]
    log, before = other_history(c, records_of(c), 1), records_of(c)
    c.sign(draft(c, (BIG,), PAID))
    records = before + [encode_entry(each) for each in true_entries(c, count)]
    told(team["b"], log_of(c, records), c.head().standing)
    for each in voided:
        number = len(before) + each
        void = VoidNotice(NOW, number, leaf_hash(records[number]), "timed-out")
        records.append(encode_entry(void))
    told(team["b"], log_of(c, records), c.head().standing)
    told(team["a"], log)
    return log


def leaves_held(kernel: Witnessed) -> list[bytes]:
    """Of what it took and did not release."""
    held = dict[tuple[bytes, int], bytes]()
    for entry in kernel.entries():
        if isinstance(entry, HeardNotice):
            for each in entry.released:
                del held[each.origin, each.number]
            held |= {each.claim.name: each.claim.leaf for each in entry.taken}
    return sorted(held.values())


def takes_before_the_start(kernel: Witnessed) -> list[int]:
    """How many second hand claims each entry of the newest start took."""
    entries = kernel.entries()
    last = max(n for n, each in enumerate(entries) if isinstance(each, StartedNotice))
    before = [n for n, each in enumerate(entries[:last]) if isinstance(each, StartedNotice)]
    heard = [each for each in entries[max(before) : last] if isinstance(each, HeardNotice)]
    found = [sum(each.claim.number >= FIRST_NUMBER for each in entry.taken) for entry in heard]
    return [each for each in found if each]


@pytest.mark.parametrize(("bound", "portions"), [(FEW, [2, 2, 2, 1]), (1 << 16, [7])])
def test_who_stands_behind_much_of_a_forked_log_is_imported(
    team: Team, bound: int, portions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start of A hears all of it, and no more of it at once than the bound says."""
    monkeypatch.setattr(second_hand, "MAX_TERMS", bound)
    log, most = shown(team, 7), [0]

    def counted(tables: Tables, member: bytes, origin: bytes) -> list[Asked]:
        portion = portion_of(tables, member, origin)
        most.append(len(portion))
        return portion

    monkeypatch.setattr(second_hand, "portion_of", counted)
    a = restart(team, log)
    assert team.carry("a", "b", rounds=4 + len(portions)).waiting == {}
    assert len(leaves_held(a)) == 7
    assert leaves_held(a) == leaves_held(team["b"])
    assert takes_before_the_start(a) == portions
    assert max(most) == max(portions)
    assert refused(a, draft(a, (FRESH,), PAID)) == "withdrawal-pinned"
    with a.journal.tables() as tables:
        query = "SELECT 1 FROM member_entries WHERE member = ?"
        assert tables.execute(query, (pool_of(team["c"].log_key),)).fetchall() == []


@pytest.mark.parametrize("voided", [(), (0, 1, 3)])
def test_what_was_let_go_later_is_in_no_portion(
    team: Team, voided: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B took it in an early part of its log and released it at the end."""
    monkeypatch.setattr(second_hand, "MAX_TERMS", FEW)
    log = shown(team, 5, voided)
    a = restart(team, log)
    assert team.carry("a", "b", rounds=6).waiting == {}
    assert len(leaves_held(a)) == 5 - len(voided)
    assert leaves_held(a) == leaves_held(team["b"])


def test_a_start_goes_on_from_the_portions_of_one_that_did_not_end(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_hand, "MAX_TERMS", FEW)
    log = shown(team, 5)
    a, taken = restart(team, log), 0
    for _ in range(3):
        if not taken:
            assert team.carry("a", "b", rounds=1).waiting != {}
            taken = len(leaves_held(a))
    assert 0 < taken < 5
    asked = set[bytes]()

    def noted(tables: Tables, part: Part, origin: bytes) -> tuple[list[Word], int]:
        words, end = words_of(tables, part, origin)
        asked.update(name for name, claim in words if claim is not None)
        return words, end

    monkeypatch.setattr(second_hand, "words_of", noted)
    a = restart(team, log)
    assert team.carry("a", "b", rounds=6).waiting == {}
    assert leaves_held(a) == leaves_held(team["b"])
    assert len(set(leaves_held(a))) == 5
    assert len(asked) == 5 - taken


def test_a_portion_is_taken_when_our_log_has_room_for_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then nobody counts as imported who stands behind it."""
    log = shown(team, 3)
    a = restart(team, log)
    for bound in ("FREE", "FULL_OF_GRANTS"):
        monkeypatch.setattr(growth, bound, 0)
    assert team.carry("a", "b", rounds=5).waiting != {}
    assert leaves_held(a) == []
    team.members[0].clock.moment += growth.HOUR
    assert team.carry("a", "b", rounds=2).waiting == {}
    assert len(leaves_held(a)) == 3


def claims_on(liar: Witnessed, first: int, records: list[bytes]) -> list[Claim]:
    """Of these records of that log, which are signed entries."""
    _, entry, _ = pending_of(liar)
    return [
        claim_of(liar.log_key, number, leaf_hash(record), entry)
        for number, record in enumerate(records, first)
    ]


def tells_of(teller: Witnessed, claims: Iterable[Claim]) -> au.MemberLog:
    """Its log, gone on with a notice for each of them."""
    notices = [
        HeardNotice(
            NOW, Heard(each.origin, each.number + 1, bytes(32)), (Taken(each, granted=True),), ()
        )
        for each in claims
    ]
    return forged(teller, *notices)


def test_what_is_not_true_in_a_portion_is_asked_once(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B tells of two entries that nobody vouches for, then of two that are true."""
    monkeypatch.setattr(second_hand, "MAX_TERMS", FEW)
    a, b, c = team["a"], team["b"], team["c"]
    before = records_of(c)
    log = other_history(c, before, 1)
    c.sign(draft(c, (BIG,), PAID))
    one, two, three, four = true_entries(c, 4)
    entries = (replace(one, psbt=b""), replace(two, psbt=b""), three, four)
    records = [encode_entry(each) for each in entries]
    brought = tells_of(b, claims_on(c, len(before), records))
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    told(a, brought)
    for _ in range(2):  # the fork, and what is asked for
        assert a.head().waiting_for != []
        told(a, log_of(c, before + records))
    assert a.head().waiting_for != []
    told(a, brought)  # the second portion, of which nothing is brought again
    assert a.head().waiting_for == []
    assert leaves_held(a) == sorted(map(leaf_hash, records[2:]))


@pytest.mark.parametrize("anew", [False, True])
def test_what_is_wanted_anew_is_brought_with_what_stands_before_it(team: Team, anew: bool) -> None:
    """The words for an entry stand in an earlier one, which was brought before B told of the later one: that
    is brought again, too, and counts as told of then."""
    a, b, c = team["a"], team["b"], team["c"]
    before = records_of(c)
    log = other_history(c, before, 1)
    c.sign(draft(c, (BIG,), PAID))
    first, second = true_entries(c, 2)
    records = [encode_entry(first), encode_entry(replace(second, evidence=b""))]
    history = log_of(c, before + records)
    rest = au.MemberLog(
        log_key=c.log_key, head=history.head, start=len(before) + 1, records=records[1:]
    )
    _, later = claims_on(c, len(before), records)
    brought = tells_of(b, [later])
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    if not anew:
        told(a, brought)
    for _ in range(2):  # it shows the fork, and then is read beside
        told(a, log_of(c, before + records[:1]))
    told(a, brought)
    with nullcontext() if not anew else pytest.raises(Refused, match="member-forked"):
        told(a, rest)
    if anew:
        told(a, history)
    assert a.head().waiting_for == []
    assert leaves_held(a) == [leaf_hash(records[1])]


@pytest.mark.parametrize("lies", [1, 9])
def test_a_log_is_searched_once_however_much_it_lets_go(
    team: Team, lies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B took and released what is more than a portion, again and again. What a member tells of its own log is
    not asked at all: C tells of an entry that nobody can bring."""
    monkeypatch.setattr(second_hand, "MAX_TERMS", FEW)
    a, b, c = team["a"], team["b"], team["c"]
    before, parts = records_of(c), list[tuple[Part, bytes]]()
    c.sign(draft(c, (BIG,), PAID))
    records = [encode_entry(each) for each in true_entries(c, 2)]
    claims = claims_on(c, len(before), records)
    heard = Heard(c.log_key, len(before) + 1, bytes(32))
    pair = (
        HeardNotice(NOW, heard, tuple(Taken(each, granted=True) for each in claims), ()),
        HeardNotice(NOW, heard, (), tuple(Released(*each.name) for each in claims)),
    )
    brought = forged(b, *pair * lies)
    own = claims[0]._replace(leaf=bytes(32))
    log = log_of(
        c, [*before, encode_entry(HeardNotice(NOW, heard, (Taken(own, granted=True),), ()))]
    )

    def noted(tables: Tables, part: Part, origin: bytes) -> tuple[list[Word], int]:
        words, end = words_of(tables, part, origin)
        parts.append(((part[0], part[1], end), origin))
        return words, end

    monkeypatch.setattr(second_hand, "words_of", noted)
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    told(a, log_of(c, before + records))  # it shows the fork
    told(a, brought)
    assert a.head().waiting_for == []
    assert leaves_held(a) == []
    ends = [0, *(end for (_, _, end), _ in parts)]
    starts = [start for (_, start, _), _ in parts]
    assert (starts, ends[-1]) == (ends[:-1], len(brought.records))
    assert len(parts) == 1 + lies
    assert {(member, origin) for (member, _, _), origin in parts} == {(b.log_key, c.log_key)}


@pytest.mark.parametrize(("told_as", "is_taken"), [(0, True), (1_000, False), (FIRST_NUMBER, True)])
def test_a_claim_counts_where_it_stands(team: Team, told_as: int, is_taken: bool) -> None:
    """In the history that was brought: else an entry that we read as void would bind us by another number.
    Who holds it second hand does not say where it stood."""
    a, b, c = team["a"], team["b"], team["c"]
    before = records_of(c)
    log = other_history(c, before, 1)
    c.sign(draft(c, (BIG,), PAID))
    records = [encode_entry(each) for each in true_entries(c, 1)]
    (claim,) = claims_on(c, len(before), records)
    brought = tells_of(b, [claim._replace(number=claim.number + told_as)])
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    told(a, brought)
    for _ in range(2):
        told(a, log_of(c, before + records))
    assert (a.head().waiting_for == []) is is_taken
    assert leaves_held(a) == ([claim.leaf] if is_taken else [])


def heard_of_another(kernel: Witnessed, claims: Iterable[Claim]) -> Heard:
    """A fourth member's log, read by that kernel, says that it took these."""
    notices = [
        HeardNotice(
            NOW, Heard(each.origin, each.number + 1, bytes(32)), (Taken(each, granted=True),), ()
        )
        for each in claims
    ]
    records, edge = tuple(map(encode_entry, notices)), Frontier()
    for record in records:
        edge = edge.append(leaf_hash(record))
    piece = Piece(FOURTH, Head("", edge.size, edge.root()), "", 0, records)
    federations = kernel.role.start.setting.federations()
    kernel.journal.in_turn(
        lambda session: follow(session, piece, notices, federations), Passage.WHILE_LOCKED
    )
    return Heard(FOURTH, edge.size, edge.root())


@pytest.mark.parametrize("lies", [1, 12])
def test_what_one_member_tells_takes_nothing_from_what_is_brought_for_another(
    team: Team, lies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells of an entry of C what that does not say, in many portions. B stands behind the next entry, and
    the history is brought in two pieces."""
    monkeypatch.setattr(second_hand, "MAX_TERMS", 1)
    a, b, c = team["a"], team["b"], team["c"]
    before = records_of(c)
    log = other_history(c, before, 1)
    c.sign(draft(c, (BIG,), PAID))
    records = [encode_entry(each) for each in true_entries(c, 2)]
    one, two = claims_on(c, len(before), records)
    untrue = [one._replace(number=FIRST_NUMBER + each, pays=frozenset()) for each in range(lies)]
    brought = tells_of(b, [two])
    first, rest = log_of(c, before + records[:1]), log_of(c, before + records)
    rest.start, rest.records[:] = len(before) + 1, records[1:]
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    said, importing = heard_of_another(a, untrue), a.role.start.importing
    told(a, brought)
    told(a, first)  # it shows the fork
    assert importing.imported([said]) == ()
    for piece in (first, rest):
        told(a, piece)
        importing.imported([said])
    assert a.head().waiting_for == []
    assert leaves_held(a) == [two.leaf]


def test_what_was_kept_for_one_member_is_brought_again_for_another(team: Team) -> None:
    """The entry that B stands behind pays also what another stands behind, so it was kept; not so the earlier
    one that has the words for the rest of it."""
    a, b, c = team["a"], team["b"], team["c"]
    before, entries = records_of(c), list[SignedEntry]()
    log = other_history(c, before, 1)
    for coins, paid in (((BIG,), PAID), ((OTHER,), MORE), ((BIG, OTHER), PAID + MORE)):
        c.sign(draft(c, coins, paid))
        entries.append(pending_of(c)[1])
    entries[2] = replace(entries[2], evidence=entries[0].evidence)
    records = [encode_entry(each) for each in entries]
    claims = [
        claim_of(c.log_key, number, leaf_hash(record), entry)
        for number, (record, entry) in enumerate(zip(records, entries, strict=True), len(before))
    ]
    brought, history = tells_of(b, claims[2:]), log_of(c, before + records)
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    said, importing = heard_of_another(a, claims[:1]), a.role.start.importing
    told(a, history)  # it shows the fork
    assert importing.imported([said]) == ()
    told(a, history)
    told(a, brought)
    assert a.head().waiting_for != []
    told(a, history)
    assert a.head().waiting_for == []
    assert leaves_held(a) == [claims[2].leaf]
