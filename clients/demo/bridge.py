"""The whole bridge: a Taproot vault, anchors of two rollups, rotation to the next vault, recovery."""

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace

from clients.demo.narrator import Narrator, expect
from clients.demo.policy import DELAY, FEE_CAP, FIRST_GAMES_BATCH, GAMES_MAGIC, MAGIC
from clients.demo.scene import (
    FEE,
    MINISCRIPT,
    NEXT,
    TAPROOT,
    VAULT,
    Cast,
    withdrawal_id,
)
from clients.demo.story import deposit, previous_transactions
from clients.relayer.coins import VaultCoin, coins_made
from clients.relayer.draft import Draft, Order
from clients.relayer.federation import Federation, NotSigned
from clients.relayer.moves import Batch, Move, anchor_draft, move_draft
from clients.relayer.relayer import NotAccepted, Relayer
from clients.relayer.resume import resume_all
from pegwarden.v1 import kernel_pb2
from signer.bitcoin.hashes import sha256
from signer.bitcoin.units import Sats
from signer.core.evidence import AnchorTerms, SweepTerms

DEPOSITS = (100_000_000, 90_000_000, 80_000_000, 70_000_000, 60_000_000)
"""Into the Taproot vault."""
RECOVERED = 65_000_000
PAID = 25_000_000
"""By the miniscript vault."""
AMOUNTS = {"begun": 20_000_000, "joined": 85_000_000, "divided": 30_000_000, "honest": 5_000_000}
FIRST_BURN = 100
MINISCRIPT_BURN = 110
RECOVERY = 1
"""The path's index in VerifyScript."""


@dataclass
class Told:
    """What the demo's last line lists."""

    deposits: list[str]
    withdrawals: list[str]
    anchors: list[str]
    agreement: Counter[str] = field(default_factory=Counter)
    """What happened between members that witness each other."""
    signed_by: dict[str, dict[str, str]] = field(default_factory=dict)
    """Vault -> member -> what signs: `token`, `hsm-sealed` or `file`. Empty where all have files."""

    @property
    def outcome(self) -> dict[str, object]:
        """By the names of the last line."""
        lines: dict[str, object] = {
            "deposit_txids": self.deposits,
            "withdrawal_txids": self.withdrawals,
            "anchor_txids": self.anchors,
            "agreement": dict(sorted(self.agreement.items())),
        }
        return lines | ({"signed_by": self.signed_by} if self.signed_by else {})


def terms_of(magic: bytes, batch: int, previous: AnchorTerms | None) -> AnchorTerms:
    """A batch of that rollup, behind the previous one."""
    seed = magic + batch.to_bytes(8, "big")
    before = (batch - 1, bytes(32)) if previous is None else (previous.batch, previous.root)
    return AnchorTerms(magic, *before, batch, sha256(b"root" + seed), sha256(b"eth" + seed))


MAIN_1 = terms_of(MAGIC, 1, None)
MAIN_2 = terms_of(MAGIC, 2, MAIN_1)
MAIN_3 = terms_of(MAGIC, 3, MAIN_2)
GAMES_1 = terms_of(GAMES_MAGIC, FIRST_GAMES_BATCH, None)
GAMES_8 = terms_of(GAMES_MAGIC, FIRST_GAMES_BATCH + 7, GAMES_1)
BATCHES = (MAIN_1, MAIN_2, MAIN_3, GAMES_1, GAMES_8)


def batch_of(terms: AnchorTerms) -> Batch:
    """What a relayer is told of it."""
    return Batch(terms.magic, terms.batch, terms.root, terms.eth_tx_hash)


def tap_orders(cast: Cast) -> dict[str, Order]:
    """The Taproot vault's withdrawals; all of them burned."""
    return {
        name: Order(withdrawal_id(number), cast.wallet.address, amount)
        for number, (name, amount) in enumerate(AMOUNTS.items(), FIRST_BURN)
    }


def confirmed(cast: Cast, txid: str) -> str:
    """Mine the transaction."""
    cast.node.mine(1)
    cast.relayer.follow(txid, 1, 10)
    return txid


def change_of(draft: Draft) -> VaultCoin:
    """The coin that it makes of what is left."""
    return coins_made(draft.psbt)[-1]


