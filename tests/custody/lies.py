"""A core that lies about a spend: wrong amounts, change and rotations that are not, another's descriptor.

1. The transaction is what the thief wants signed; a lie changes only what the core says of it.
2. The digests that it asks to be signed are those of its lie: so a gate that believes it signs.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from signer.bitcoin.units import Sats
from signer.core.digests import InputDigests
from signer.core.spend import Change, Rotation, VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault
from tests.core.spends import USER_SCRIPT, previous_transaction
from tests.custody.coins import House

Lie = Callable[[VerifiedSpend, House, Random], VerifiedSpend]


def scripts(house: House) -> tuple[bytes, ...]:
    """Whom a thief may want to pay."""
    return (
        USER_SCRIPT,
        house.foreign.script(CHANGE, 0).script_pubkey,
        house.foreign.script(RECEIVE, 0).script_pubkey,
        house.successor.script(CHANGE, 0).script_pubkey,
        house.vault.script(RECEIVE, 0).script_pubkey,
    )


def _less(spend: VerifiedSpend, _: House, random: Random) -> VerifiedSpend:
    return _amount(spend, random, random.randrange(1, 1_000_000))


def _more(spend: VerifiedSpend, _: House, random: Random) -> VerifiedSpend:
    return _amount(spend, random, 2_000_000_000)


def _amount(spend: VerifiedSpend, random: Random, amount: int) -> VerifiedSpend:
    coins = list(spend.coins)
    place = random.randrange(len(coins))
    prevout = coins[place].prevout._replace(amount=Sats(amount))
    coins[place] = coins[place]._replace(prevout=prevout)
    return replace(spend, coins=tuple(coins))


def _previous(spend: VerifiedSpend, _: House, random: Random) -> VerifiedSpend:
    """Another previous transaction, or none, with an amount to fit."""
    lied = _amount(spend, random, 1_000)
    place = next(
        number
        for number, pair in enumerate(zip(lied.coins, spend.coins, strict=True))
        if pair[0] != pair[1]
    )
    made = previous_transaction(spend.coins[place].prevout.script_pubkey, 1_000, 7).serialize()
    inputs = list(spend.psbt.inputs)
    inputs[place] = inputs[place]._replace(non_witness_utxo=random.choice((None, made)))
    return replace(lied, psbt=replace(spend.psbt, inputs=tuple(inputs)))


def _change(spend: VerifiedSpend, _: House, random: Random) -> VerifiedSpend:
    """The thief's output is called change."""
    amount = spend.transaction.outputs[0].amount
    return replace(spend, change=Change(0, amount, random.randrange(3)))


def _no_such_output(spend: VerifiedSpend, _: House, random: Random) -> VerifiedSpend:
    return replace(spend, change=Change(random.choice((-1, 9)), Sats(1_000_000), 0))


def _more_change(spend: VerifiedSpend, _: House, __: Random) -> VerifiedSpend:
    """The output is there, and holds less."""
    if spend.change is None:
        return spend
    entered = Sats(sum(each.prevout.amount for each in spend.coins))
    return replace(spend, change=replace(spend.change, amount=entered))


def _other_index(spend: VerifiedSpend, _: House, random: Random) -> VerifiedSpend:
    if spend.change is None:
        return spend
    return replace(spend, change=replace(spend.change, index=spend.change.index + 1))


def _foreign(spend: VerifiedSpend, house: House, _: Random) -> VerifiedSpend:
    """Another vault under our fingerprint, whose change it is."""
    forged = under(house.foreign, house.vault.fingerprint)
    change = Change(0, spend.transaction.outputs[0].amount, 0)
    return replace(spend, vault=forged, change=change)


def _rotation(spend: VerifiedSpend, house: House, random: Random) -> VerifiedSpend:
    """The thief's output is called the successor's, or that of a vault under its fingerprint."""
    forged = under(house.foreign, house.successor.fingerprint)
    to = random.choice((house.successor, forged, house.foreign))
    rotation = Rotation(0, spend.transaction.outputs[0].amount, to, 0)
    return replace(spend, rotations=(rotation,) * random.choice((1, 2)))


LIES: tuple[Lie, ...] = (
    _less,
    _more,
    _previous,
    _change,
    _no_such_output,
    _more_change,
    _other_index,
    _foreign,
    _rotation,
)


def under(vault: Vault, fingerprint: bytes) -> Vault:
    """A vault that says it is another one."""
    forged = replace(vault)
    forged.__dict__["fingerprint"] = fingerprint
    return forged


def lied(spend: VerifiedSpend, house: House, random: Random) -> VerifiedSpend:
    """One lie or two, about a transaction that pays a thief (1, 2)."""
    spend = _paying(spend, random.choice(scripts(house)))
    for lie in random.sample(LIES, random.choice((1, 1, 2))):
        spend = lie(spend, house, random)
    digests = InputDigests(spend.transaction, spend.coins, spend.vault)
    tasks = [
        each._replace(digest=digests.digest(each.input_index, each.leaf_hash))
        for each in spend.tasks
    ]
    return replace(spend, tasks=tuple(tasks))


def _paying(spend: VerifiedSpend, script: bytes) -> VerifiedSpend:
    """Its first output pays that script."""
    first, *others = spend.transaction.outputs
    outputs = (first._replace(script_pubkey=script), *others)
    transaction = replace(spend.transaction, outputs=outputs)
    return replace(spend, psbt=replace(spend.psbt, transaction=transaction))


def outflow(spend: VerifiedSpend, successor: bytes) -> int:
    """What leaves as the core says it, and its entry in the journal."""
    stayed = 0 if spend.change is None else spend.change.amount
    stayed += sum(each.amount for each in spend.rotations if each.to.fingerprint == successor)
    return sum(each.prevout.amount for each in spend.coins) - stayed
