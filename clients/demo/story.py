"""The honest part: a deposit, two withdrawals, a fee bump, each confirmed on the node."""

from dataclasses import replace

from clients.demo.narrator import Narrator, expect
from clients.demo.offline import verify_deposit_offline
from clients.demo.policy import DAY_LIMIT
from clients.demo.scene import FEE, L2_CHAIN_ID, L2_USER, VAULT, Cast, Scene, withdrawal_id
from clients.relayer.coins import VaultCoin, coin_on_chain
from clients.relayer.draft import Draft, Order
from clients.relayer.federation import Federation
from pegwarden.v1 import kernel_pb2
from signer.bitcoin.transaction import OutPoint, display, parse_transaction, txid_from_display

RECEIVE = 0
AMOUNTS = {"first": 60_000_000, "second": 50_000_000, "good": 10_000, "second part": 200_000}
LARGE, HUGE = 199_000_000, 201_000_000
"""Beyond the day's outflow; beyond the limit of one payment (2 BTC)."""
LEFT_OF_THE_DAY = 25_000
"""What `pending` leaves of it: enough for `good`, not for a dear fee bump."""
DEPOSITS = (150_000_000, 240_000_000, 250_000_000)


def orders(cast: Cast) -> dict[str, Order]:
    """The withdrawals of the story, all to the user's own wallet."""
    amounts = AMOUNTS | {"large": LARGE, "huge": HUGE}
    return {
        name: Order(withdrawal_id(number), cast.wallet.address, amount)
        for number, (name, amount) in enumerate(amounts.items(), 1)
    }


def deposit(
    cast: Cast, place: tuple[str, int], amount: int, narrator: Narrator
) -> tuple[str, VaultCoin]:
    """One deposit at (vault, index): the kernel's PSBT, signed by the user's wallet, mined."""
    vault_id, index = place
    funding = cast.node.fund(cast.wallet.address, amount + 50_000)
    kernel = cast.kernels[index % len(cast.kernels)]
    request = kernel_pb2.GenerateDepositPsbtRequest(
        vault_id=vault_id,
        index=index,
        rollup="main",
        l2_chain_id=L2_CHAIN_ID,
        l2_address=L2_USER,
        amount_sat=amount,
        utxos=[cast.wallet.utxo(cast.node, funding)],
        change_address=cast.wallet.address,
        fee_rate_sat_per_kvb=FEE.rate_sat_per_kvb,
    )
    generated = kernel.ask(request, kernel_pb2.GenerateDepositPsbtResponse)
    if place == (VAULT, 0):
        verify_deposit_offline(cast, kernel, generated, narrator)
    transaction = cast.wallet.sign(generated.psbt)
    txid = cast.relayer.broadcast(transaction)
    cast.node.mine(1)
    _credited(cast, vault_id, transaction)
    point = OutPoint(txid_from_display(txid), generated.vault_vout)
    narrator.step(
        f"{kernel.name} made a deposit PSBT of {amount} sat, the user's wallet signed it: {txid}"
    )
    return txid, coin_on_chain(cast.node.rpc, point, RECEIVE, index)


def _credited(cast: Cast, vault_id: str, transaction: bytes) -> None:
    """Another kernel agrees that it is a deposit for that user, and no coin of the vault is in it."""
    request = kernel_pb2.ValidateOpReturnRequest(
        vault_id=vault_id,
        transaction=transaction,
        previous_transactions=previous_transactions(cast, transaction),
    )
    verdict = cast.kernels[1].ask(request, kernel_pb2.ValidateOpReturnResponse)
    expect(verdict.deposit_valid, f"the deposit is not valid: {list(verdict.reasons)}")
    expect(verdict.deposit.l2_address == L2_USER, "the deposit credits somebody else")


def previous_transactions(cast: Cast, transaction: bytes) -> list[bytes]:
    """What the transaction's inputs spend from, as the node has it."""
    txids = {each.previous.txid for each in parse_transaction(transaction).inputs}
    return [
        bytes.fromhex(cast.node.rpc("getrawtransaction", display(txid))) for txid in sorted(txids)
    ]


def withdraw(cast: Cast, coin: VaultCoin, narrator: Narrator) -> str:
    """Two withdrawals in one transaction, bumped before it confirms; the txid that confirmed."""
    book = orders(cast)
    a, b, c = cast.kernels
    pair = (book["first"], book["second"])
    draft = cast.relayer.construct(pair, (coin,), FEE)
    narrator.step(
        f"{a.name} constructed two withdrawals in one transaction, fee {draft.fee_sat} sat"
    )
    signed = Federation((a, c), VAULT).collect(draft)
    raw = Federation((b,), VAULT).extract(signed)
    first = cast.relayer.broadcast(raw)
    narrator.step(
        f"signed by {a.name} and {c.name}, finalised by {b.name}, accepted by the node: {first}"
    )
    bump = cast.relayer.further_version(book["first"].withdrawal_id, 3 * FEE.rate_sat_per_kvb)
    expect(set(bump.inputs) == set(draft.inputs), "the bump spends other coins")
    psbts = Federation((b, a), VAULT).collect(bump)
    second = cast.relayer.broadcast(cast.relayer.federation.extract(psbts))
    expect(cast.relayer.confirmations(first) == -1, "the node kept both versions")
    cast.node.mine(1)
    cast.relayer.follow(second, 1, 10)
    narrator.step(f"bumped to {bump.fee_sat} sat by a further version, which confirmed: {second}")
    return second


def make_pending(cast: Cast, coin: VaultCoin) -> Order:
    """A withdrawal that uses up the day's outflow but for LEFT_OF_THE_DAY; signed by all."""
    book = orders(cast)
    spent = book["first"].amount_sat + book["second"].amount_sat
    spent += max(version.fee_sat for version in _versions(cast, book["first"]))
    number = len(book) + 1
    probe = Order(withdrawal_id(number), cast.wallet.address, 100_000_000)
    fee = cast.relayer.unproven((probe,), (coin,), FEE).fee_sat
    pending = replace(probe, amount_sat=DAY_LIMIT - LEFT_OF_THE_DAY - spent - fee)
    cast.burn(book | {"pending": pending})
    draft = cast.relayer.construct((pending,), (coin,), FEE)
    for kernel in cast.kernels:
        cast.relayer.federation.sign(kernel, draft)
    return pending


def _versions(cast: Cast, order: Order) -> list[kernel_pb2.Version]:
    infos = cast.relayer.federation.on_record(order.withdrawal_id)
    return [version for info in infos for version in info.versions]


def scene_after(cast: Cast, pending_coin: VaultCoin, spare: VaultCoin) -> Scene:
    """How things stand then; every kernel would sign the good draft."""
    pending = make_pending(cast, pending_coin)
    book = orders(cast) | {"pending": pending}
    good = cast.relayer.construct((book["good"],), (spare,), FEE)
    expect_good(cast, good)
    return Scene(cast, book, spare, pending_coin, good)


def expect_good(cast: Cast, good: Draft) -> None:
    """Every kernel would sign it: so what is refused is refused for what was changed."""
    for kernel in cast.kernels:
        explained = cast.relayer.federation.explain(kernel, good)
        failed = [line.rule for line in explained.trace if not line.passed]
        expect(explained.would_sign, f"{kernel.name} would not sign the good draft: {failed}")
