"""What an honest relayer does to get every withdrawal paid, whatever was done before (rule 4 of `judge`).

1. Set the machines' clocks right, have the officers let all kernels go on, start and connect everyone; who
   then says that its time is another is restarted, as it asks for. The member that may be dishonest is heard,
   and then it is silent. Ask again for what waits; let time void what nobody stands behind.
2. Confirm and bury what is complete; close what is paid, strike what is gone, at every member.
3. Of a withdrawal that is not paid: spend every pin that any member lists for it or for what is bound to it,
   or names in a refusal (what it holds for others it does not list), and pay all that is bound to those
   coins, and all equal ones, to each member under the labels that fit its record; ask members until k have
   signed; go to 2. What has nothing in common is asked for at once; from the fourth time on one after
   another, and also with the pins of fewer members.
"""

from collections import Counter
from itertools import combinations, count

from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.clock import MAX_DIFFERENCE
from signer.core.payment import WithdrawalTerms
from tests.model.drafts import Draft, pin_of, relabelled
from tests.model.driver import Driver
from tests.model.hosts import DEPTH
from tests.model.officers import let_go_on
from tests.model.releasing import release
from tests.model.world import out_of

ROUNDS, AT_ONCE = 14, 3
Infos = dict[str, list[pb.WithdrawalInfo]]
"""What each member lists."""
Wanted = tuple[tuple[WithdrawalTerms, ...], set[OutPoint], int]
"""Burns to pay, pins to spend, rate."""


def finish(driver: Driver) -> list[str]:
    """Pay everything. What cannot be paid."""
    found = _serve(driver)
    if found:
        return found
    heard = {} if not driver.liar else {driver.liar: driver.records(driver.liar)}
    driver.is_silent = True
    driver.team.stop(driver.liar)
    driver.team.end_clone(driver.liar)
    _settle_pending(driver)
    rates = count(12_000, 4_000)
    for number in range(ROUNDS):
        _bury(driver)
        _release_all(driver, heard)
        driver.past.pins = {each: pins for each, pins in driver.past.pins.items() if number % 4}
        heard = {
            name: [each for each in own if _lives(driver, each)] for name, own in heard.items()
        }
        driver.team.time.moment += 300  # words about equal burns count if given after the closing
        if not _unpaid(driver):
            return []
        _pay_all(driver, number, next(rates) % 60_000, heard)
    return [f"withdrawal {each.withdrawal_id.hex()} cannot be paid" for each in _unpaid(driver)]


def _serve(driver: Driver) -> list[str]:
    """1."""
    for member in driver.team.members.values():
        member.host.offset = 0
    for name in driver.may_stop:
        driver.team.stop(name)
    driver.start(*driver.team.members)
    found = driver.settle()
    for name in driver.honest:
        for _ in driver.team.one_by_one(name):  # each replica has its own clock
            let_go_on(driver, name)
    for name in [each for each in driver.honest if _has_drifted(driver, each)]:
        driver.team.stop(name)
        driver.start(name)
    found += driver.settle()
    for name in driver.honest:
        for _ in driver.team.one_by_one(name):
            reasons = driver.running[name].journal.stopped_by()
            found += [f"{name} is shut though nothing is wrong: {each.code}" for each in reasons]
    return found


def _has_drifted(driver: Driver, name: str) -> bool:
    """Whether a replica of that member asks for a restart (`signer.readiness`, 4)."""
    ahead = list[int]()
    for _ in driver.team.one_by_one(name):
        said = driver.call(name, cp.GetStatusRequest(), cp.GetStatusResponse)
        assert isinstance(said, cp.GetStatusResponse)
        ahead.append(abs(said.clock_unix - said.wall_unix))
    return max(ahead) > MAX_DIFFERENCE


def _settle_pending(driver: Driver) -> None:
    """1."""
    for draft in driver.drafts[-10:]:
        for name in driver.honest:
            if draft.burns:
                driver.ask_again(name, draft)
    for _ in range(2):
        driver.team.time.moment += 200
        for name in driver.honest:  # the writer voids in its turns
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
    return {name: driver.records(name) for name in driver.honest}


def _lives(driver: Driver, info: pb.WithdrawalInfo) -> bool:
    """Whether its pin can still be spent: else all who hold it have struck it now."""
    pin = pin_of(info)
    return pin is None or driver.world.chain.killer_of(pin) is None


