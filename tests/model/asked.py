"""Steps of the relayer: what it asks the members to sign, and what it tells whom."""

from signer.core.payment import WithdrawalTerms
from tests.kernel.history_world import Owned
from tests.model.drafts import Draft, relabelled
from tests.model.driver import AHEAD, Driver
from tests.model.past import Stopped

WAITS = ("agreement-starting", "state-rolled-back", "agreement-pending", "clock-stepped")
"""Why a member may not sign again now what it signed once; `honest.finish` sees that it does in the end."""


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


def pay_again(driver: Driver) -> None:
    """What some members signed, from other coins, by others."""
    signed = [
        each for each in driver.drafts[-12:] if each.burns and each.txid in driver.past.signers
    ]
    if signed:
        draft = driver.random.choice(signed)
        again = driver.draft(draft.burns, _some_coins(driver, draft.coins), 6_000, 4)
        if again is not None:
            driver.drafts.append(again)
            names = [each for each in driver.honest if each not in driver.past.signers[draft.txid]]
            for name in driver.random.sample(names, min(len(names), 2)) or driver.honest[:1]:
                driver.ask(name, again)


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
    """What a member signed once it signs again, without a word of an attestor, unless its withdrawal has
    ended, officers stopped the member, or it waits."""
    owed = [key for key in driver.past.owed if key[0] in driver.running]
    if owed:
        name, txid = driver.random.choice(owed)
        draft = driver.past.owed[name, txid]
        is_ended = any(each.withdrawal_id in driver.past.ended for each in draft.burns)
        said = driver.ask_again(name, draft)
        if said != "signed" and not is_ended and said not in _reasons(driver, name):
            driver.violations.append(f"{name} signed and will not sign again: {said}")


def _reasons(driver: Driver, name: str) -> set[str]:
    reasons = set(driver.past.stopped.get(name, Stopped()).codes(driver.now - AHEAD))
    if name in driver.past.restored:  # what it lost and had back may stop it
        reasons |= {"kernel-locked", "kernel-paused"}
    return reasons | set(WAITS if driver.shape.witnesses else WAITS[-1:])


def anchor(driver: Driver) -> None:
    coins = _some_coins(driver)
    if coins:
        batch = driver.random.randrange(1, 5)
        _present(driver, driver.anchor_draft(batch, coins[0], 5))


def forget(driver: Driver) -> None:
    """The relayer loses what it knew."""
    del driver.drafts[:-2]
