"""What happens, one thing at a time: each step is a function of the driver, drawn by weight."""

from collections.abc import Callable

from signer.bitcoin.transaction import Txid
from signer.core.payment import WithdrawalTerms
from tests.kernel.history_world import Owned
from tests.model.driver import Draft, Driver, pin_of, relabelled

Step = Callable[[Driver], None]


def step(driver: Driver) -> None:
    """One thing at random."""
    (chosen,) = driver.random.choices(_NAMED, _WEIGHTS)
    driver.past.append(chosen.__name__)
    if driver.running or chosen in (wake, burn, deposit, mine, bury, wait):
        chosen(driver)


def _member(driver: Driver) -> str:
    return driver.random.choice(sorted(driver.running))


def _some_burns(driver: Driver) -> tuple[WithdrawalTerms, ...]:
    burns = driver.world.burns[-12:]
    return tuple(
        driver.random.sample(burns, min(len(burns), driver.random.choice((1, 1, 1, 2, 3))))
    )


def _some_coins(driver: Driver, held: tuple[Owned, ...] = ()) -> tuple[Owned, ...]:
    coins = [each for each in driver.world.unspent() if each not in held]
    return tuple(driver.random.sample(coins, min(len(coins), driver.random.choice((1, 1, 2, 3)))))


def _present(driver: Driver, draft: Draft | None) -> None:
    """Ask one member, or several one after another, each told what it is told."""
    if draft is None:
        return
    driver.drafts.append(draft)
    names = sorted(driver.running)
    for name in driver.random.sample(names, min(len(names), driver.random.choice((1, 1, 2)))):
        driver.ask(name, draft)


def pay(driver: Driver) -> None:
    rate = driver.random.randrange(2_000, 8_000)
    burns, coins = _some_burns(driver), _some_coins(driver)
    _present(driver, driver.draft(burns, coins, rate, driver.random.randrange(4)))


def _recent(driver: Driver) -> Draft | None:
    recent = [each for each in driver.drafts[-10:] if each.burns]
    return driver.random.choice(recent) if recent else None


def bump(driver: Driver) -> None:
    """The same coins and burns at another fee."""
    if (draft := _recent(driver)) is not None:
        rate = driver.random.randrange(3_000, 30_000)
        _present(driver, driver.draft(draft.burns, draft.coins, rate, 0))


def grow(driver: Driver) -> None:
    """Another coin, and perhaps another burn."""
    if (draft := _recent(driver)) is not None:
        coins = (*draft.coins, *_some_coins(driver, draft.coins)[:2])
        burns = draft.burns
        others = [each for each in driver.world.burns[-12:] if each not in burns]
        if others and driver.random.random() < 0.5:
            burns = (*burns, driver.random.choice(others))
        _present(driver, driver.draft(burns, coins, 9_000, 0))


def shrink(driver: Driver) -> None:
    """Fewer burns, or fewer coins."""
    draft = _recent(driver)
    if draft is not None and len(draft.burns) + len(draft.coins) > 2:
        burns, coins = draft.burns, draft.coins
        if len(burns) > 1 and driver.random.random() < 0.5:
            burns = burns[1:]
        elif len(coins) > 1:
            coins = coins[1:]
        _present(driver, driver.draft(burns, coins, 5_000, 0))


def present_again(driver: Driver) -> None:
    """A known request to whichever member."""
    if driver.drafts:
        driver.ask(_member(driver), driver.random.choice(driver.drafts[-12:]))


def relabel(driver: Driver) -> None:
    """A known transaction, or a new one of one of several equal burns, told differently to two members."""
    draft, equals = (
        _recent(driver),
        [each for each in driver.world.burns if driver.world.equals(each) > 1],
    )
    if equals and driver.random.random() < 0.7:
        burn = driver.random.choice(equals)
        draft = driver.draft((burn,), _some_coins(driver)[:1], 4_000, 2)
    if draft is not None:
        names = sorted(driver.running)
        for name in driver.random.sample(names, min(len(names), 2)):
            told = driver.relabelled(draft) if driver.random.random() < 0.6 else draft
            driver.drafts.append(told)
            driver.ask(name, told)


def split(driver: Driver) -> None:
    """Two equal burns, three transactions that each pay one of them: every member is told of two, once as
    this burn and once as the other (ADR 0006)."""
    first, names = driver.world.burn(), sorted(driver.running)
    second = driver.world.burn(first)
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        coin = driver.world.deposit()
        driver.world.chain.mine([coin.previous])
        draft = driver.draft((first,), (coin,), 3_000, 3)
        if draft is not None:
            driver.drafts += (draft, relabelled(draft, [second]))
            for asked, told in zip((name, other), driver.drafts[-2:], strict=True):
                driver.ask(asked, told)


