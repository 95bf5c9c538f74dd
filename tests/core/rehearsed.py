"""Spends of a vault as a rehearsal shows them: each input signed by the places that a test names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from signer.bitcoin.descriptor import satisfaction
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from signer.core.digests import InputDigests
from signer.core.rehearsal import Quorum
from signer.core.spend import SpentCoin
from signer.core.vault import Vault
from tests.core.spends import USER_SCRIPT, previous_transaction
from tests.federation import MEMBERS

AMOUNT = 100_000


@dataclass(frozen=True)
class Shown:
    """A final transaction and what it spends from."""

    transaction: Transaction
    sources: tuple[Transaction, ...]
    prevouts: tuple[TxOut, ...]

    @property
    def all(self) -> tuple[Transaction, ...]:
        return (self.transaction, *self.sources)

    @property
    def known(self) -> Mapping[Txid, Transaction]:
        return {each.txid: each for each in self.all}


def spend(of: Vault, teams: Sequence[Quorum], path_index: int = 0, salt: int = 0) -> Shown:
    """One input for each team of places, all by that path."""
    path = of.paths[path_index]
    coins, sources = [], []
    for number in range(len(teams)):
        derived = of.script(0, 0 if of.is_fixed else number % of.lookahead)
        source = previous_transaction(derived.script_pubkey, AMOUNT, salt + number)
        outpoint = OutPoint(source.txid, 1)
        coins.append(SpentCoin(outpoint, source.outputs[1], derived))
        sources.append(source)
    sequence = path.older or 0xFFFFFFFD
    inputs = tuple(TxIn(coin.outpoint, b"", sequence) for coin in coins)
    outputs = (TxOut(Sats((AMOUNT - 2_000) * len(teams)), USER_SCRIPT),)
    unsigned = Transaction(2, inputs, outputs, path.after or 0)
    digests = InputDigests(unsigned, tuple(coins), of)
    witnesses = tuple(
        satisfaction(
            of.descriptor, coin.derived, _signatures(coin, index, team, digests), path_index
        )
        or ()
        for index, (coin, team) in enumerate(zip(coins, teams, strict=True))
    )
    final = replace(unsigned, witnesses=witnesses)
    return Shown(final, tuple(sources), tuple(coin.prevout for coin in coins))


def _signatures(
    coin: SpentCoin, index: int, team: Quorum, digests: InputDigests
) -> dict[tuple[bytes, bytes], bytes]:
    made = {}
    for key in coin.derived.keys:
        if key.position not in team:
            continue
        member = next(each for each in MEMBERS if each.fingerprint == key.fingerprint)
        secret = member.secret(*key.path[-2:])
        if not coin.derived.leaves:
            digest = digests.digest(index, b"")
            made[b"", key.pubkey] = secret.sign(digest, hasher=None) + b"\x01"
        for leaf in coin.derived.leaves:
            if key in leaf.keys:
                bip340 = secret.sign_schnorr(digests.digest(index, leaf.leaf_hash))
                made[leaf.leaf_hash, key.xonly] = bip340
    return made
