"""Closing withdrawals and striking pins, as anybody can ask a member to, and what must not come of it."""

from clients.messages import outpoint_message
from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as cp
from signer.bitcoin.transaction import OutPoint, Transaction
from signer.core.acts import ReleaseWithdrawal
from signer.core.acts_control import CLOSED
from signer.core.payment import WithdrawalTerms
from tests.model.drafts import pin_of
from tests.model.driver import Driver
from tests.model.hosts import DEPTH
from tests.model.officers import text
from tests.model.world import out_of


def release(
    driver: Driver,
    name: str,
    burn: WithdrawalTerms,
    pin: OutPoint | None,
    killer: Transaction,
    *,
    by_officers: bool = False,
) -> str:
    """Close the withdrawal by a confirmed transaction, or strike its pin. By officers: with their consent to
    the closing."""
    chain, past = driver.world.chain, driver.past
    transactions, spent = (killer,), killer.inputs[0].previous
    if pin is not None:
        found = chain.killer_of(pin)
        if found is None:
            return ""
        transactions, spent = found
    if transactions[-1].txid not in chain.heights:
        return ""
    request = cp.ReleaseWithdrawalRequest(
        withdrawal_id=burn.withdrawal_id,
        pin=None if pin is None else outpoint_message(pin),
        transactions=[each.serialize() for each in transactions],
        attestations=driver.world.words_of_spend(spent, transactions[-1], driver.now),
    )
    if by_officers:
        request.acts.extend(_consent(driver, name, burn, killer))
    answer = driver.call(name, request, cp.ReleaseWithdrawalResponse)
    if isinstance(answer, str):
        return answer
    past.ended.add(burn.withdrawal_id)
    if pin is None and name != driver.liar:
        past.closed.add((name, burn.withdrawal_id))
    driver.tally["closed" if pin is None else "struck"] += 1
    release = (name, burn.withdrawal_id, pin)
    if chain.depth(transactions[-1].txid) < DEPTH and release not in past.released:
        driver.violations.append("released by a transaction that is not buried")
    settled = sum(
        (name, each.withdrawal_id) in past.closed and each != burn
        for each in driver.world.burns
        if out_of(each) == out_of(burn)
    )
    outputs = transactions[-1].outputs.count(out_of(burn))
    if pin is not None and name != driver.liar and outputs > settled:
        driver.violations.append("a pin was struck by a payment")
    past.released.add(release)
    return "released"


def _consent(
    driver: Driver, name: str, burn: WithdrawalTerms, killer: Transaction
) -> list[ap.OfficerAct]:
    """Two officers say to that member that the transaction paid it."""
    listed = (each for each in driver.records(name) if each.withdrawal_id == burn.withdrawal_id)
    pins = [pin_of(each) for each in listed]
    about = (driver.world.vault.fingerprint, burn.withdrawal_id, CLOSED)
    said = text(
        driver,
        name,
        lambda scope: ReleaseWithdrawal(scope, *about, pins[0] if pins else None, killer.txid),
    )
    return [
        ap.OfficerAct(text=each.text, officer_key=each.officer, signature=each.signature)
        for each in said.signed
    ]