def retry(driver: Driver) -> None:
    """What a member signed once it signs again, unless its withdrawal has ended or the member waits."""
    owed = [key for key in driver.owed if key[0] in driver.running]
    if owed:
        name, txid = driver.random.choice(owed)
        draft = driver.owed[name, txid]
        is_ended = any(each.withdrawal_id in driver.ended for each in draft.burns)
        said = driver.ask(name, draft)
        waits = said in ("agreement-starting", "state-rolled-back", "agreement-pending")
        if said != "signed" and not is_ended and not (waits and driver.shape.witnesses):
            driver.violations.append(f"{name} signed and will not sign again: {said}")


def anchor(driver: Driver) -> None:
    coins = _some_coins(driver)
    if coins:
        batch = driver.random.randrange(1, 5)
        _present(driver, driver.anchor_draft(batch, coins[0], 5))


def carry(driver: Driver) -> None:
    """Between two members, or all of them."""
    names = sorted(driver.running)
    if driver.shape.witnesses and len(names) > 1:
        way = driver.random.randrange(3)
        if way == 0:
            driver.carry()
        else:
            driver.carry(*driver.random.sample(names, 2), oneway=way == 1)


def burn(driver: Driver) -> None:
    known = driver.world.burns
    like = driver.random.choice(known[-6:]) if known and driver.random.random() < 0.3 else None
    if like is None or driver.world.equals(like) < 3:
        driver.world.burn(like)


def deposit(driver: Driver) -> None:
    driver.world.deposit()


def mine(driver: Driver) -> None:
    driver.world.chain.mine_some(driver.random)


def bury(driver: Driver) -> None:
    driver.world.chain.mine_some(driver.random, driver.random.randrange(2, 7))


def reorganise(driver: Driver) -> None:
    driver.world.chain.reorganise(driver.random.randrange(1, 9))


def take(driver: Driver) -> None:
    """A coin goes by the recovery path, or a depositor replaces what made it."""
    coins = list(driver.world.coins.values())[-12:]
    coin = driver.random.choice(coins)
    is_deposit = coin.branch == 0 and driver.random.random() < 0.5
    taken = coin.previous.inputs[0].previous if is_deposit else coin.outpoint
    driver.world.taken(taken)


def release(driver: Driver) -> None:
    """Close or strike what seems to have ended, at one member, too early perhaps; or strike what is paid."""
    name, chain = _member(driver), driver.world.chain
    burns = {each.withdrawal_id: each for each in driver.world.burns}
    records = [each for each in driver.records(name) if each.withdrawal_id in burns]
    driver.random.shuffle(records)
    for record in records[:6]:
        burn, pin = burns[record.withdrawal_id], pin_of(record)
        paid = [each.txid for each in record.versions if each.txid in chain.heights]
        if paid and (pin is None or driver.random.random() < 0.8):
            driver.release(name, burn, None, chain.broadcast[Txid(paid[0])])
        elif pin is not None and (killer := chain.killer_of(pin)) is not None:
            driver.release(name, burn, pin, killer[0][-1])


def restart(driver: Driver) -> None:
    name = _member(driver)
    driver.team.stop(name)
    if driver.random.random() < 0.4:
        driver.team.save(name)
    driver.team.start(name)


def sleep(driver: Driver) -> None:
    if len(driver.running) > 1:
        driver.team.stop(_member(driver))


def wake(driver: Driver) -> None:
    driver.start(*driver.team.members)


def restore(driver: Driver) -> None:
    """A member's disk is put back to a copy; one at a time, since f = 0."""
    name, copies = _member(driver), driver.team.copies
    all_run = len(driver.running) == driver.shape.members
    if not (driver.shape.witnesses and all_run and copies[name]) or driver.behind:
        return
    me = driver.running[name].log_key
    heads = (each.head().followed for each in driver.running.values())
    read = [each.size for followed in heads for each in followed if each.log_key == me]
    driver.team.stop(name)
    driver.team.restore(name, driver.random.choice(copies[name]))
    driver.heads[name].forget_beyond(max(read))
    driver.closed = {each for each in driver.closed if each[0] != name}
    driver.behind.add(name)
    driver.team.start(name)


def forget(driver: Driver) -> None:
    """The relayer loses what it knew."""
    del driver.drafts[:-2]


def wait(driver: Driver) -> None:
    """Time passes; sometimes the clock steps back."""
    driver.team.clock.moment += driver.random.choice((1, 30, 130, 600, -200))


STEPS: dict[Step, int] = {
    pay: 22,
    bump: 8,
    grow: 7,
    shrink: 5,
    present_again: 22,
    relabel: 8,
    split: 2,
    retry: 6,
    anchor: 4,
    carry: 26,
    burn: 6,
    deposit: 5,
    mine: 9,
    bury: 3,
    reorganise: 4,
    take: 2,
    release: 6,
    restart: 3,
    sleep: 1,
    wake: 3,
    restore: 3,
    forget: 1,
    wait: 4,
}
_NAMED, _WEIGHTS = list(STEPS), list(STEPS.values())
