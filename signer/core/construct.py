"""Withdrawal transactions: deterministic and stateless, so that every kernel builds the same bytes.

1. The amount of each coin offered is proven: its previous transaction hashes to the outpoint. (Coins
   without previous transactions are for Taproot vaults, later.)
2. Coins are selected by `signer.bitcoin.coinselect`; all required ones are spent. The script of each
   coin selected is the vault's at the branch and index named.
3. Version 2, replaceable inputs ascending by outpoint, payments as requested, then change.
4. What was built passes `verify`, the same rules as for signing: no kernel builds what it would refuse.
"""

from dataclasses import dataclass

from signer.bitcoin.coinselect import MAX_INPUTS, Coin, Selection, Target, select
from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import InputDraft, OutputDraft, draft_psbt
from signer.bitcoin.script import DUST_LIMIT, ScriptType
from signer.bitcoin.transaction import OutPoint, Transaction, TxOut, display, parse_transaction
from signer.bitcoin.units import FeeRate, Sats, Weight
from signer.core.errors import LimitExceeded, Objection, malformed, unverified
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.spend import VerifiedSpend
from signer.core.vault import CHANGE, Vault, VaultRegistry
from signer.core.verify import SpendClaims, verify

SEQUENCE = 0xFFFFFFFD
"""Replaceable (BIP-125), no relative lock (BIP-68)."""
MAX_OFFERED = 2_000
LEAST_RATE, MOST_RATE = FeeRate(100), FeeRate(10_000_000)


@dataclass(frozen=True, slots=True)
class OfferedCoin:
    """A coin of the vault, as the caller describes it."""

    previous_tx: bytes | None
    """The transaction that created it, raw."""
    outpoint: OutPoint
    amount: Sats | None
    """None: as in the previous transaction."""
    branch: int
    index: int


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    """What to pay, and from what."""

    vault: Vault
    payments: tuple[WithdrawalTerms, ...]
    """In the order of the outputs."""
    coins: tuple[OfferedCoin, ...]
    change_index: int
    fee_rate: FeeRate
    required_inputs: frozenset[OutPoint]
    """Spent in any case: pins, and coins of versions to be replaced."""
    min_fee: Sats
    """What a replacement must pay at least (BIP-125)."""
    locktime: int
    """A height; 0 for none."""


@dataclass(frozen=True, slots=True)
class Constructed:
    """An unsigned transaction and the facts about it."""

    psbt_bytes: bytes
    spend: VerifiedSpend
    """Its coins, change, fee and worst-case size, as `verify` finds them."""


@dataclass(frozen=True, slots=True)
class _ProvenCoin:
    offered: OfferedCoin
    previous: Transaction
    prevout: TxOut


def construct_withdrawal(request: WithdrawalRequest, registry: VaultRegistry) -> Constructed:
    """The PSBT that pays. Raises Refusal or Malformed with the rule that the request breaks."""
    _verify_request(request)
    proven = {coin.outpoint: _prove(coin) for coin in request.coins}  # 1
    change_script = request.vault.script(CHANGE, request.change_index)
    selection = _select(request, proven, change_script)  # 2
    inputs = tuple(_input(proven[each.outpoint], request.vault) for each in selection.coins)  # 3
    outputs = [OutputDraft(TxOut(each.amount, each.script_pubkey)) for each in request.payments]
    if selection.change:
        outputs.append(_change(change_script, selection.change))
    psbt_bytes = draft_psbt(2, request.locktime, inputs, tuple(outputs))
    claims = tuple(
        PaymentClaim(each.withdrawal_id, vout) for vout, each in enumerate(request.payments)
    )
    built = SpendClaims(parse_psbt(psbt_bytes), psbt_bytes, claims)
    return Constructed(psbt_bytes, verify(built, request.vault, registry, ()))  # 4


