"""What an honest relayer does to get every withdrawal paid, whatever was done before (rule 4 of `judge`).

1. Start and connect everyone; ask again for what waits; let time void what nobody stands behind.
2. Confirm and bury what is complete; close what is paid, strike what is gone, at every member.
3. Of a withdrawal that is not paid: spend every pin that any member lists for it or for what is bound to it,
   and pay all that is bound to those coins, and all equal ones, to each member under the labels that fit its
   record; ask members until k have signed; go to 2.
"""

from collections import Counter
from itertools import combinations, count

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.payment import WithdrawalTerms
from tests.model.driver import Draft, Driver, pin_of, relabelled
from tests.model.team import DEPTH
from tests.model.world import out_of

ROUNDS = 14
Infos = dict[str, list[pb.WithdrawalInfo]]
"""What each member lists."""


def finish(driver: Driver) -> list[str]:
    """Pay everything. What cannot be paid."""
    driver.start(*driver.team.members)
    driver.team.clock.moment += 1_000  # wherever the clock was put back to
    if not driver.settle():
        return ["a member does not serve though all run and a carrier connects them"]
    _settle_pending(driver)
    rates = count(12_000, 4_000)
    for _ in range(ROUNDS):
        _bury(driver)
        _release_all(driver)
        driver.team.clock.moment += 10  # words about equal burns count if given after the closing
        unpaid = _unpaid(driver)
        if not unpaid:
            return []
        for burn in unpaid:
            if burn in _unpaid(driver):
                _pay(driver, burn, next(rates) % 60_000)
    return [f"withdrawal {each.withdrawal_id.hex()} cannot be paid" for each in _unpaid(driver)]


def _settle_pending(driver: Driver) -> None:
    """1."""
    for _ in range(2):
        for draft in driver.drafts[-10:]:
            for name in sorted(driver.running):
                if draft.burns:
                    driver.ask(name, draft)
        driver.team.clock.moment += 200
        driver.settle()
        for name in sorted(driver.running):  # the writer voids in its turns
            driver.running[name].journal.note(lambda _, __: ())
        driver.settle()


def _bury(driver: Driver) -> None:
    chain = driver.world.chain
    for _ in range(2):
        chain.mine(sorted(chain.broadcast.values(), key=lambda each: each.txid))
    for _ in range(DEPTH):
        chain.mine([])


def _unpaid(driver: Driver) -> list[WithdrawalTerms]:
    return [
        each for each in driver.world.burns if driver.world.paid(each) < driver.world.equals(each)
    ]


def _infos(driver: Driver) -> Infos:
    return {name: driver.records(name) for name in sorted(driver.running)}


def _release_all(driver: Driver) -> None:
    """2. What one member lists, another may hold for it."""
    chain, infos = driver.world.chain, _infos(driver)
    burns = {each.withdrawal_id: each for each in driver.world.burns}
    listed = [each for several in infos.values() for each in several]
    pins = {(each.withdrawal_id, pin) for each in listed if (pin := pin_of(each)) is not None}
    for name, own in infos.items():
        closed = {each.withdrawal_id for each in own if each.state == "closed"}
        for info in own:
            paid = [each.txid for each in info.versions if chain.depth(each.txid) >= DEPTH]
            if paid and info.withdrawal_id not in closed:
                closed.add(info.withdrawal_id)
                burn = burns[info.withdrawal_id]
                driver.release(name, burn, None, chain.broadcast[Txid(paid[0])])
        for withdrawal_id, pin in sorted(pins):
            killer = chain.killer_of(pin)
            if withdrawal_id in closed or killer is None:
                continue
            said = driver.release(name, burns[withdrawal_id], pin, killer[0][-1])
            if said == "release-pays":
                _sign_after(driver, name, killer[0][-1].txid)


def _sign_after(driver: Driver, name: str, txid: bytes) -> None:
    """The payment that others signed goes on this member's record, and then closes it."""
    known = (each for (_, of), each in driver.owed.items() if of == txid)
    draft = next(known, None)
    if draft is not None and driver.ask(name, draft) == "agreement-pending":
        driver.carry()
        driver.ask(name, draft)


