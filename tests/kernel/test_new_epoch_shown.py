"""What counts against a member whose officers opened an epoch, and what a dishonest one can make of theirs
(docs/agreement.md). World's A is honest; its log key signs here whatever a dishonest one would."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrier.member import Refused
from carrier.round import Carrier, Report
from pegwarden.v1 import audit_pb2 as au
from signer.core.acts import NewEpoch, Scope
from signer.core.agreement.notices import Heard, HeardNotice, Taken, VoidNotice
from signer.core.notices import OfficerNotice
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import SignedEntry
from signer.journal.members import MAX_NUMBER
from signer.journal.merkle import leaf_hash
from signer.journal.note import verify_head
from signer.journal.second_hand import FIRST_NUMBER
from tests.core.spends import NOW
from tests.kernel.epochs import World, started, world_in
from tests.kernel.federated import Witnessed
from tests.kernel.governed import ADA, BOB
from tests.kernel.test_dishonest_member import forged, held_by, recollect, records_of, told
from tests.kernel.test_new_epoch_at_start import (
    answered,
    forks_of,
    given_back,
    is_forked,
    piece,
    read_of,
)
from tests.kernel.test_two_histories import is_shown
from tests.officers import Officer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def used(tmp_path: Path) -> Iterator[World]:
    """For one test, which lets its B read what others do not."""
    folder = tmp_path / "world"
    folder.mkdir()
    with world_in(folder) as made:
        yield made


@pytest.fixture
def unread(world: World, tmp_path: Path) -> Iterator[Witnessed]:
    """B, started, which read nothing of what was given up."""
    kernel = started(world, world.unread, tmp_path, complete=True)
    yield kernel
    kernel.stop()


@pytest.fixture
def lost(world: World, tmp_path: Path) -> Iterator[Witnessed]:
    """B, started, which read all of it."""
    kernel = started(world, world.lost, tmp_path, complete=True)
    yield kernel
    kernel.stop()


def acts(world: World, ended: int, abandoned: int, *officers: Officer) -> list[bytes]:
    """Entries in which these end A's epoch of that number."""
    act = NewEpoch(Scope(world.a.log_key, ended, 1), abandoned, bytes(32), NOW)
    text = ADA.says(act, NOW + 3_600).text
    said = (OfficerNotice(NOW, "secretary", bytes(32), each.sign(text)) for each in officers)
    return [encode_entry(each) for each in said]


def junk(count: int, clock: int = NOW) -> list[bytes]:
    """Entries that change nothing."""
    return [encode_entry(VoidNotice(clock, each, bytes(32), "timed-out")) for each in range(count)]


def head(world: World, records: list[bytes], epoch: int) -> au.MemberLog:
    """Of these entries, without them."""
    return piece(world.a, records, len(records), epoch)


@pytest.mark.parametrize("beyond", [0, 1])
def test_heads_are_given_up_to_the_size_that_the_officers_name(
    world: World, unread: Witnessed, beyond: int
) -> None:
    """They gave up heads of epoch 0 up to that size; a longer one of that epoch A never had to sign."""
    abandoned = len(world.old) + 20
    log, old = world.new + junk(abandoned), world.old + junk(abandoned, NOW + 1)
    told(unread, piece(world.a, log[:abandoned], read_of(unread, world.a), 1))
    told(unread, piece(world.a, log[: abandoned + 1], abandoned, 1))
    told(unread, head(world, old[: abandoned + beyond], 0))
    assert is_forked(unread, world.a) is bool(beyond)
    assert [is_shown(each) for each in forks_of(unread)] == [True] * beyond


def test_an_epoch_that_was_not_read_is_waited_for(world: World, lost: Witnessed) -> None:
    """A head that names one is refused: officers' acts may stand under it. It is no proof against A, and the
    same head without the name is."""
    other = world.old[:-1] + junk(1)
    for _ in range(2):
        with pytest.raises(Refused, match="member-log-contradicts"):
            told(lost, head(world, other, 1))
    assert forks_of(lost) == []
    told(lost, head(world, other, 0))
    assert is_forked(lost, world.a)


