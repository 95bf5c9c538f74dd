"""What an entry binds, as the members hold it for each other (design J6).

Rule 1: a claim is read from an entry of its origin's log and from nothing else.
Rule 2: two claims contradict if no honest member may stand behind both: see `contradicts`.
"""

from enum import StrEnum
from typing import NamedTuple

from signer.bitcoin.transaction import OutPoint
from signer.core.payment import WithdrawalId, WithdrawalTerms

Pin = tuple[WithdrawalId, OutPoint]
Bond = tuple[bytes, bytes]
"""What may have one value only, and the value: a batch and its root (J2), a sweep statement and its txid."""


class Claim(NamedTuple):
    """What one entry of one member's log binds."""

    origin: bytes
    """The log key (32 bytes) of the member whose entry it is."""
    number: int
    """Of the entry in that log."""
    leaf: bytes
    """Its leaf hash."""
    vault: bytes
    """Fingerprint of the vault whose coins are spent."""
    txid: bytes
    spends: frozenset[OutPoint]
    pays: frozenset[WithdrawalTerms]
    new_pins: frozenset[Pin]
    """That the origin may still give up: of withdrawals pinned here, or by its pending entries."""
    relied: frozenset[Pin]
    """That it cannot, for what is paid: of its agreed entries, of pending ones of earlier incarnations, and
    held for others."""
    bonds: frozenset[Bond]

    @property
    def pins(self) -> frozenset[Pin]:
        """All that whoever holds the claim is bound by."""
        return self.new_pins | self.relied

    @property
    def name(self) -> tuple[bytes, int]:
        """Whose entry it is, and which."""
        return self.origin, self.number

    @property
    def paid(self) -> frozenset[WithdrawalId]:
        """The withdrawals."""
        return frozenset(terms.withdrawal_id for terms in self.pays)

    @property
    def rank(self) -> tuple[OutPoint, bytes]:
        """Of two contradicting pending entries the lower wins: lowest pin (or coin), then leaf."""
        return min((pin for _, pin in self.pins), default=min(self.spends)), self.leaf


class Stage(StrEnum):
    """How a member is bound by a claim."""

    PENDING = "pending"
    """Its own entry, without the quorum's grants: may be voided."""
    AGREED = "agreed"
    """Its own entry, final: a signature may have left."""
    HELD = "held"
    """Another member's: granted, agreed, or standing when we started."""


class Holding(NamedTuple):
    """A claim that binds this member."""

    claim: Claim
    stage: Stage


def contradicts(claim: Claim, held: Claim, struck: frozenset[Pin] = frozenset()) -> bool:
    """Whether who is bound by `held` may not stand behind `claim`. `struck`: pins that bind no longer.

    1. A withdrawal that both pay has one amount and script.
    2. What is paid spends every pin held for it.
    3. Whoever spends a pin pays what is pinned to it.
    4. A new pin is no coin that a held transaction spends without paying the withdrawal.
    5. A batch has one root; a sweep statement serves one transaction.
    6. A transaction has one label: nothing in it says which of equal withdrawals it pays (ADR 0010). Else,
       when it is buried and the pin of what it paid is gone, it could be said to pay another one too.
    """
    paid = claim.paid
    if claim.txid == held.txid and paid != held.paid:  # 6
        return True
    if any(each.withdrawal_id in paid and each not in claim.pays for each in held.pays):  # 1
        return True
    pins = held.pins - struck
    if any(each in paid and pin not in claim.spends for each, pin in pins):  # 2
        return True
    if any(each not in paid and pin in claim.spends for each, pin in pins):  # 3
        return True
    if any(pin in held.spends and each not in held.paid for each, pin in claim.new_pins):  # 4
        return True
    bonds = dict(held.bonds)
    return any(bonds.get(key, value) != value for key, value in claim.bonds)  # 5