def _pay(driver: Driver, burn: WithdrawalTerms, rate: int) -> None:
    """3. With what all members list, or what enough of them do."""
    infos, several = _infos(driver), sorted(driver.running)
    for size in range(len(several), driver.shape.threshold - 1, -1):
        for names in combinations(several, size):
            if _pay_with(driver, burn, rate, {name: infos[name] for name in names}):
                return


def _pay_with(driver: Driver, burn: WithdrawalTerms, rate: int, infos: Infos) -> bool:
    """Whether a transaction that heeds these members' pins is signed."""
    chain, listed = driver.world.chain, [each for several in infos.values() for each in several]
    wanted, pins = {out_of(burn)}, set[OutPoint]()
    while True:
        bound = [
            each
            for each in listed
            if each.state == "open" and (_out(each) in wanted or pin_of(each) in pins)
        ]
        terms = {_out(each) for each in bound}
        found = {pin for each in bound if (pin := pin_of(each)) is not None}
        if terms <= wanted and found <= pins:
            break
        wanted |= terms
        pins |= found
    if any(each in chain.spenders or each.txid not in chain.heights for each in pins):
        return False
    burns = tuple(each for out in sorted(wanted) for each in _owed(driver, out, listed))
    return _present(driver, (burns, pins, rate), infos)


def _owed(driver: Driver, out: TxOut, listed: list[pb.WithdrawalInfo]) -> list[WithdrawalTerms]:
    """As many of these equal burns as are not paid; which, the members may see differently."""
    equal = [each for each in driver.world.burns if out_of(each) == out]
    closed = Counter(each.withdrawal_id for each in listed if each.state == "closed")
    pinned = Counter(each.withdrawal_id for each in listed if each.state == "open")
    equal.sort(key=lambda each: (closed[each.withdrawal_id], -pinned[each.withdrawal_id]))
    return equal[: len(equal) - driver.world.paid(equal[0])]


def _present(
    driver: Driver, wanted: tuple[tuple[WithdrawalTerms, ...], set[OutPoint], int], infos: Infos
) -> bool:
    burns, pins, rate = wanted
    deposit = driver.world.deposit(sum(each.amount for each in burns) + 20_000_000)
    driver.world.chain.mine([deposit.previous])
    coins = (*(driver.world.coins[each] for each in sorted(pins)), deposit)
    draft = driver.draft(burns, coins, rate, 1)
    if draft is None:
        return False
    driver.drafts.append(draft)
    for name in sorted(driver.running):
        said = _ask(driver, name, draft)
        if said != "signed" and name in infos:
            said = _ask(driver, name, _as_seen_by(draft, infos[name], driver))
        driver.tally[f"honest: {said}"] += 1
        if len(driver.signers.get(draft.txid, ())) >= driver.shape.threshold:
            return True
    return False


def _ask(driver: Driver, name: str, draft: Draft) -> str:
    said = driver.ask(name, draft)
    for _ in range(3):
        if said == "agreement-pending":
            driver.carry()
            said = driver.ask(name, draft)
    return said


def _as_seen_by(draft: Draft, own: list[pb.WithdrawalInfo], driver: Driver) -> Draft:
    """The same transaction with the labels that fit a member's record: of equal burns first those pinned to
    what it spends, none that is closed there."""
    spent = {each.outpoint for each in draft.coins}
    state = {each.withdrawal_id: each for each in own}

    def rank(burn: WithdrawalTerms) -> tuple[bool, bool]:
        info = state.get(burn.withdrawal_id)
        return (
            info is not None and info.state == "closed",
            info is None or pin_of(info) not in spent,
        )

    labels: list[WithdrawalTerms] = []
    for burn in draft.burns:
        equal = [each for each in driver.world.burns if out_of(each) == out_of(burn)]
        labels.append(min((each for each in equal if each not in labels), key=rank))
    return relabelled(draft, labels)


def _out(info: pb.WithdrawalInfo) -> TxOut:
    return TxOut(Sats(info.amount_sat), info.script_pubkey)
