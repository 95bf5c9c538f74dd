"""A member whose log key signs what no honest kernel writes: what the others make of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.network import REGTEST
from signer.core.agreement.messages import Recollection, read_message, signed_message
from signer.core.agreement.notices import (
    AgreedNotice,
    Grant,
    Heard,
    HeardNotice,
    Taken,
    VoidNotice,
)
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import Entry, SignedEntry
from signer.journal.members import MAX_NUMBER
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head, verify_head
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft

BIG, OTHER = Coin(), Coin(salt=1, index=1)
PAID = ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.started(tmp_path)
    yield made
    made.stop()


def records_of(kernel: Witnessed) -> list[bytes]:
    pages = kernel.ask_all(au.ListEntriesRequest(), au.ListEntriesResponse)
    return [record for page in pages for record in page.records]


def forged(kernel: Witnessed, *more: Entry | bytes) -> au.MemberLog:
    """That member's log, gone on with these, under a head by its key."""
    records = records_of(kernel)
    records += [each if isinstance(each, bytes) else encode_entry(each) for each in more]
    edge = Frontier()
    for record in records:
        edge = edge.append(leaf_hash(record))
    head = Head(origin_of(REGTEST.genesis_hash, kernel.log_key), edge.size, edge.root())
    note = sign_head(head, kernel.keystore)
    return au.MemberLog(log_key=kernel.log_key, head=note, start=0, records=records)


def told(kernel: Witnessed, log: au.MemberLog, standing: bytes = b"") -> au.WitnessResponse:
    return kernel.ask(au.WitnessRequest(log=log, standing=standing), au.WitnessResponse)


def recollect(liar: Witnessed, starting: Witnessed, note: str) -> None:
    """What the liar says to a start: its log is the one of that head."""
    head = verify_head(note, liar.log_key)
    said = Recollection(
        witness=liar.log_key,
        origin=starting.log_key,
        incarnation=starting.journal.incarnation,
        size=head.size,
        root=head.root,
        known_head="",
        clock=NOW,
    )
    signed = signed_message(said, REGTEST.genesis_hash, liar.keystore)
    starting.ask(au.WitnessRequest(messages=[signed]), au.WitnessResponse)


def held_by(kernel: Witnessed) -> list[tuple[bytes, int, bool]]:
    """What the kernel took and did not release: (origin, number, granted)."""
    held: dict[tuple[bytes, int], bool] = {}
    for entry in kernel.entries():
        if isinstance(entry, HeardNotice):
            for each in entry.released:
                del held[each.origin, each.number]
            for taken in entry.taken:
                held[taken.claim.origin, taken.claim.number] = taken.granted
    return [(*key, granted) for key, granted in held.items()]


def pending_of(kernel: Witnessed) -> tuple[int, SignedEntry, bytes]:
    """Its newest signed entry: number, entry, leaf."""
    records = records_of(kernel)
    number = max(n for n, each in enumerate(records) if isinstance(decode_entry(each), SignedEntry))
    entry = decode_entry(records[number])
    assert isinstance(entry, SignedEntry)
    return number, entry, leaf_hash(records[number])


def test_an_entry_that_nobody_can_read_is_refused_with_its_piece(team: Team) -> None:
    b, c = team["b"], team["c"]
    followed = {each.log_key: each.size for each in b.head().followed}[c.log_key]
    c.sign(draft(c, (BIG,), PAID))
    number, entry, _ = pending_of(c)
    stray = replace(entry.claims, new_pins=((bytes(32), BIG.outpoint),))
    far = claim_of(b.log_key, MAX_NUMBER, bytes(32), entry)
    heard = Heard(b.log_key, 1, bytes(32))
    for wrong in (b"junk", replace(entry, claims=stray)):
        with pytest.raises(Refused) as caught:
            told(b, forged(c, wrong))
        assert caught.value.code == "member-log-unread"
    assert {each.log_key: each.size for each in b.head().followed}[c.log_key] == followed
    said = told(b, forged(c, HeardNotice(NOW, heard, (Taken(far, granted=True),), ())))
    assert said.followed_size == c.size + 1
    assert held_by(b) == [(c.log_key, number, True)]


def no_grant(_: Grant, __: Witnessed) -> tuple[Grant, ...]:
    return ()


