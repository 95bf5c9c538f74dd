"""J1 and J3: exactly once by pins, and what a transaction charges (design section 8).

Rule 1: the first version of a withdrawal pins it to that transaction's largest coin (then the lowest
        outpoint) among those that no recorded transaction spends without paying it.
Rule 2: every later version spends the pin and pays the same amount to the same script.
Rule 3: whoever spends a pin pays every open withdrawal pinned to it. With 1 and 2: the coin is spent if
        and only if the withdrawal is paid, at most once.
Rule 4: of open withdrawals with equal amount and script (twins) every version of one spends the pins of
        all. Nothing in a transaction says which id an output settles: told differently to different
        members, m equal withdrawals could else be paid more than m times (ADR 0006). So all
        transactions of a family conflict, and one of them pays all of it that it names.
Rule 5: a withdrawal is charged once, in full, with its first version. Of transactions that share their
        first pin at most one confirms, so only the dearest fee is charged; without pins, every fee.
"""

from collections.abc import Iterator
from typing import NamedTuple

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.payment import Payment, WithdrawalId
from signer.core.spend import SpendFacts, SpentCoin, VerifiedSpend
from signer.core.view import View


class Binding(NamedTuple):
    """What recording the spend would bind and charge."""

    new: tuple[Payment, ...]
    """Payments whose withdrawal has no version on record."""
    new_pins: tuple[tuple[WithdrawalId, OutPoint], ...]
    """One for each of `new` that found a coin."""
    first_pin: OutPoint | None
    """The lowest pin among all withdrawals paid."""
    charge: Sats
    """New amounts and what is moved, in full, plus what the fee exceeds the dearest one charged for the
    first pin."""
    unproven: frozenset[OutPoint]
    """Coins that need fresh evidence: new pins, and what no version of a withdrawal paid here spends."""


def bind(spend: VerifiedSpend, view: View) -> Binding:
    """What the spend would bind. Objections to it are `pin_objections`'s."""
    spent = [(coin, view.spenders(coin.outpoint)) for coin in spend.coins]
    new, pins, payers = [], [], frozenset[Txid]()
    new_pins: list[tuple[WithdrawalId, OutPoint]] = []
    for payment in spend.payments:
        recorded = view.withdrawal(payment.withdrawal_id)
        its_payers = view.payers(payment.withdrawal_id)
        payers |= its_payers
        pin = recorded.pin if recorded else _pin_for(its_payers, spent)
        if recorded is None:
            new.append(payment)
            new_pins += [(payment.withdrawal_id, pin)] if pin is not None else []
        pins += [pin] if pin is not None else []
    first_pin = min(pins, default=None)
    charged = view.dearest_fee(first_pin) if first_pin is not None else 0
    charge = sum(each.amount for each in new) + spend.moved + max(0, spend.fee - charged)
    fresh = [pin for _, pin in new_pins]
    fresh += [coin.outpoint for coin, spenders in spent if payers.isdisjoint(spenders)]
    return Binding(tuple(new), tuple(new_pins), first_pin, Sats(charge), frozenset(fresh))


def _pin_for(
    payers: frozenset[Txid], spent: list[tuple[SpentCoin, tuple[Txid, ...]]]
) -> OutPoint | None:
    """The largest coin, then the lowest, that nobody spends without paying. `spent`: coins and spenders."""
    candidates = [
        (-coin.prevout.amount, coin.outpoint)
        for coin, spenders in spent
        if payers.issuperset(spenders)
    ]
    return min(candidates)[1] if candidates else None


def pin_objections(spend: SpendFacts, binding: Binding, view: View) -> Iterator[Objection]:
    """Why J1 forbids the spend."""
    spent = {coin.outpoint for coin in spend.coins}
    paid = {payment.withdrawal_id for payment in spend.payments}
    for payment in spend.payments:
        yield from _version_objections(payment, spent, view)
    yield from _twin_objections(spend, spent, paid, view)
    pinned = [(pin, each) for pin in spent for each in view.pinned_to(pin) if each not in paid]
    for outpoint, withdrawal_id in sorted(pinned):
        yield Objection(
            "pin-spent-unpaid",
            "a coin that a withdrawal is pinned to is spent without paying it",
            f"{outpoint}",
            f"pay withdrawal {withdrawal_id.hex()} or leave its coin alone",
        )
    with_pin = {withdrawal_id for withdrawal_id, _ in binding.new_pins}
    for payment in binding.new:
        if payment.withdrawal_id not in with_pin:
            yield Objection(
                "no-coin-to-pin",
                f"withdrawal {payment.withdrawal_id.hex()} needs a coin that no transaction on record "
                "spends without paying it",
            )


def _version_objections(payment: Payment, spent: set[OutPoint], view: View) -> Iterator[Objection]:
    recorded = view.withdrawal(payment.withdrawal_id)
    if recorded is None:
        return
    if recorded.terms != payment.terms:
        yield Objection(
            "withdrawal-terms-changed",
            f"withdrawal {payment.withdrawal_id.hex()} is on record with another amount or script",
            f"{payment.amount} sat to {payment.script_pubkey.hex()}",
            f"{recorded.terms.amount} sat to {recorded.terms.script_pubkey.hex()}",
        )
    if recorded.pin not in spent:
        yield Objection(
            "withdrawal-pinned",
            f"withdrawal {payment.withdrawal_id.hex()} is pinned: each of its versions spends that coin",
            "pin not spent",
            f"{recorded.pin}",
        )


def _twin_objections(
    spend: SpendFacts, spent: set[OutPoint], paid: set[WithdrawalId], view: View
) -> Iterator[Objection]:
    """At most one objection for each amount and script, whatever the number of twins: the record is
    asked once for each, inside the writer's transaction."""
    for amount, script in {(each.amount, each.script_pubkey): None for each in spend.payments}:
        twins = view.twins(spend.vault.fingerprint, amount, script)
        missing = [
            each for each in twins if each.terms.withdrawal_id not in paid and each.pin not in spent
        ]
        if missing:
            yield Objection(
                "withdrawal-twin-open",
                f"withdrawal {missing[0].terms.withdrawal_id.hex()} has the same amount and script and is "
                "still open: one transaction pays both and spends its pin",
                f"{len(missing)} pins not spent",
                f"{missing[0].pin}",
            )
