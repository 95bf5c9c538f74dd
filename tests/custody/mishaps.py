"""What befalls ledger and journal while the key does not serve: cut, restored, changed; and clocks.

1. A ledger that was cut, or is an older copy, is taken, and charged again from the journal.
2. A ledger in which a byte was changed, or a record removed, moved or put in, is not: the key does not open.
3. A journal that is shorter than the ledger knows stops the key, until it is whole again or the officers
   gave up what it lost; that the ledger alone remembers, and is not cut any more.
4. Between the start and the catching up nothing is signed.
"""

from collections.abc import Callable

from keystore.caps import DAY
from keystore.ledger_fold import fold_ledger
from keystore.secret import Secret
from signer.clock import MAX_DIFFERENCE
from signer.core.errors import Refusal
from tests.custody.life import Life
from tests.custody.member import RECORD, START

Change = Callable[[bytes, Life], bytes]


def restart(life: Life) -> None:
    """As an operator would."""
    life.member.stop()
    start(life)


def crash(life: Life) -> None:
    """The end of the ledger did not reach the disk (1); perhaps another crash follows at once."""
    for _ in range(life.random.choice((1, 1, 2))):
        life.member.stop()
        ledger = life.member.ledger
        content = ledger.read_bytes()
        if len(content) > life.floor:
            at = life.random.randrange(max(START, life.floor), len(content) + 1)
            torn = bytes(life.random.choice((0, 0, 10, 300)))
            ledger.write_bytes(content[:at] + torn)
            if at < len(content):
                life.lost_at = life.machine.true
        start(life)


def lose_the_last(life: Life) -> None:
    """Of its records (1)."""
    life.member.stop()
    content = life.member.ledger.read_bytes()
    if len(content) - RECORD >= max(START, life.floor):
        life.member.ledger.write_bytes(content[:-RECORD])
        life.lost_at = life.machine.true
    start(life)


def lose_all(life: Life) -> None:
    """But what nothing else remembers (1)."""
    life.member.stop()
    content = life.member.ledger.read_bytes()
    if len(content) > max(START, life.floor):
        life.member.ledger.write_bytes(content[: max(START, life.floor)])
        life.lost_at = life.machine.true
    start(life)


def fold(life: Life) -> None:
    """The ledger is made short."""
    member = life.member
    member.stop()
    with Secret(member.ledger_key) as key:
        fold_ledger(member.ledger, key, member.binding.vault_fingerprint)
    content = member.ledger.read_bytes()
    life.floor = len(content) if life.floor else 0
    start(life)


def damage(life: Life) -> None:
    """By hand, or by a disk (2)."""
    life.member.stop()
    ledger = life.member.ledger
    good = ledger.read_bytes()
    bad = life.random.choice(DAMAGES)(good, life)
    if bad != good and not _looks_torn(good, bad):
        ledger.write_bytes(bad)
        with life.refusable():
            life.member.opened().close()
            life.wrong.append("a ledger that was changed is taken")
        ledger.write_bytes(good)
    start(life)


def _looks_torn(good: bytes, bad: bytes) -> bool:
    """A last record that does not fit and ends in a zero: it is cut, and charged again."""
    return bad.endswith(b"\0") and good.startswith(bad[:-RECORD])


def _bit(good: bytes, life: Life) -> bytes:
    at = life.random.randrange(len(good) - 1)
    return good[:at] + bytes([good[at] ^ 1 << life.random.randrange(8)]) + good[at + 1 :]


def _removed(good: bytes, life: Life) -> bytes:
    count = (len(good) - START) // RECORD
    if count < 2:
        return b""
    at = START + RECORD * life.random.randrange(count - 1)
    return good[:at] + good[at + RECORD :]


def _again(good: bytes, life: Life) -> bytes:
    if len(good) == START:
        return b""
    return good + good[-RECORD:]


def _less(good: bytes, life: Life) -> bytes:
    """A record that says that less was charged."""
    if len(good) == START:
        return b""
    at = START + RECORD * life.random.randrange((len(good) - START) // RECORD) + 52
    return good[:at] + (1).to_bytes(8) + good[at + 8 :]


DAMAGES: tuple[Change, ...] = (_bit, _removed, _again, _less)


def roll_back(life: Life) -> None:
    """An old copy of the journal (3)."""
    member = life.member
    journal = member.journal
    if not journal.entries:
        return
    member.stop()
    whole, keep = journal.entries, life.random.randrange(len(journal.entries))
    known = member.ledger.read_bytes()
    told = len(known) > START and _size(known[-RECORD:]) > max(keep, journal.gone)
    journal.entries = whole[:keep]
    member.start()
    _state_the_time(life)
    with life.refusable():
        member.counting()
        if told:
            life.wrong.append("a journal that is shorter than the ledger knows is taken")
    if told and life.random.random() < 0.4:
        journal.gone, life.floor = len(whole), len(known)
        life.known.clear()
        life.held.clear()
    else:
        journal.entries = whole
    _try_early(life)
    member.stop()
    start(life)


def put_back(life: Life) -> None:
    """Journal and ledger are an old copy; what the journal lost comes back with the start (4)."""
    member, journal = life.member, life.member.journal
    member.stop()
    whole, known = journal.entries, member.ledger.read_bytes()
    starts = range(START, len(known) - RECORD + 1, RECORD)
    at = life.random.choice([at for at in (*starts, len(known)) if at >= life.floor])
    keep = max(
        [journal.gone, *(_size(known[each : each + RECORD]) for each in starts if each < at)]
    )
    member.ledger.write_bytes(known[:at])
    if at < len(known):
        life.lost_at = life.machine.true
    journal.entries = whole[: life.random.randrange(min(keep, len(whole)), len(whole) + 1)]
    life.machine.true += 5
    member.start("the others have not answered")
    _meanwhile(life)
    journal.entries = whole
    _meanwhile(life)
    member.judge(0)
    _go_on(life)


def set_back(life: Life) -> None:
    """The machine's date, for good."""
    life.machine.behind += life.random.randrange(2 * MAX_DIFFERENCE, 3 * DAY)


def start(life: Life) -> None:
    """The machine was off for a while, perhaps."""
    machine = life.machine
    machine.true += life.random.choice((1, 60, 7_200, 100_000))
    if life.random.random() < 0.5:
        machine.booted = machine.true - 30
    life.member.start()
    _go_on(life)


def _go_on(life: Life) -> None:
    """Until it serves."""
    _state_the_time(life)
    life.member.counting()
    life.caught_up()


def _state_the_time(life: Life) -> None:
    """As the officers do where the clock has stepped."""
    if life.member.journal.stopped:
        _meanwhile(life)
        life.machine.true += life.random.choice((1, 600))
        life.member.unlock()


def _meanwhile(life: Life) -> None:
    """It is asked to explain, and to sign, while something stops it."""
    if life.random.random() < 0.7:
        life.number += 1
        life.explain(life.wallet.build(life.wallet.draw(life.number, life.number // 6)))
    _try_early(life)


def _size(record: bytes) -> int:
    """Of the journal, as a record of the ledger says it."""
    return int.from_bytes(record[8:16])


def _try_early(life: Life) -> None:
    """Before it has caught up (4)."""
    if not life.known or not life.member.keystore.behind():
        return
    try:
        life.member.keystore.sign(life.random.choice(life.known).recorded)
    except Refusal as refusal:
        life.watch.error(refusal)
        if refusal.code != "state-rolled-back":
            life.wrong.append(f"before it caught up: {refusal.code}")
        return
    life.wrong.append("signed before it caught up")