def signed_by_all(cast: Cast, vault_id: str, draft: Draft) -> None:
    """On every member's record, not only on that of as many as are needed."""
    for kernel in cast.kernels:
        cast.sides[vault_id].relayer.federation.sign(kernel, draft)


def resume_without_memory(cast: Cast, told: Told, narrator: Narrator) -> None:
    """Another relayer, with nothing but its certificate, finishes what the first one left."""
    first = cast.relayer
    relayer = Relayer(first.federation, first.node, first.evidence, first.network)
    (txid,) = resume_all(relayer, FEE.rate_sat_per_kvb)
    told.withdrawals.append(confirmed(cast, txid))
    expect(resume_all(relayer, FEE.rate_sat_per_kvb) == [], "something is still unfinished")
    narrator.step(f"a relayer without memory finished what the members had on record: {txid}")


def taproot_vault(cast: Cast, told: Told, narrator: Narrator) -> VaultCoin:
    """Deposits, a batch that grows, a withdrawal that a hostile relayer divided; a coin that is left."""
    coins = []
    for index, amount in enumerate(DEPOSITS):
        txid, coin = deposit(cast, (TAPROOT, index), amount, narrator)
        told.deposits.append(txid)
        coins.append(coin)
    cast.burn(tap_orders(cast))
    told.withdrawals.append(_growing_batch(cast, (coins[0], coins[1]), narrator))
    txid, left = _divided(cast, tuple(coins[2:]), narrator)
    told.withdrawals.append(txid)
    return left


def _growing_batch(cast: Cast, coins: tuple[VaultCoin, VaultCoin], narrator: Narrator) -> str:
    relayer, orders = cast.sides[TAPROOT].relayer, tap_orders(cast)
    begun, joined = orders["begun"], orders["joined"]
    first = relayer.finish(relayer.construct((begun,), coins[:1], FEE))
    rate = 2 * FEE.rate_sat_per_kvb
    grown = relayer.further_version(begun.withdrawal_id, rate, coins[1:], (joined,))
    txid = confirmed(cast, relayer.finish(grown))
    expect(cast.relayer.confirmations(first) == -1, "the node kept both versions")
    expect({coin.outpoint for coin in coins} == set(grown.inputs), "the batch grew otherwise")
    narrator.step(f"a withdrawal from Taproot, then a second one in its next version: {txid}")
    return txid


def _divided(cast: Cast, coins: tuple[VaultCoin, ...], narrator: Narrator) -> tuple[str, VaultCoin]:
    """Each member signed another version, pinned to another coin: one transaction spends them all."""
    relayer, order = cast.sides[TAPROOT].relayer, tap_orders(cast)["divided"]
    for kernel, coin in zip(cast.kernels, coins, strict=True):
        relayer.federation.sign(kernel, relayer.construct((order,), (coin,), FEE))
    try:
        relayer.finish(relayer.construct((order,), coins[:1], FEE))
    except NotSigned as reason:
        expect("withdrawal-pinned" in str(reason), f"not for its pin: {reason}")
    else:
        expect(False, "members whose pins differ signed one version")
    union = relayer.further_version(order.withdrawal_id, FEE.rate_sat_per_kvb)
    expect(set(union.inputs) == {coin.outpoint for coin in coins}, "not the union of the pins")
    txid = confirmed(cast, relayer.finish(union))
    narrator.step(f"each member held another pin; one payment spent all of them: {txid}")
    return txid, change_of(union)


def anchors(
    cast: Cast, left: dict[str, VaultCoin], told: Told, narrator: Narrator
) -> dict[str, VaultCoin]:
    """Two rollups, each anchored from both vaults; what is left of the coins."""
    cast.papers.believe_batches(BATCHES)
    for vault_id, batches in ((VAULT, (MAIN_1, GAMES_1)), (TAPROOT, (MAIN_2, GAMES_8))):
        for terms in batches:
            relayer = cast.sides[vault_id].relayer
            draft = anchor_draft(relayer, batch_of(terms), (left[vault_id],), FEE)
            signed_by_all(cast, vault_id, draft)
            txid = confirmed(cast, relayer.finish(draft))
            validated(cast, vault_id, terms, txid)
            left = left | {vault_id: change_of(draft)}
            told.anchors.append(txid)
            name = terms.magic.decode()
            narrator.step(f"batch {terms.batch} of {name} anchored from {vault_id}: {txid}")
    return left


