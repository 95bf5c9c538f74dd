"""What a signed entry binds, as members hold it for each other (`signer.core.agreement.claim`).

1. A claim is well made: it pays each withdrawal once, and every pin is of a withdrawal that it pays and a
   coin that it spends. No honest kernel writes anything else.
2. A pin that another member's version has already is not new: it binds us anyway, and if other members
   refused it for one that they hold, while that member is silent, the withdrawal could not be paid any more.
3. Bonds (J2): a batch of a rollup and its root, a sweep statement and the one transaction that it serves.
"""

from collections.abc import Iterator

from signer.core.agreement.claim import Bond, Claim
from signer.core.fields import refuse_entry, u64_be
from signer.journal.entry import Claims, SignedEntry

BATCH, STATEMENT = b"batch", b"statement"
MAX_COINS, MAX_PAYMENTS, MAX_PINS = 2_500, 3_300, 10_000
"""Of one entry. No transaction that nodes relay has more coins or payments."""


def claim_of(origin: bytes, number: int, leaf: bytes, entry: SignedEntry) -> Claim:
    """The claim of that entry of that member's log. Raises Malformed `entry-malformed` (rule 1)."""
    claims = entry.claims
    sizes = (len(claims.coins), len(claims.payments), len(claims.new_pins) + len(claims.relied))
    if any(
        size > most for size, most in zip(sizes, (MAX_COINS, MAX_PAYMENTS, MAX_PINS), strict=True)
    ):
        refuse_entry("an entry with more coins, payments or pins than a transaction has")
    claim = Claim(
        origin=origin,
        number=number,
        leaf=leaf,
        vault=entry.vault_fingerprint,
        txid=claims.txid,
        spends=frozenset(coin.outpoint for coin in claims.coins),
        pays=frozenset(payment.terms for payment in claims.payments),
        new_pins=frozenset(claims.new_pins) - frozenset(claims.relied),  # 2
        relied=frozenset(claims.relied),
        bonds=frozenset(bonds_of(claims)),
    )
    paid = claim.paid
    if not claim.spends or len(paid) != len(claims.payments):
        refuse_entry("an entry that spends nothing, or pays a withdrawal twice")
    if not all(each in paid and pin in claim.spends for each, pin in claim.pins):
        refuse_entry("a pin that is not of what the entry pays and spends")
    return claim


def bonds_of(claims: Claims) -> Iterator[Bond]:
    """What may have one value only, and the value (rule 3)."""
    if claims.anchor is not None:
        yield batch_bond(claims.anchor.magic, claims.anchor.batch), claims.anchor.root
    if claims.sweep_nonce:
        yield STATEMENT + claims.sweep_nonce, claims.txid


def batch_bond(magic: bytes, batch: int) -> bytes:
    """What a batch of a rollup is called among bonds."""
    return BATCH + magic + u64_be(batch)
