"""The rehearsal of a vault: every primary quorum, and each path behind a lock, has spent once.

1. What is believed of a transaction are its signatures: each is verified here under the vault's keys, over
   our own digest, with amounts and scripts from the previous transactions, which hash to what the inputs
   name. Whether the scripts are satisfied, `signer.consensus` says, outside the pure core.
2. A set of places of the template is a quorum: every choice of signers of every way of exactly the path's
   locks. What a member's other keys could have signed does not count.
3. A quorum has spent when all of it signed one input; a path behind a lock when one of its quorums has.
What a member can know of a rehearsal, and what not: docs/adr/0017-rehearsal.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import NamedTuple

from signer.bitcoin.descriptor import SpendingPath
from signer.bitcoin.descriptor.model import DerivedKey
from signer.bitcoin.errors import Malformed
from signer.bitcoin.secp import BadSignature, verify_ecdsa, verify_schnorr
from signer.bitcoin.transaction import OutPoint, Transaction, Txid
from signer.core.digests import InputDigests
from signer.core.errors import unverified
from signer.core.spend import SpentCoin
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.core.verify import path_index_of

MOST_QUORUMS = 2_000
"""11-of-15 has 1,365."""
MOST_INDEX = 1_000
"""A rehearsal spends coins of addresses below this, and below the lookahead."""

Quorum = frozenset[int]
"""Places of the template."""
Addresses = Mapping[bytes, tuple[int, int]]
"""scriptPubKey -> (branch, index)."""


class SignedInput(NamedTuple):
    """What an input of a transaction shows."""

    path_index: int
    places: Quorum
    """Whose signatures it carries."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How far a vault's rehearsal has come."""

    quorums: tuple[Quorum, ...]
    """Of the primary path."""
    missing: tuple[Quorum, ...]
    """Those of them that have not spent."""
    missing_paths: tuple[str, ...]
    """Names of the paths behind a lock that have not."""

    @property
    def is_over(self) -> bool:
        """Whether all have spent."""
        return not self.missing and not self.missing_paths


def rehearsal(vault: Vault, shown: Iterable[SignedInput]) -> Rehearsal:
    """Judge what was shown (3). Raises Malformed `vault-too-complex`."""
    signed = set(shown)
    primary, *others = (
        _Part(index, path, quorums_of(path)) for index, path in enumerate(vault.paths)
    )
    return Rehearsal(
        quorums=primary.quorums,
        missing=tuple(
            quorum for quorum in primary.quorums if not primary.has_spent(quorum, signed)
        ),
        missing_paths=tuple(
            part.path.name
            for part in others
            if not any(part.has_spent(quorum, signed) for quorum in part.quorums)
        ),
    )


class _Part(NamedTuple):
    """A path to be rehearsed."""

    number: int
    path: SpendingPath
    quorums: tuple[Quorum, ...]

    def has_spent(self, quorum: Quorum, signed: set[SignedInput]) -> bool:
        return (self.number, quorum) in signed or any(
            each.path_index == self.number and quorum <= each.places for each in signed
        )


def quorums_of(path: SpendingPath) -> tuple[Quorum, ...]:
    """Of the ways of exactly the path's locks (2). Raises Malformed `vault-too-complex`."""
    locks = path.older or 0, path.after or 0
    groups = [way.groups for way in path.ways if (way.older, way.after) == locks]
    count = sum(prod(comb(len(each.places), each.threshold) for each in way) for way in groups)
    if count > MOST_QUORUMS:
        raise Malformed("vault-too-complex", f"{count} quorums; {MOST_QUORUMS} can be rehearsed")
    found = (
        frozenset(place for some in chosen for place in some)
        for way in groups
        for chosen in product(*(combinations(each.places, each.threshold) for each in way))
    )
    return tuple(sorted(set(found), key=sorted))


def addresses_of(vault: Vault) -> Addresses:
    """Those whose coins a rehearsal spends."""
    if vault.is_fixed:
        return {vault.script(RECEIVE, 0).script_pubkey: (RECEIVE, 0)}
    return {
        vault.script(branch, index).script_pubkey: (branch, index)
        for branch in (RECEIVE, CHANGE)
        for index in range(min(MOST_INDEX, vault.lookahead))
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands around the transactions of a rehearsal."""

    vault: Vault
    addresses: Addresses
    transactions: Mapping[Txid, Transaction]
    """By their own hashes: spends, and what they spend from."""

    def coin(self, outpoint: OutPoint) -> SpentCoin | None:
        """The vault's coin of that name, if it is shown to be one."""
        source = self.transactions.get(outpoint.txid)
        if source is None or outpoint.vout >= len(source.outputs):
            return None
        prevout = source.outputs[outpoint.vout]
        place = self.addresses.get(prevout.script_pubkey)
        return None if place is None else SpentCoin(outpoint, prevout, self.vault.script(*place))

    def coins(self, transaction: Transaction) -> tuple[SpentCoin, ...]:
        """Those that it spends, none if it spends none. Raises VerificationError `rehearsal-foreign` where it
        spends something else beside them."""
        coins = [(txin.previous, self.coin(txin.previous)) for txin in transaction.inputs]
        found = tuple(coin for _, coin in coins if coin is not None)
        foreign = [outpoint for outpoint, coin in coins if coin is None]
        if found and foreign:
            raise unverified(
                "rehearsal-foreign",
                f"input {foreign[0]} is not shown to spend an address of vault {self.vault.vault_id}",
            )
        return found


def signed_inputs(
    vault: Vault, transaction: Transaction, coins: tuple[SpentCoin, ...]
) -> Iterator[SignedInput]:
    """What each input shows (1). Raises VerificationError `sequence-refused` and the like."""
    path_index = path_index_of(transaction, vault)
    digests = InputDigests(transaction, coins, vault)
    for index, (coin, stack) in enumerate(zip(coins, transaction.witnesses, strict=False)):
        claims = _taproot(stack, coin) if vault.is_taproot else _segwit(stack, coin)
        places = frozenset(
            each.key.position
            for each in claims
            if _verifies(each, digests.digest(index, each.leaf_hash))
        )
        yield SignedInput(path_index, places)


class _Claim(NamedTuple):
    """That a key of an address made this signature."""

    key: DerivedKey
    leaf_hash: bytes
    """Empty in P2WSH."""
    signature: bytes


def _segwit(stack: tuple[bytes, ...], coin: SpentCoin) -> Iterator[_Claim]:
    """Of what stands before the script, with the byte of SIGHASH_ALL."""
    for item in stack[:-1]:
        if item.endswith(b"\x01"):
            yield from (_Claim(key, b"", item[:-1]) for key in coin.derived.keys)


def _taproot(stack: tuple[bytes, ...], coin: SpentCoin) -> Iterator[_Claim]:
    """Of what stands before the leaf and its control block."""
    for leaf in coin.derived.leaves:
        if stack[-2:-1] == (leaf.script,):
            for item in stack[:-2]:
                yield from (_Claim(key, leaf.leaf_hash, item) for key in leaf.keys)


def _verifies(claim: _Claim, digest: bytes) -> bool:
    try:
        if claim.leaf_hash:
            verify_schnorr(claim.key.xonly, digest, claim.signature)
        else:
            verify_ecdsa(claim.key.pubkey, digest, claim.signature)
    except (BadSignature, Malformed):
        return False
    return True
