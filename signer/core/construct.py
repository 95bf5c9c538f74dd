"""Withdrawal, anchor and sweep transactions: deterministic and stateless, so that every kernel builds the
same bytes.

1. Each coin offered is proven (`signer.core.drafts`).
2. Coins are selected by `signer.bitcoin.coinselect`; all required ones are spent. A sweep spends all.
3. Version 2, inputs ascending by outpoint: replaceable, or in a recovery with its path's locks.
   Outputs: payments as requested, or the anchor; then change.
4. What was built passes `verify`, the same rules as for signing: no kernel builds what it would refuse.
"""

from dataclasses import dataclass

from signer.bitcoin.coinselect import MAX_INPUTS, Coin, Selection, Target, select
from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.previous import Allowance
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import OutputDraft, draft_psbt
from signer.bitcoin.script import DUST_LIMIT, ScriptType
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.bitcoin.units import FeeRate, Sats, Weight, fee_for, vbytes_of
from signer.core.drafts import OfferedCoin, ProvenCoin, input_draft, prove, vault_output
from signer.core.errors import LimitExceeded, Objection, malformed, unverified
from signer.core.opreturn import Anchor, encode_payload, op_return_script
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.spend import VerifiedSpend
from signer.core.vault import RECEIVE, Vault
from signer.core.verify import SpendClaims, verify

SEQUENCE = 0xFFFFFFFD
"""Replaceable (BIP-125), no relative lock (BIP-68)."""
MAX_OFFERED = 2_000
NO_FEE = Sats(0)
LEAST_RATE, MOST_RATE = FeeRate(100), FeeRate(10_000_000)


@dataclass(frozen=True, slots=True)
class Funding:
    """What a transaction of a vault is paid from."""

    vault: Vault
    coins: tuple[OfferedCoin, ...]
    change_index: int
    fee_rate: FeeRate
    required_inputs: frozenset[OutPoint] = frozenset()
    """Spent in any case: pins, and coins of versions to be replaced."""
    min_fee: Sats = NO_FEE
    """What a replacement must pay at least (BIP-125)."""
    locktime: int = 0
    """A height; 0 for none."""


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    """What to pay, and from what."""

    funding: Funding
    payments: tuple[WithdrawalTerms, ...]
    """In the order of the outputs."""


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """All these coins to one output of the same or of the next vault."""

    vault: Vault
    to: Vault
    index: int
    """On the change branch of the same vault, on the receive branch of another; 0 where keys are fixed."""
    path_index: int
    coins: tuple[OfferedCoin, ...]
    fee_rate: FeeRate
    min_fee: Sats = NO_FEE


@dataclass(frozen=True, slots=True)
class Constructed:
    """An unsigned transaction and the facts about it."""

    psbt_bytes: bytes
    spend: VerifiedSpend
    """Its coins, change, fee and worst-case size, as `verify` finds them."""


def construct_withdrawal(request: WithdrawalRequest, registry: VaultRegistry) -> Constructed:
    """The PSBT that pays. Raises Refusal or Malformed with the rule that the request breaks."""
    if not request.payments:
        raise malformed("payments-missing", "no payment")
    outputs = [OutputDraft(TxOut(each.amount, each.script_pubkey)) for each in request.payments]
    claims = tuple(
        PaymentClaim(each.withdrawal_id, vout) for vout, each in enumerate(request.payments)
    )
    return _verified(_fund(request.funding, outputs), claims, request.funding.vault, registry)


def construct_anchor(funding: Funding, anchor: Anchor, registry: VaultRegistry) -> Constructed:
    """The PSBT that carries the anchor. Raises Refusal or Malformed."""
    script = op_return_script(encode_payload(anchor))
    psbt_bytes = _fund(funding, [OutputDraft(TxOut(Sats(0), script))])
    return _verified(psbt_bytes, (), funding.vault, registry)


