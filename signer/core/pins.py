"""J1 and J3: exactly once by pins, and what a transaction charges (design section 8).

Rule 1: the first version of a withdrawal pins it to one of that transaction's coins: of those that no
        transaction on record, or held for another member, spends without paying it, the lowest to which
        another member's version pinned it, else the largest (then the lowest outpoint).
Rule 2: every version spends all pins that we know of, ours and those held for other members (J6), and pays
        the same amount to the same script as all versions on record or held.
Rule 3: whoever spends a pin, ours or a held one, pays every open withdrawal pinned to it. With 1 and 2: the
        coin is spent if and only if the withdrawal is paid, at most once.
Rule 4: of open withdrawals with equal amount and script (twins) every version of one spends the pins of
        all. Nothing in a transaction says which id an output settles: told differently to different
        members, m equal withdrawals could else be paid more than m times (ADR 0006). So all
        transactions of a family conflict, and one of them pays all of it that it names.
Rule 5: a closed withdrawal has no further version. One whose pin was struck is pinned anew by its next
        version, and is charged again only if that is another vault's (`signer.core.release`).
Rule 6: sweeps and rotations may spend pins without paying where the officers' quorum wants it
        (`unpaid_objections` is not asked then). All versions spend the pin, so it can still be paid at most
        once; if the move is what confirms, the withdrawal waits until its pin is struck.
Rule 7: a withdrawal is charged once, in full, with its first version. Of transactions that share their
        first pin at most one confirms, so only the dearest fee is charged; without pins, every fee.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.payment import Payment, WithdrawalId
from signer.core.spend import SpendFacts, SpentCoin, VerifiedSpend
from signer.core.vault import Vault
from signer.core.view import View


class Binding(NamedTuple):
    """What recording the spend would bind and charge."""

    new: tuple[Payment, ...]
    """Payments whose withdrawal has no version on record, or none in this vault since its pin was struck."""
    unpinned: tuple[Payment, ...]
    """Payments whose withdrawal has no pin: the new ones, and those whose pin was struck."""
    new_pins: tuple[tuple[WithdrawalId, OutPoint], ...]
    """One for each of `unpinned` that found a coin."""
    loose: tuple[tuple[WithdrawalId, OutPoint], ...]
    """The pins known before that we could still give up (`View.loose_pins_of`)."""
    relied: tuple[tuple[WithdrawalId, OutPoint], ...]
    """The other pins known before, ours and other members'; those of them, too, that become ours."""
    first_pin: OutPoint | None
    """The lowest of our pins among all withdrawals paid."""
    charge: Sats
    """New amounts and what is moved, in full, plus what the fee exceeds the dearest one charged for the
    first pin."""
    unproven: frozenset[OutPoint]
    """Coins that need fresh evidence: new pins, and what no version of a withdrawal paid here spends."""


class _Input(NamedTuple):
    """A coin that is spent, and who else spends it."""

    coin: SpentCoin
    spenders: tuple[Txid, ...]
    """On our record."""
    held: frozenset[bytes]
    """Other members' entries."""


class _Pinning(NamedTuple):
    """What one payment binds."""

    payment: Payment
    pin: OutPoint | None
    """Ours: the one on record, or the one that it gets."""
    is_pinned: bool
    """On record."""
    is_charged: bool
    loose: frozenset[OutPoint]
    relied: frozenset[OutPoint]

    def each(self, pins: Iterable[OutPoint]) -> tuple[tuple[WithdrawalId, OutPoint], ...]:
        """These pins, each with the withdrawal."""
        return tuple((self.payment.withdrawal_id, pin) for pin in sorted(pins))


def bind(spend: VerifiedSpend, view: View) -> Binding:
    """What the spend would bind. Objections to it are `pin_objections`'s."""
    inputs = [
        _Input(coin, view.spenders(coin.outpoint), view.held_spenders(coin.outpoint))
        for coin in spend.coins
    ]
    pinnings = [_pinning(each, spend.vault, inputs, view) for each in spend.payments]
    unpinned = [each for each in pinnings if not each.is_pinned]
    new_pins = [(each.payment.withdrawal_id, each.pin) for each in unpinned if each.pin is not None]
    payers = frozenset[Txid]().union(*(view.payers(each.withdrawal_id) for each in spend.payments))
    fresh = [pin for _, pin in new_pins]
    fresh += [each.coin.outpoint for each in inputs if payers.isdisjoint(each.spenders)]
    new = tuple(each.payment for each in pinnings if each.is_charged)
    first_pin = min((each.pin for each in pinnings if each.pin is not None), default=None)
    charged = view.dearest_fee(first_pin) if first_pin is not None else 0
    charge = sum(each.amount for each in new) + spend.moved + max(0, spend.fee - charged)
    return Binding(
        new=new,
        unpinned=tuple(each.payment for each in unpinned),
        new_pins=tuple(new_pins),
        loose=tuple(pin for each in pinnings for pin in each.each(each.loose)),
        relied=tuple(pin for each in pinnings for pin in each.each(each.relied)),
        first_pin=first_pin,
        charge=Sats(charge),
        unproven=frozenset(fresh),
    )