def own_word(_: Grant, liar: Witnessed) -> tuple[Grant, ...]:
    return (Grant(liar.log_key, bytes(16), bytes(64)),)


def forged_signature(true: Grant, _: Witnessed) -> tuple[Grant, ...]:
    return (true._replace(signature=bytes(64)),)


def grant_of_another_entry(true: Grant, _: Witnessed) -> tuple[Grant, ...]:
    return (true,)


@pytest.mark.parametrize("shown", [no_grant, own_word, forged_signature, grant_of_another_entry])
def test_an_agreed_entry_counts_with_the_grants_of_a_quorum_alone(
    team: Team, shown: Callable[[Grant, Witnessed], tuple[Grant, ...]]
) -> None:
    """A's version is agreed with B. C, which was not told, wrote another and says that it is agreed, too. B
    is bound by A's alone, and says nothing to C's."""
    a, b, c = team["a"], team["b"], team["c"]
    request = draft(a, (BIG,), PAID)
    a.sign(request)
    team.carry("a", "b", rounds=1)
    assert a.sign(request).signatures == 1
    (agreed,) = (each for each in a.entries() if isinstance(each, AgreedNotice))
    ours = held_by(b)
    c.sign(draft(c, (OTHER,), PAID))
    number, _, leaf = pending_of(c)
    lie = AgreedNotice(NOW, number, leaf, shown(agreed.grants[0], c))
    said = told(b, forged(c, lie), c.head().standing)
    assert said.followed_size == c.size + 1
    messages = [
        read_message(each, REGTEST.genesis_hash, frozenset({b.log_key})) for each in said.messages
    ]
    assert [type(each) for each in messages] == [Recollection]
    assert held_by(b) == ours


def test_what_is_agreed_is_not_let_go_by_a_later_void(team: Team) -> None:
    b, c = team["b"], team["c"]
    request = draft(c, (BIG,), PAID)
    c.sign(request)
    team.carry("b", "c", rounds=1)
    assert c.sign(request).signatures == 1
    team.carry("b", "c", rounds=1)
    number, _, leaf = pending_of(c)
    assert held_by(b) == [(c.log_key, number, True)]
    told(b, forged(c, VoidNotice(NOW, number, leaf, "timed-out")))
    assert held_by(b) == [(c.log_key, number, True)]


def test_a_void_ends_what_was_granted_and_what_comes_after_it_does_not_count(team: Team) -> None:
    a, b, c = team["a"], team["b"], team["c"]
    request = draft(c, (BIG,), PAID)
    c.sign(request)
    team.carry("a", "c", rounds=1)
    assert c.sign(request).signatures == 1
    (agreed,) = (each for each in c.entries() if isinstance(each, AgreedNotice))
    number, _, leaf = pending_of(c)
    until = forged(c)
    del until.records[number + 1 :]
    edge = Frontier()
    void = VoidNotice(NOW, number, leaf, "timed-out")
    records = [*until.records, encode_entry(void), encode_entry(agreed)]
    for record in records:
        edge = edge.append(leaf_hash(record))
    head = Head(origin_of(REGTEST.genesis_hash, c.log_key), edge.size, edge.root())
    log = au.MemberLog(
        log_key=c.log_key, head=sign_head(head, c.keystore), start=0, records=records
    )
    told(b, log)
    assert held_by(b) == []
    assert [each[:2] for each in held_by(a)] == [(c.log_key, number)]


@pytest.mark.parametrize("is_pinned", [False, True])
def test_coins_that_a_transaction_does_not_spend_bind_nobody(team: Team, is_pinned: bool) -> None:
    """What is on our own record needs no words, but must be that very transaction: else one false entry made
    a withdrawal impossible, or every coin useless as a pin."""
    b, c = team["b"], team["c"]
    request = draft(c, (BIG,), PAID)
    for kernel in (b, c):
        kernel.sign(request)
    number, entry, _ = pending_of(c)
    other = replace(entry.claims.coins[0], outpoint=OTHER.outpoint)
    pins = ((entry.claims.payments[0].withdrawal_id, OTHER.outpoint),) if is_pinned else ()
    claims = entry.claims
    false = replace(
        claims, coins=(*claims.coins, other), new_pins=tuple(sorted((*claims.new_pins, *pins)))
    )
    told(b, forged(c, replace(entry, claims=false)), c.head().standing)
    assert held_by(b) == [(c.log_key, number, True)]
