"""What must never be, and what must always be possible (issue 6): looked at from outside the kernels.

1. No withdrawal can be paid twice on any chain from here, no batch has two roots, nothing is signed while
   officers have stopped the kernel (`Driver._signed` looks at each signature).
2. What a member signed it signs again, without another word of an attestor.
3. Its windows count what its entries that are not void would count alone, added up here from the log.
4. An honest relayer can pay every withdrawal: `tests.model.honest`.
5. `journal verify` finds nothing, and the log has every head that was ever released.
6. No entry is recorded at a time more than two minutes ahead of the true one, none before an earlier one.
Of the member that may be dishonest nothing of this is asked.
"""

from collections.abc import Iterator

from signer.core.agreement.notices import HeardNotice, VoidNotice
from signer.core.errors import Refusal
from signer.journal.audit import verify_journal
from signer.journal.entry import Entry, SignedEntry
from signer.ports.reading import Reading
from tests.model.driver import AHEAD, Driver

DAY = 86_400


def judge(driver: Driver, name: str) -> Iterator[str]:
    """What is wrong with a running member (3, 5)."""
    member = driver.running[name]
    with member.journal.reading() as reading:
        entries = driver.logs[name].read(reading)
        vault = driver.world.vault.fingerprint
        for since in (0, driver.now - DAY, driver.now - 300):
            counted = reading.outflow_since(vault, since), reading.withdrawals_since(vault, since)
            if counted != charged(entries, since):
                yield f"{name} counts {counted} since {since}, not {charged(entries, since)}"
        yield from _unpaid_pins(name, entries, reading)
        yield from _while_locked(driver, name, entries)
    yield from _misdated(name, entries, driver.now + AHEAD)
    if name not in driver.past.behind:
        yield from driver.heads[name].contradicted(name, member.journal)


def _while_locked(driver: Driver, name: str, entries: list[Entry]) -> Iterator[str]:
    """Rule 1, and that nothing is granted."""
    stopped = driver.past.stopped.get(name)
    for each in entries[stopped.locked + 1 :] if stopped and stopped.locked else ():
        granted = isinstance(each, HeardNotice) and any(taken.granted for taken in each.taken)
        if granted or isinstance(each, SignedEntry):
            yield f"{name} records what it signs, or grants, while it is locked"


def _misdated(name: str, entries: list[Entry], latest: int) -> Iterator[str]:
    """Rule 6."""
    clocks = [each.clock for each in entries[-20:]]
    if clocks[-1] > latest:
        yield f"{name} records an entry {clocks[-1] - latest + AHEAD} s before its time"
    if clocks != sorted(clocks):
        yield f"{name} records an entry before an earlier one"


def _unpaid_pins(name: str, entries: list[Entry], reading: Reading) -> Iterator[str]:
    """J1, as the member has it on record: what spends the pin of an open withdrawal pays it."""
    recorded = (reading.withdrawal(each) for each in reading.withdrawals(b"", 1_000))
    pins = {(each.pin, each.terms.withdrawal_id) for each in recorded if each and each.pin}
    for entry in _live(entries).values():
        spent = {each.outpoint for each in entry.claims.coins}
        paid = {each.withdrawal_id for each in entry.claims.payments}
        if any(pin in spent and withdrawal_id not in paid for pin, withdrawal_id in pins):
            yield f"{name} has what spends a pin and does not pay its withdrawal"


def _live(entries: list[Entry]) -> dict[int, SignedEntry]:
    """By number: what is signed, or waits for grants."""
    void = {each.number for each in entries if isinstance(each, VoidNotice)}
    return {
        number: each
        for number, each in enumerate(entries)
        if isinstance(each, SignedEntry) and number not in void
    }


def audit(driver: Driver, name: str) -> Iterator[str]:
    """Rule 5."""
    try:
        verify_journal(driver.team.members[name].journal)
    except Refusal as refusal:
        yield f"{name}: {refusal}"


def charged(entries: list[Entry], since: int) -> tuple[int, int]:
    """Satoshi and withdrawals that count after that moment (3)."""
    amount = fresh = 0
    seen = set[bytes]()
    dearest: dict[object, int] = {}
    for number, entry in _live(entries).items():
        claims = entry.claims
        new = [each for each in claims.payments if each.withdrawal_id not in seen]
        seen.update(each.withdrawal_id for each in new)
        pin = number if claims.first_pin is None else claims.first_pin
        fee = max(0, claims.fee - dearest.get(pin, 0))
        dearest[pin] = max(dearest.get(pin, 0), claims.fee)
        if entry.clock > since:
            amount += sum(each.amount for each in new) + fee
            fresh += len(new)
    return amount, fresh


def kept(driver: Driver) -> Iterator[str]:
    """Rule 2, of all that was ever signed; all members serve."""
    for (name, txid), draft in driver.past.owed.items():
        said = driver.ask_again(name, draft)
        for _ in range(2):
            if said == "agreement-pending":
                driver.carry()
                said = driver.ask_again(name, draft)
        ended = any(each.withdrawal_id in driver.past.ended for each in draft.burns)
        if said != "signed" and not ended:
            yield f"{name} signed {txid[::-1].hex()} and will not sign it again: {said}"