def _pinning(payment: Payment, vault: Vault, inputs: list[_Input], view: View) -> _Pinning:
    withdrawal_id = payment.withdrawal_id
    recorded, known = view.withdrawal(withdrawal_id), view.pins_of(withdrawal_id)
    pin = recorded.pin if recorded else None
    is_pinned = pin is not None
    if pin is None:
        pin = _pin_for(withdrawal_id, inputs, view)
    elsewhere = recorded is None or recorded.vault_fingerprint != vault.fingerprint
    loose = view.loose_pins_of(withdrawal_id) & known
    return _Pinning(payment, pin, is_pinned, elsewhere and not is_pinned, loose, known - loose)


def closed(withdrawal_id: WithdrawalId) -> Objection:
    """Rule 5."""
    return Objection(
        "withdrawal-closed",
        f"withdrawal {withdrawal_id.hex()} is closed: its payment is buried",
    )


def _pin_for(withdrawal_id: WithdrawalId, inputs: list[_Input], view: View) -> OutPoint | None:
    """Rule 1."""
    payers, held_payers = view.payers(withdrawal_id), view.held_payers(withdrawal_id)
    struck = view.struck_of(withdrawal_id)
    candidates = {
        each.coin.outpoint: -each.coin.prevout.amount
        for each in inputs
        if payers.issuperset(each.spenders)
        and held_payers.issuperset(each.held)
        and each.coin.outpoint not in struck
    }
    adopted = view.pins_of(withdrawal_id).intersection(candidates)
    if adopted:
        return min(adopted)
    return min(((amount, coin) for coin, amount in candidates.items()), default=(0, None))[1]


def pin_objections(spend: SpendFacts, view: View) -> Iterator[Objection]:
    """Why J1 forbids the spend, rules 1 and 3 apart."""
    spent = {coin.outpoint for coin in spend.coins}
    paid = {payment.withdrawal_id for payment in spend.payments}
    for payment in spend.payments:
        yield from _version_objections(payment, spent, view)
    yield from _twin_objections(spend, spent, paid, view)


def unpinned_objections(binding: Binding) -> Iterator[Objection]:
    """Why rule 1 forbids the spend."""
    with_pin = {withdrawal_id for withdrawal_id, _ in binding.new_pins}
    for payment in binding.unpinned:
        if payment.withdrawal_id not in with_pin:
            yield Objection(
                "no-coin-to-pin",
                f"withdrawal {payment.withdrawal_id.hex()} needs a coin that no transaction on record, or "
                "held for another member, spends without paying it",
            )


def unpaid_objections(spend: SpendFacts, view: View) -> Iterator[Objection]:
    """Why rule 3 forbids the spend."""
    spent = {coin.outpoint for coin in spend.coins}
    paid = {payment.withdrawal_id for payment in spend.payments}
    pinned = [(pin, each) for pin in spent for each in view.pinned_to(pin) if each not in paid]
    for outpoint, withdrawal_id in sorted(pinned):
        yield Objection(
            "pin-spent-unpaid",
            "a coin that a withdrawal is pinned to is spent without paying it",
            f"{outpoint}",
            f"pay withdrawal {withdrawal_id.hex()} or leave its coin alone",
        )


def _version_objections(payment: Payment, spent: set[OutPoint], view: View) -> Iterator[Objection]:
    if view.is_closed(payment.withdrawal_id):
        yield closed(payment.withdrawal_id)
    for terms in view.terms_of(payment.withdrawal_id) - {payment.terms}:
        yield Objection(
            "withdrawal-terms-changed",
            f"withdrawal {payment.withdrawal_id.hex()} is on record, or held for another member, with "
            "another amount or script",
            f"{payment.amount} sat to {payment.script_pubkey.hex()}",
            f"{terms.amount} sat to {terms.script_pubkey.hex()}",
        )
    missing = sorted(view.pins_of(payment.withdrawal_id) - spent)
    if missing:
        yield Objection(
            "withdrawal-pinned",
            f"withdrawal {payment.withdrawal_id.hex()} is pinned: each of its versions spends that coin",
            "pin not spent" if len(missing) == 1 else f"{len(missing)} pins not spent",
            ", ".join(map(str, missing)),
        )


def _twin_objections(
    spend: SpendFacts, spent: set[OutPoint], paid: set[WithdrawalId], view: View
) -> Iterator[Objection]:
    """At most one objection for each amount and script, whatever the number of twins: the record is
    asked once for each, inside the writer's transaction."""
    for amount, script in {(each.amount, each.script_pubkey): None for each in spend.payments}:
        twins = view.twins(spend.vault.fingerprint, amount, script)
        missing = [
            each
            for each in twins
            if each.pin is not None
            and each.terms.withdrawal_id not in paid
            and each.pin not in spent
        ]
        if missing:
            yield Objection(
                "withdrawal-twin-open",
                f"withdrawal {missing[0].terms.withdrawal_id.hex()} has the same amount and script and is "
                "still open: one transaction pays both and spends its pin",
                f"{len(missing)} pins not spent",
                f"{missing[0].pin}",
            )