def _release_all(driver: Driver, heard: Infos) -> None:
    """2. What one member lists, another may hold for it."""
    chain, infos = driver.world.chain, _infos(driver)
    burns = {each.withdrawal_id: each for each in driver.world.burns}
    listed = [each for several in (infos | heard).values() for each in several]
    pins = {(each.withdrawal_id, pin) for each in listed if (pin := pin_of(each)) is not None}
    pins |= {(each, pin) for each, several in driver.past.pins.items() for pin in several}
    unsigned = list[tuple[str, Draft]]()
    for name, own in infos.items():
        closed = {each.withdrawal_id for each in own if each.state == "closed"}
        for info in own:
            paid = [
                each.txid
                for each in info.versions
                if chain.depth(each.txid) >= DEPTH and (name, each.txid) in driver.past.owed
            ]
            if paid and info.withdrawal_id not in closed:
                closed.add(info.withdrawal_id)
                burn = burns[info.withdrawal_id]
                release(driver, name, burn, None, chain.broadcast[Txid(paid[0])])
        closed |= _close_as_agreed(driver, name, closed)
        for withdrawal_id, pin in sorted(pins):
            killer = chain.killer_of(pin)
            if withdrawal_id in closed or killer is None:
                continue
            said = release(driver, name, burns[withdrawal_id], pin, killer[0][-1])
            if said == "release-pays":
                unsigned += _signed_elsewhere(driver, name, killer[0][-1].txid)
    _sign(driver, unsigned)


def _close_as_agreed(driver: Driver, name: str, closed: set[bytes]) -> set[bytes]:
    """What honest members signed says what is paid. Where too few show it, since one may lie, officers do."""
    found, owed = set[bytes](), driver.past.owed.items()
    for draft in {of: each for (signer, of), each in owed if signer in driver.honest}.values():
        for burn in draft.burns if driver.world.chain.depth(draft.txid) >= DEPTH else ():
            if burn.withdrawal_id not in closed | found:
                asked = (driver, name, burn, None, draft.transaction)
                said = release(*asked)
                if said == "release-officers-missing" and driver.shape.dishonest:
                    said = release(*asked, by_officers=True)
                found |= {burn.withdrawal_id} if said == "released" else set()
    return found


def _signed_elsewhere(driver: Driver, name: str, txid: bytes) -> list[tuple[str, Draft]]:
    """The payment that others signed, which is to go on this member's record: then it closes it."""
    return [(name, each) for (_, of), each in driver.past.owed.items() if of == txid][:1]


def _sign(driver: Driver, asked: list[tuple[str, Draft]]) -> None:
    waiting = {(name, each.txid): each for name, each in asked}
    for _ in range(2):
        waiting = {
            key: each
            for key, each in waiting.items()
            if driver.ask(key[0], each) == "agreement-pending"
        }
        if waiting:
            driver.carry()


def _pay_all(driver: Driver, number: int, rate: int, heard: Infos) -> None:
    """3."""
    if number < AT_ONCE:
        infos = _infos(driver) | heard
        drafts = [_drafted(driver, each) for each in _apart(driver, rate, infos)]
        _present(driver, [each for each in drafts if each is not None], infos)
        return
    for burn in _unpaid(driver):
        if burn in _unpaid(driver):
            _pay(driver, burn, rate, heard)


def _apart(driver: Driver, rate: int, infos: Infos) -> list[Wanted]:
    """What all members list, as far as it has nothing in common."""
    found: list[Wanted] = []
    for burn in _unpaid(driver):
        wanted = _bound(driver, burn, rate, infos)
        if wanted is not None and not any(
            set(wanted[0]) & set(each[0]) or wanted[1] & each[1] for each in found
        ):
            found.append(wanted)
    return found


def _pay(driver: Driver, burn: WithdrawalTerms, rate: int, heard: Infos) -> None:
    """With what all members list, or what enough of them do."""
    infos, several = _infos(driver) | heard, driver.honest
    for size in range(len(several), driver.shape.threshold - 1, -1):
        for names in combinations(several, size):
            seen = {name: infos[name] for name in (*names, *heard)}
            wanted = _bound(driver, burn, rate, seen)
            draft = None if wanted is None else _drafted(driver, wanted)
            if draft is not None and _present(driver, [draft], seen):
                return