def test_an_epoch_that_was_read_is_not_waited_for(world: World, unread: Witnessed) -> None:
    """B knows that there is an epoch 1 and what its officers gave up."""
    told(unread, piece(world.a, world.new, read_of(unread, world.a), 1))
    told(unread, head(world, world.new[:-1] + junk(1), 1))
    assert is_forked(unread, world.a)


@pytest.mark.parametrize("officers", [(ADA,), (ADA, BOB)])
def test_a_fork_is_forgiven_by_an_epoch_that_comes_behind_what_was_read(
    world: World, unread: Witnessed, officers: tuple[Officer, ...]
) -> None:
    """A head is shown that neither A nor its officers knew of; then they give it up, in the log that B
    has."""
    told(unread, piece(world.a, world.new, read_of(unread, world.a), 1))
    read = world.new + junk(3)
    told(unread, piece(world.a, read, len(world.new), 1))
    shown = head(world, world.new[:-1] + junk(1), 1)
    told(unread, shown)
    assert is_forked(unread, world.a)
    log = read + acts(world, 1, len(world.new), *officers)
    if len(officers) < 2:
        with pytest.raises(Refused, match="member-forked"):
            told(unread, piece(world.a, log, len(read), 2))
        return
    told(unread, piece(world.a, log, len(read), 2))
    told(unread, shown)
    assert not is_forked(unread, world.a)
    assert read_of(unread, world.a) == len(log)


def test_two_epochs_may_come_at_once(world: World, lost: Witnessed) -> None:
    """The second one gave up less than the first, of which B read nothing."""
    log = world.new[: world.epoch + 3] + acts(world, 1, 1, ADA, BOB)
    told(lost, piece(world.a, log, world.epoch, 2))
    assert read_of(lost, world.a) == len(log)
    assert (world.a.log_key, MAX_NUMBER) in [each[:2] for each in held_by(lost)]


def test_no_piece_that_is_given_back_ends_within_the_acts(world: World, unread: Witnessed) -> None:
    """In whatever pieces they came: who gets them reads the quorum's acts at once."""
    start = read_of(unread, world.a)
    for end in range(start + 1, len(world.new) + 1):
        told(unread, piece(world.a, world.new[:end], end - 1, 1))
    kept = set[int]()
    for size in range(start + 1, len(world.new) + 1):
        asked = au.GetHeadRequest(log_key=world.a.log_key, size=size)
        note = unread.ask(asked, au.GetHeadResponse).head
        kept.add(verify_head(note, world.a.log_key).size)
    assert kept == {*range(start + 1, len(world.new) + 1)} - {world.epoch + 1}


def test_who_was_told_nothing_of_an_epoch_holds_up_no_start(used: World, tmp_path: Path) -> None:
    """A is dishonest and keeps its new log from B, which C must import: C takes what B stands behind of the
    log that was given up, out of B's copy of it."""
    b, before = used.b, held_by(used.b)
    c = used.follower.copy(tmp_path / "c").start()
    try:
        recollect(used.a, c, head(used, used.new, 1).head)
        report = carried(b, c)
        assert report.waiting == {}
        assert forks_of(c) == []
        assert before == held_by(b)
        taken = {number for origin, number, _ in held_by(c) if origin == used.a.log_key}
        assert any(number >= FIRST_NUMBER for number in taken)
    finally:
        c.stop()


def test_what_was_read_and_given_up_is_asked_of_who_stands_behind_it(
    used: World, tmp_path: Path
) -> None:
    """C's start has read of A's log what B holds, so nothing lacks. Then A's new log is brought in its place:
    now that lacks, until B's copy is brought."""
    c = used.behind.copy(tmp_path / "c").start()
    try:
        recollect(used.a, c, head(used, used.new, 1).head)
        answered(used.b, c)
        given_back(used.b, c)
        told(c, piece(used.a, used.new[: used.epoch + 1], 0, 1))  # within the acts
        told(c, piece(used.b, records_of(used.b), 0, 0))
        told(c, piece(used.a, used.new, 0, 1))
        assert c.head().waiting_for != []
        assert carried(used.b, c).waiting == {}
        numbers = {number for origin, number, _ in held_by(c) if origin == used.a.log_key}
        assert any(number >= FIRST_NUMBER for number in numbers)
    finally:
        c.stop()


