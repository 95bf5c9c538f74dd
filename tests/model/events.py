"""Steps of everybody else: users, the chain, attestors, the members' hosts, whoever carries between them."""

from carrier.member import NoAnswer
from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.transaction import Txid
from tests.model import releasing
from tests.model.drafts import pin_of
from tests.model.driver import Driver

# --- the rollup and the chain


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
    name, chain = driver.random.choice(sorted(driver.running)), driver.world.chain
    burns = {each.withdrawal_id: each for each in driver.world.burns}
    records = [each for each in driver.records(name) if each.withdrawal_id in burns]
    driver.random.shuffle(records)
    for record in records[:6]:
        burn, pin = burns[record.withdrawal_id], pin_of(record)
        paid = [each.txid for each in record.versions if each.txid in chain.heights]
        if paid and (pin is None or driver.random.random() < 0.8):
            releasing.release(driver, name, burn, None, chain.broadcast[Txid(paid[0])])
        elif pin is not None and (killer := chain.killer_of(pin)) is not None:
            releasing.release(driver, name, burn, pin, killer[0][-1])


def reorganise_rollup(driver: Driver) -> None:
    """The batches from some number on get other roots, which attestors attest from now on."""
    for batch in range(driver.random.randrange(2, 5), 5):
        driver.world.roots[batch] += 1


# --- carriers


def carry(driver: Driver) -> None:
    """Between two members, one way or both, or between all."""
    names = sorted(driver.running)
    if driver.shape.witnesses and len(names) > 1:
        way = driver.random.randrange(6)
        if way == 0:
            driver.carry()
        else:
            driver.carry(*driver.random.sample(names, 2), oneway=way > 3)


def carry_again(driver: Driver) -> None:
    """What was brought before, to whom it was brought or to another: late grants, old pieces, old answers."""
    if not driver.carried:
        return
    name, request = driver.random.choice(driver.carried)
    if driver.random.random() < 0.3:
        name = driver.random.choice(sorted(driver.running))
    if name in driver.running:
        try:
            driver.member(name).ask(request, au.WitnessResponse)
        except NoAnswer as error:
            driver.tally[f"carried again: {str(error).split(':')[1].strip()}"] += 1


# --- hosts


def restart(driver: Driver) -> None:
    if driver.may_stop:
        name = driver.random.choice(driver.may_stop)
        driver.team.stop(name)
        if driver.random.random() < 0.4:
            driver.team.save(name)
        driver.team.start(name)


def sleep(driver: Driver) -> None:
    if len(driver.running) > 1 and driver.may_stop:
        driver.team.stop(driver.random.choice(driver.may_stop))


def wake(driver: Driver) -> None:
    driver.start(*driver.team.members)


def restore(driver: Driver) -> None:
    """A member's disk is put back to a copy while its kernel is stopped; one at a time, and not the member
    that counts as dishonest: its clone is that."""
    copied = [name for name in driver.may_stop if driver.team.copies[name] and name != driver.liar]
    all_run = len(driver.running) == driver.shape.members
    if not (driver.shape.witnesses and all_run and copied) or driver.past.behind:
        return
    name = driver.random.choice(copied)
    me = driver.running[name].log_key
    heads = (driver.running[each].head().followed for each in driver.honest if each != name)
    read = [each.size for followed in heads for each in followed if each.log_key == me]
    driver.team.stop(name)
    driver.team.restore(name, driver.random.choice(driver.team.copies[name]))
    driver.heads[name].forget_beyond(max(read))
    driver.logs[name].forget()
    driver.past.forget(name)
    driver.team.start(name)


def wait(driver: Driver) -> None:
    """Time passes."""
    driver.team.time.moment += driver.random.choice((1, 30, 130, 130, 600))


def wait_long(driver: Driver) -> None:
    """More than a day, which a kernel that is down meanwhile does not believe by itself."""
    driver.team.time.moment += 90_000


def step_clock(driver: Driver) -> None:
    """One machine's wall clock is wrong from now on, or right again. A kernel alone believes a clock that is
    up to a day ahead (docs/control.md), so there it is only behind, or hardly ahead."""
    hosts = [driver.team.members[name].host for name in sorted(driver.team.members)]
    if any(each.offset for each in hosts):
        for each in hosts:
            each.offset = 0
        return
    steps = [-100_000, -5_000, -600, -100, 100]
    if driver.shape.witnesses:
        steps += [600, 5_000, 100_000]
    driver.random.choice(hosts).offset = driver.random.choice(steps)