def _bound(driver: Driver, burn: WithdrawalTerms, rate: int, infos: Infos) -> Wanted | None:
    """The burn with all that is bound to it at these members; None where a pin cannot be spent now."""
    chain, listed = driver.world.chain, [each for several in infos.values() for each in several]
    wanted, pins = {out_of(burn)}, set[OutPoint]()
    while True:
        bound = [
            each
            for each in listed
            if each.state == "open" and (_out(each) in wanted or pin_of(each) in pins)
        ]
        terms = {_out(each) for each in bound} | _told_with(driver, pins)
        found = {pin for each in bound if (pin := pin_of(each)) is not None}
        found |= _told(driver, terms | wanted)
        if terms <= wanted and found <= pins:
            break
        wanted |= terms
        pins |= found
    if any(each in chain.spenders or each.txid not in chain.heights for each in pins):
        return None
    burns = tuple(each for out in sorted(wanted) for each in _owed(driver, out, listed))
    return burns, pins, rate


def _told_with(driver: Driver, pins: set[OutPoint]) -> set[TxOut]:
    """What else, as refusals said, whoever spends these must pay."""
    told = driver.past.pins
    return {out_of(each) for each in _unpaid(driver) if pins & told.get(each.withdrawal_id, set())}


def _told(driver: Driver, wanted: set[TxOut]) -> set[OutPoint]:
    """Living pins that refusals asked for."""
    pins = (
        driver.past.pins.get(each.withdrawal_id, ())
        for each in driver.world.burns
        if out_of(each) in wanted
    )
    chain = driver.world.chain
    return {pin for several in pins for pin in several if chain.killer_of(pin) is None}


def _owed(driver: Driver, out: TxOut, listed: list[pb.WithdrawalInfo]) -> list[WithdrawalTerms]:
    """As many of these equal burns as are not paid; which, the members may see differently."""
    equal = [each for each in driver.world.burns if out_of(each) == out]
    closed = Counter(each.withdrawal_id for each in listed if each.state == "closed")
    pinned = Counter(each.withdrawal_id for each in listed if each.state == "open")
    equal.sort(key=lambda each: (closed[each.withdrawal_id], -pinned[each.withdrawal_id]))
    return equal[: len(equal) - driver.world.paid(equal[0])]


def _drafted(driver: Driver, wanted: Wanted) -> Draft | None:
    """With a fresh coin beside the pins."""
    burns, pins, rate = wanted
    deposit = driver.world.deposit(sum(each.amount for each in burns) + 20_000_000)
    driver.world.chain.mine([deposit.previous])
    coins = (*(driver.world.coins[each] for each in sorted(pins)), deposit)
    draft = driver.draft(burns, coins, rate, 1)
    if draft is not None:
        driver.drafts.append(draft)
    return draft


def _present(driver: Driver, drafts: list[Draft], infos: Infos) -> bool:
    """Whether each of them is signed by enough members."""
    shift = len(driver.drafts) % len(driver.honest)
    names = driver.honest[shift:] + driver.honest[:shift]
    enough = driver.shape.threshold
    for some in (names[:enough], names[enough:]):
        left = [each for each in drafts if not _is_signed(driver, each)]
        asked = [(name, *_first(driver, name, each, infos)) for each in left for name in some]
        waiting = [(name, each) for name, each, said in asked if said == "agreement-pending"]
        for _ in range(3):
            if waiting:
                driver.carry()
                waiting = [each for each in waiting if driver.ask(*each) == "agreement-pending"]
    return all(_is_signed(driver, each) for each in drafts)


def _is_signed(driver: Driver, draft: Draft) -> bool:
    return len(driver.past.signers.get(draft.txid, ())) >= driver.shape.threshold


def _first(driver: Driver, name: str, draft: Draft, infos: Infos) -> tuple[Draft, str]:
    """The draft as that member takes it, and what it says."""
    said = driver.ask(name, draft)
    if said not in ("signed", "agreement-pending") and name in infos:
        draft = _as_seen_by(draft, infos[name], driver)
        said = driver.ask(name, draft)
    driver.tally[f"honest: {said}"] += 1
    return draft, said


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