def validate(
    cast: Cast, vault_id: str, terms: AnchorTerms, txid: str
) -> kernel_pb2.ValidateOpReturnResponse:
    """What a kernel says of that transaction as an anchor."""
    raw = bytes.fromhex(cast.node.rpc("getrawtransaction", txid))
    request = kernel_pb2.ValidateOpReturnRequest(
        vault_id=vault_id,
        transaction=raw,
        previous_transactions=previous_transactions(cast, raw),
        expected_anchor=kernel_pb2.ExpectedAnchor(
            magic=terms.magic,
            batch_id=terms.batch,
            state_root=terms.root,
            eth_tx_hash=terms.eth_tx_hash,
        ),
    )
    return cast.kernels[1].ask(request, kernel_pb2.ValidateOpReturnResponse)


def validated(cast: Cast, vault_id: str, terms: AnchorTerms, txid: str) -> None:
    """It is that anchor, and the vault wrote it."""
    verdict = validate(cast, vault_id, terms, txid)
    said = (verdict.payload_matches, verdict.from_vault, verdict.anchor_valid)
    expect(said == (True, True, True), f"the anchor is not valid: {list(verdict.reasons)}")


def decided(cast: Cast, vault_id: str, to: str, path_index: int = 0) -> Move:
    """The federation decides on a move, and its attestors sign it."""
    kind = 1 if vault_id == to else 2
    nonce = secrets.token_bytes(16)
    target = cast.sides[to].fingerprint
    terms = SweepTerms(kind, target, path_index, Sats(FEE_CAP), nonce)
    cast.papers.decide_move(cast.sides[vault_id].fingerprint, terms)
    return Move(to, nonce, path_index)


def rotations(cast: Cast, left: dict[str, VaultCoin], narrator: Narrator) -> None:
    """What is left of both vaults goes to the next one, each to an address of its own."""
    for index, vault_id in enumerate((VAULT, TAPROOT)):
        relayer = cast.sides[vault_id].relayer
        move = replace(decided(cast, vault_id, NEXT), index=index)
        draft = move_draft(relayer, move, (left[vault_id],), FEE)
        txid = confirmed(cast, relayer.finish(draft))
        (coin,) = coins_made(draft.psbt)
        expect((coin.branch, coin.index) == (0, index), "it did not go to the next vault's address")
        narrator.step(f"{coin.amount} sat rotated from {vault_id} to {NEXT}: {txid}")


def miniscript_vault(cast: Cast, told: Told, narrator: Narrator) -> None:
    """A P2WSH vault whose script is a miniscript: two members pay, one alone recovers."""
    txid, coin = deposit(cast, (MINISCRIPT, 0), 2 * PAID, narrator)
    told.deposits.append(txid)
    order = Order(withdrawal_id(MINISCRIPT_BURN), cast.wallet.address, PAID)
    cast.burn(tap_orders(cast) | {"miniscript": order})
    relayer = cast.sides[MINISCRIPT].relayer
    paid = confirmed(cast, relayer.finish(relayer.construct((order,), (coin,), FEE)))
    told.withdrawals.append(paid)
    narrator.step(f"a withdrawal from a miniscript vault, by its primary path: {paid}")
    recovery(cast, (MINISCRIPT, 1), told, narrator)


def recovery(cast: Cast, place: tuple[str, int], told: Told, narrator: Narrator) -> None:
    """A coin that two members no longer move: after DELAY blocks one member alone sweeps it."""
    vault_id = place[0]
    txid, coin = deposit(cast, place, RECOVERED, narrator)
    told.deposits.append(txid)
    relayer = cast.sides[vault_id].relayer
    draft = move_draft(relayer, decided(cast, vault_id, vault_id, RECOVERY), (coin,), FEE)
    alone = Federation(cast.kernels[2:], vault_id)
    raw = alone.extract(alone.collect(draft))
    try:
        relayer.broadcast(raw)
    except NotAccepted as early:
        expect("BIP68" in str(early), f"not for its age: {early}")
        narrator.step(f"one member signed a recovery; the node before its time: {early}")
    else:
        expect(False, "the node took a recovery before its time")
    cast.node.mine(DELAY)
    txid = confirmed(cast, relayer.broadcast(raw))
    narrator.step(f"{DELAY} blocks later it was accepted: {txid}")