def construct_sweep(request: SweepRequest, registry: VaultRegistry) -> Constructed:
    """The PSBT that moves all coins offered. Raises Refusal or Malformed."""
    vault = request.vault
    if not 0 <= request.path_index < len(vault.paths):
        raise unverified("path-unknown", "the vault has no such path", str(request.path_index))
    verify_fee_rate(request.fee_rate)
    _verify_offer(request.coins, frozenset())
    path = vault.paths[request.path_index]
    sequence = SEQUENCE if path.older is None else path.older
    allowance, offered = Allowance(), sorted(request.coins, key=lambda each: each.outpoint)
    coins = [prove(coin, vault, allowance) for coin in offered]
    inputs = tuple(input_draft(coin, vault, sequence) for coin in coins)
    branch = vault.change_branch if request.to is vault else RECEIVE
    if request.to is not vault and request.index >= request.to.lookahead:
        raise unverified(
            "address-index-too-high",
            "a rotation goes to the next vault's first window, where its members look",
            f"index {request.index}",
            f"below {request.to.lookahead}",
        )
    script = request.to.script(branch, request.index)
    size = len(TxOut(Sats(0), script.script_pubkey).serialize())
    weight = 4 * (_FRAME + size) + 2 + len(inputs) * vault.input_weight(request.path_index)
    fee = max(fee_for(request.fee_rate, vbytes_of(Weight(weight))), request.min_fee)
    amount = sum(coin.amount for coin in coins) - fee
    if amount < DUST_LIMIT[ScriptType.P2WSH]:
        raise unverified(
            "coins-insufficient", "the coins do not pay for moving them", f"{amount} sat left"
        )
    output = vault_output(request.to, script, Sats(amount))
    return _verified(draft_psbt(2, path.after or 0, inputs, (output,)), (), vault, registry)


_FRAME = 4 + 3 + 1 + 4
"""Version, the longest count of up to 500 inputs, one output's count, locktime."""


def _verified(
    psbt_bytes: bytes, claims: tuple[PaymentClaim, ...], vault: Vault, registry: VaultRegistry
) -> Constructed:
    built = SpendClaims(parse_psbt(psbt_bytes), psbt_bytes, claims)
    return Constructed(psbt_bytes, verify(built, vault, registry, ()))  # 4


def _fund(funding: Funding, outputs: list[OutputDraft]) -> bytes:
    """The PSBT of these outputs, paid from selected coins, with change where it is worth its cost."""
    verify_fee_rate(funding.fee_rate)
    _verify_offer(funding.coins, funding.required_inputs)
    allowance = Allowance()
    proven = {coin.outpoint: prove(coin, funding.vault, allowance) for coin in funding.coins}  # 1
    change = funding.vault.script(funding.vault.change_branch, funding.change_index)
    selection = _select(funding, proven, [each.txout for each in outputs], change)  # 2
    inputs = tuple(
        input_draft(proven[each.outpoint], funding.vault, SEQUENCE) for each in selection.coins
    )
    if selection.change:
        outputs = [*outputs, vault_output(funding.vault, change, selection.change)]
    return draft_psbt(2, funding.locktime, inputs, tuple(outputs))  # 3


def _verify_offer(coins: tuple[OfferedCoin, ...], required: frozenset[OutPoint]) -> None:
    offered = {coin.outpoint for coin in coins}
    if len(coins) > MAX_OFFERED or len(required) > MAX_INPUTS:
        observed = f"{len(coins)} offered, {len(required)} required"
        limit = f"{MAX_OFFERED} offered, {MAX_INPUTS} required"
        raise LimitExceeded(Objection("coins-too-many", "too many coins", observed, limit))
    if len(offered) != len(coins):
        raise malformed("coins-duplicate", "a coin is offered twice")
    for outpoint in sorted(required - offered):
        raise malformed("coins-required-missing", f"{outpoint} is required but not offered")


def verify_fee_rate(rate: FeeRate) -> None:
    """Raises MalformedRequest `fee-rate-refused`."""
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise malformed(
            "fee-rate-refused", f"{rate} sat/kvB is not {LEAST_RATE} to {MOST_RATE} sat/kvB"
        )


def _select(
    funding: Funding,
    proven: dict[OutPoint, ProvenCoin],
    outputs: list[TxOut],
    change: DerivedScript,
) -> Selection:
    target = Target(
        payments=Sats(sum(txout.amount for txout in outputs)),
        outputs=len(outputs),
        outputs_weight=Weight(4 * sum(len(txout.serialize()) for txout in outputs)),
        input_weight=funding.vault.input_weight(),
        change_weight=Weight(4 * len(TxOut(Sats(0), change.script_pubkey).serialize())),
        change_dust=DUST_LIMIT[ScriptType.P2WSH],
        fee_rate=funding.fee_rate,
        min_fee=funding.min_fee,
    )
    coins = tuple(Coin(each.offered.outpoint, each.amount) for each in proven.values())
    selection = select(target, coins, funding.required_inputs)
    if selection is None:
        raise unverified(
            "coins-insufficient",
            f"no selection of these coins pays for {len(outputs)} outputs and the fee",
            f"{sum(coin.amount for coin in coins)} sat in {len(coins)} coins",
            f"{target.payments} sat and the fee",
        )
    return selection
