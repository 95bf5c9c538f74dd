"""The steps of a life, by weight, and the life itself."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from keystore.caps import DAY, LATE, Caps
from keystore.header import Binding, Limits
from keystore.identity import Identity
from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from signer.core.spend import RecordedSpend, VerifiedSpend
from tests.custody.books import Books
from tests.custody.canaries import Watch, listening
from tests.custody.coins import BATCH, HOUSES, Order, Wallet
from tests.custody.lies import lied
from tests.custody.life import Life
from tests.custody.member import Member
from tests.custody.mishaps import (
    crash,
    damage,
    fold,
    lose_all,
    lose_the_last,
    put_back,
    restart,
    roll_back,
    set_back,
    start,
)
from tests.keystore.vaultroom import SEED

ON_A_BATCH = 6
"""Orders, until the next coins are there."""


def spend(life: Life) -> None:
    """A new withdrawal of an honest core."""
    order = _order(life)
    built = life.wallet.build(order)
    if not life.refused(built) and life.pay(order, built) is None:
        life.wrong.append("what was asked for, and passed, is refused when it is to be signed")


def race(life: Life) -> None:
    """Both are asked for before either is charged."""
    orders = (_order(life), _order(life))
    built = [life.wallet.build(order) for order in orders]
    asked = [not life.refused(each) for each in built]
    for order, each, passes in zip(orders, built, asked, strict=True):
        if passes:
            life.pay(order, each)


def bump(life: Life) -> None:
    """A higher fee, perhaps a coin more: charged by the difference at most."""
    if not life.known:
        return
    before = life.random.choice(life.known[-8:])
    order = before.order
    batch, coins = order.coins[0] // BATCH, order.coins
    if life.random.random() < 0.3:
        coins = tuple(sorted({*coins, life.random.randrange(batch * BATCH, (batch + 1) * BATCH)}))
    order = order._replace(coins=coins, fee=order.fee + life.random.randrange(1, 60_000))
    try:
        built = life.wallet.build(order)
    except (Refusal, Malformed):
        return  # the coins do not pay for it
    remembered = life.remembers(before)
    if life.refused(built):
        return
    known = life.pay(order, built)
    if known is not None and remembered:
        most = max(0, known.leaves - before.leaves)
        if life.charged[-1][1] > most:
            life.wrong.append(f"a bump of {most} sat is charged {life.charged[-1][1]}")


def retry(life: Life) -> None:
    """The same again: signed, and nothing is charged. Not if a dearer version was signed since, and late."""
    if not life.known:
        return
    place = life.random.randrange(len(life.known))
    known = life.known[place]
    remembered = life.remembers(known) and not life.is_overtaken(known)
    growth = life.sign(known.recorded)
    if remembered and growth != 0:
        life.wrong.append(f"a retry is {'refused' if growth is None else f'charged {growth}'}")
    if growth:
        life.known[place] = known._replace(charged_at=life.machine.true)


def wait(life: Life) -> None:
    """Several are recorded, within the caps each, and wait for grants."""
    for _ in range(life.random.choice((1, 2, 3))):
        order = _order(life)
        built = life.wallet.build(order)
        if not life.refused(built):
            recorded = life.record(built)
            life.member.journal.waiting.add(built.transaction.txid)
            life.held.append((order, recorded))


def late(life: Life) -> None:
    """What was refused, or waited, is signed after all, or never; then a power failure, perhaps, after which
    the day is as full."""
    if life.random.random() < 0.5:
        life.member.pass_(life.random.choice((LATE // 2, LATE, LATE + 1, DAY)))
    life.random.shuffle(life.held)
    while life.held and life.random.random() < 0.7:
        _, recorded = life.held.pop()
        life.member.journal.waiting.discard(recorded.spend.transaction.txid)
        if life.sign(recorded) and life.random.random() < 0.5:
            lose_the_last(life)
            spend(life)
            spend(life)


def at_the_last_moment(life: Life) -> None:
    """Six hours after its entry; the record is lost, and the day after is as full."""
    order = _order(life)
    built = life.wallet.build(order)
    if life.refused(built):
        return
    recorded = life.record(built)
    life.member.pass_(LATE)
    if life.sign(recorded):
        lose_the_last(life)
        life.member.pass_(DAY - LATE // 2)
        for _ in range(5):
            spend(life)


def free(life: Life) -> None:
    """An old version would cost nothing beside a dearer one; then a further one, on its other coin, where an
    entry stands that was never signed. All is cut."""
    first, paid = _fresh(life)
    pair = sorted((first, first + 1), key=lambda each: life.wallet.coin(each).outpoint)
    old = _asked(life, paid, pair[1])
    life.member.pass_(2 * DAY)
    _asked(life, paid, pair[0])
    for recorded in (
        _asked(life, paid, *pair, fee=50_000),
        old,
        _asked(life, paid, pair[0]),
    ):
        _signed(life, recorded)
    lose_all(life)
    for coin in range(first + 2, first + BATCH):
        _signed(life, _asked(life, paid, coin))


def dated(life: Life) -> None:
    """On the coin of an entry that was never signed, when that is about to leave the day; all is cut."""
    first, paid = _fresh(life)
    for coin in (first, first + 1):
        _asked(life, paid, coin)
    life.member.pass_(DAY + LATE - 60)
    for coin in (first, first + 1):
        _signed(life, _asked(life, paid, coin))
    lose_all(life)
    life.member.pass_(120)
    for coin in range(first + 2, first + BATCH):
        _signed(life, _asked(life, paid, coin))


def _fresh(life: Life) -> tuple[int, int]:
    """The first coin of a batch of which none was drawn, and what can be paid from each of them."""
    life.number += 3 * ON_A_BATCH
    first = life.number // ON_A_BATCH * BATCH
    held = [life.wallet.coin(each).amount or 0 for each in range(first, first + BATCH)]
    return first, min(life.member.limits.caps.per_spend, *held) - 60_000


def _asked(life: Life, paid: int, *coins: int, fee: int = 1_000) -> RecordedSpend | None:
    """Recorded, if the gate has no objection."""
    life.number += 1
    built = life.wallet.build(Order(life.number, coins, paid, fee, 0))
    return None if life.refused(built) else life.record(built)


def _signed(life: Life, recorded: RecordedSpend | None) -> None:
    if recorded is not None:
        life.sign(recorded)


def stated(life: Life) -> None:
    """The clock has stepped, the officers state the time; and what is signed then is as young at the next
    start."""
    life.member.stop()
    life.machine.true += 2 * DAY
    start(life)
    for _ in range(4):
        spend(life)
    restart(life)
    for _ in range(4):
        spend(life)


def explain(life: Life) -> None:
    life.explain(life.wallet.build(_order(life)))


def lie(life: Life) -> None:
    """A core that is wrong, and may not even ask."""
    told = lied(life.wallet.build(_order(life)), life.wallet.house, life.random)
    _dishonest(life, told)


def rotate(life: Life) -> None:
    """All of some coins to the next vault, which the sealed header may name."""
    built = life.wallet.rotate(_order(life).coins, life.random.randrange(1_000, 50_000))
    if life.random.random() < 0.3:
        built = replace(built, rotations=(built.rotations[0],) * 2)
    _dishonest(life, built)


def unsigned(life: Life) -> None:
    """Recorded, and the process ends before it is charged."""
    order = _order(life)
    built = life.wallet.build(order)
    if not life.refused(built):
        life.held.append((order, life.record(built)))
        restart(life)


def _dishonest(life: Life, told: VerifiedSpend) -> None:
    with life.refusable():
        if life.random.random() < 0.3 and life.member.keystore.objections(told, 0):
            return
        recorded = life.record(told)
        if life.random.random() < 0.1:
            life.held.append((_order(life), recorded))
        else:
            life.sign(recorded)


def hours(life: Life) -> None:
    life.member.pass_(life.random.randrange(10 * 3_600))


def days(life: Life) -> None:
    life.member.pass_(DAY + life.random.choice((-1, 0, 1, DAY)))


def weeks(life: Life) -> None:
    """Accounts are forgotten."""
    life.member.pass_(15 * DAY)
    life.lost_at = life.machine.true


class Step(NamedTuple):
    """One kind."""

    weight: int
    take: Callable[[Life], None]


STEPS = (
    Step(30, spend),
    Step(12, bump),
    Step(8, retry),
    Step(20, lie),
    Step(6, rotate),
    Step(5, race),
    Step(3, unsigned),
    Step(4, wait),
    Step(12, late),
    Step(2, explain),
    Step(2, stated),
    Step(3, at_the_last_moment),
    Step(1, free),
    Step(1, dated),
    Step(12, hours),
    Step(3, days),
    Step(1, weeks),
    Step(3, restart),
    Step(6, crash),
    Step(3, damage),
    Step(2, fold),
    Step(3, roll_back),
    Step(3, put_back),
    Step(1, set_back),
)


def _order(life: Life) -> Order:
    """For coins of late, mostly."""
    life.number += 1
    batch = max(0, life.number // ON_A_BATCH - life.random.choice((0, 0, 0, 1, 2)))
    return life.wallet.draw(life.number, batch)


def born(folder: Path, identity: Identity, random: Random) -> Life:
    """A member with caps of its own, perhaps a successor, and a ledger key that is a canary."""
    house = random.choice(HOUSES)
    per_spend = random.choice((40_000_000, 100_000_000))
    caps = Caps(Sats(per_spend), Sats(per_spend * random.choice((1, 2, 3))))
    successor = random.choice((b"", house.successor.fingerprint))
    binding = Binding(house.vault.fingerprint, b"\x02" * 32, b"\x03" * 32)
    ledger_key = random.randbytes(32)
    watch = Watch({"seed": SEED, "ledger's key": ledger_key})
    member = Member(folder, identity, binding, Limits(caps, successor), ledger_key, watch)
    return Life(member, Wallet(house, random), random, Books(caps, member.machine.true), watch)


def live(folder: Path, identity: Identity, seed: int, steps: int) -> tuple[list[str], Counter[str]]:
    """What was wrong in one life, and what happened."""
    random = Random(seed)
    life = born(folder, identity, random)
    weights = [each.weight for each in STEPS]
    with listening(life.watch):
        for number in range(steps):
            (step,) = random.choices(STEPS, weights)
            life.tally[f"step {step.take.__name__}"] += 1
            step.take(life)
            if life.wrong:
                life.wrong = [f"step {number}, {step.take.__name__}: {life.wrong[0]}"]
                break
    life.wrong += life.watch.found({"the ledger": life.member.ledger.read_bytes()})
    life.member.keystore.close()
    return life.wrong, life.tally