def test_what_is_read_in_time_is_not_taken_twice(world: World, tmp_path: Path) -> None:
    """B is shown what A's officers gave up, while it lacks an entry of A's that C took. It is brought that,
    too, and takes it as an entry of A's log, not second hand."""
    number, record = len(world.new), world.old[signed_in(world.old, world.epoch)]
    entry, log = decode_entry(record), [*world.new, record]
    assert isinstance(entry, SignedEntry)
    claim = claim_of(world.a.log_key, number, leaf_hash(record), entry)
    heard = Heard(world.a.log_key, number + 1, bytes(32))
    theirs = forged(world.c, HeardNotice(NOW, heard, (Taken(claim, granted=True),), ()))
    b = world.unread.member.copy(tmp_path / "b").start()
    try:
        recollect(world.a, b, head(world, log, 1).head)
        recollect(world.c, b, theirs.head)
        told(b, piece(world.a, world.new, read_of(b, world.a), 1))
        old = world.old + junk(max(1, len(log) - len(world.old)))
        told(b, piece(world.a, old, world.epoch, 0))
        told(b, theirs)
        assert b.head().waiting_for != []
        told(b, piece(world.a, log, number, 1))
        assert b.head().waiting_for == []
        numbers = {each for origin, each, _ in held_by(b) if origin == world.a.log_key}
        assert number in numbers
        assert not any(each >= FIRST_NUMBER for each in numbers)
    finally:
        b.stop()


def signed_in(records: list[bytes], start: int) -> int:
    """Number of the first signed entry from there on."""
    entries = enumerate(map(decode_entry, records))
    return next(n for n, each in entries if n >= start and isinstance(each, SignedEntry))


def test_what_officers_gave_up_is_asked_of_nobody(world: World, tmp_path: Path) -> None:
    """C holds claims of the part given up, of which there is no copy any more. A is dishonest later and
    forks: B, which must import C, starts all the same."""
    member, log = world.unread.member.copy(tmp_path / "b"), world.new[:-1]
    b = member.start()
    try:
        recollect(world.a, b, head(world, log, 1).head)
        recollect(world.c, b, world.c.head().head)
        told(b, piece(world.a, log, read_of(b, world.a), 1))
        told(b, head(world, log[:-1] + junk(1), 1))
        assert is_forked(b, world.a)
        assert b.head().waiting_for != []
        told(b, piece(world.c, records_of(world.c), 0, 0))
        assert MAX_NUMBER in {number for _, number, _ in held_by(world.c)}
        assert b.head().waiting_for == []
    finally:
        b.stop()


def test_an_act_of_one_officer_hides_no_history(
    world: World, unread: Witnessed, tmp_path: Path
) -> None:
    """A is dishonest and has one officer's act. It shows B another history than C, which begins with that act
    and is cut behind it: C's start ends, knows what B granted, and has A's fork on record."""
    first = read_of(unread, world.a)
    log = world.old[: world.epoch] + acts(world, 0, 100, ADA) + world.old[world.epoch :]
    for end in (world.epoch + 1, len(log)):
        told(unread, piece(world.a, log[:end], first, 0))
        first = end
    granted = [each for each in held_by(unread) if each[1] > world.epoch]
    assert granted
    c = world.behind.copy(tmp_path / "c").start()
    try:
        recollect(world.a, c, head(world, world.old[: read_of(c, world.a)], 0).head)
        assert carried(unread, c).waiting == {}
        assert [is_shown(each) for each in forks_of(c)] == [True]
        numbers = {number for origin, number, _ in held_by(c) if origin == world.a.log_key}
        assert any(number >= FIRST_NUMBER for number in numbers)
    finally:
        c.stop()


def carried(*kernels: Witnessed) -> Report:
    carrier = Carrier(kernels)
    for _ in range(5):
        carrier.carry()
    return carrier.carry()