def _verify_request(request: WithdrawalRequest) -> None:
    offered = {coin.outpoint for coin in request.coins}
    if not request.payments:
        raise malformed("payments-missing", "no payment")
    verify_fee_rate(request.fee_rate)
    if len(request.coins) > MAX_OFFERED or len(request.required_inputs) > MAX_INPUTS:
        observed = f"{len(request.coins)} offered, {len(request.required_inputs)} required"
        limit = f"{MAX_OFFERED} offered, {MAX_INPUTS} required"
        raise LimitExceeded(Objection("coins-too-many", "too many coins", observed, limit))
    if len(offered) != len(request.coins):
        raise malformed("coins-duplicate", "a coin is offered twice")
    for outpoint in sorted(request.required_inputs - offered):
        raise malformed("coins-required-missing", f"{outpoint} is required but not offered")


def verify_fee_rate(rate: FeeRate) -> None:
    """Raises MalformedRequest `fee-rate-out-of-range`."""
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise malformed(
            "fee-rate-out-of-range", f"{rate} sat/kvB is not {LEAST_RATE} to {MOST_RATE} sat/kvB"
        )


def _prove(coin: OfferedCoin) -> _ProvenCoin:
    if coin.previous_tx is None:
        raise unverified(
            "previous-transaction-missing",
            f"no signer of a P2WSH vault would accept {coin.outpoint} without it (CVE-2020-14199)",
        )
    previous = parse_transaction(coin.previous_tx)
    if previous.txid != coin.outpoint.txid or coin.outpoint.vout >= len(previous.outputs):
        raise unverified(
            "previous-transaction-mismatch",
            f"the previous transaction given for {coin.outpoint} does not have that output",
            f"{display(previous.txid)} with {len(previous.outputs)} outputs",
            str(coin.outpoint),
        )
    prevout = previous.outputs[coin.outpoint.vout]
    if coin.amount not in (None, prevout.amount):
        raise unverified(
            "coin-amount-mismatch",
            str(coin.outpoint),
            f"{coin.amount} sat",
            f"{prevout.amount} sat",
        )
    return _ProvenCoin(coin, previous, prevout)


def _select(
    request: WithdrawalRequest, proven: dict[OutPoint, _ProvenCoin], change: DerivedScript
) -> Selection:
    outputs = [TxOut(each.amount, each.script_pubkey) for each in request.payments]
    target = Target(
        payments=Sats(sum(txout.amount for txout in outputs)),
        outputs=len(outputs),
        outputs_weight=Weight(4 * sum(len(txout.serialize()) for txout in outputs)),
        input_weight=request.vault.input_weight,
        change_weight=Weight(4 * len(TxOut(Sats(0), change.script_pubkey).serialize())),
        change_dust=DUST_LIMIT[ScriptType.P2WSH],
        fee_rate=request.fee_rate,
        min_fee=request.min_fee,
    )
    coins = tuple(Coin(each.offered.outpoint, each.prevout.amount) for each in proven.values())
    selection = select(target, coins, request.required_inputs)
    if selection is None:
        raise unverified(
            "coins-insufficient",
            f"no selection of these coins pays for {len(outputs)} outputs and the fee",
            f"{sum(coin.amount for coin in coins)} sat in {len(coins)} coins",
            f"{target.payments} sat and the fee",
        )
    return selection


def _input(coin: _ProvenCoin, vault: Vault) -> InputDraft:
    outpoint, branch, index = coin.offered.outpoint, coin.offered.branch, coin.offered.index
    derived = vault.script(branch, index)
    if derived.script_pubkey != coin.prevout.script_pubkey:
        raise unverified(
            "input-foreign",
            f"{outpoint} is not at branch {branch}, index {index} of the vault",
            coin.prevout.script_pubkey.hex(),
            derived.script_pubkey.hex(),
        )
    return InputDraft(
        outpoint=outpoint,
        sequence=SEQUENCE,
        non_witness_utxo=coin.previous.stripped,
        witness_utxo=coin.prevout,
        witness_script=derived.witness_script,
        bip32_derivations=_derivations(derived),
    )


def _change(script: DerivedScript, amount: Sats) -> OutputDraft:
    txout = TxOut(amount, script.script_pubkey)
    return OutputDraft(txout, script.witness_script, _derivations(script))


def _derivations(script: DerivedScript) -> tuple[Bip32Derivation, ...]:
    return tuple(Bip32Derivation(key.pubkey, key.fingerprint, key.path) for key in script.keys)
