"""Deposit transactions, for the user's own wallet to sign.

1. All UTXOs that the user names are spent, in the order named; each is proven by its previous
   transaction. Accepted: P2PKH, P2WPKH, P2SH-P2WPKH with its redeem script, P2TR by its key. There
   are as many, and as large ones, as VerifyDeposit takes.
2. Outputs: the vault's receive address, the OP_RETURN payload, the user's change; change below its
   dust limit is left to the fee.
3. The fee is that of the worst-case final weight: 72-byte ECDSA signatures, compressed keys, and
   65-byte Schnorr signatures (with an explicit sighash type).
4. What was built is a deposit by the same rules by which deposits are recognised (`opreturn`).
"""

from dataclasses import dataclass

from signer.bitcoin.codec import compact_size
from signer.bitcoin.coinselect import MAX_INPUTS
from signer.bitcoin.hashes import hash160
from signer.bitcoin.previous import Allowance, read_previous
from signer.bitcoin.psbt.maps import DEFAULT_LIMITS
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.bitcoin.psbt.writer import InputDraft, OutputDraft, draft_psbt
from signer.bitcoin.script import DUST_LIMIT, ScriptType, script_type
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from signer.bitcoin.units import FeeRate, Sats, VBytes, Weight, fee_for, vbytes_of
from signer.core.construct import SEQUENCE, verify_fee_rate
from signer.core.errors import LimitExceeded, Objection, VerificationError, malformed, unverified
from signer.core.opreturn import Deposit, encode_payload, op_return_script, validate_deposit
from signer.core.registry import VaultRegistry
from signer.core.standard import spendable_type
from signer.core.vault import RECEIVE, Vault

_SEGWIT_KEY_WITNESS = 1 + 1 + 72 + 1 + 33
INPUT_WEIGHT = {
    ScriptType.P2PKH: Weight(4 * (36 + 1 + 1 + 72 + 1 + 33 + 4) + 1),
    ScriptType.P2WPKH: Weight(4 * (36 + 1 + 4) + _SEGWIT_KEY_WITNESS),
    ScriptType.P2SH: Weight(4 * (36 + 1 + 23 + 4) + _SEGWIT_KEY_WITNESS),
    ScriptType.P2TR: Weight(4 * (36 + 1 + 4) + 1 + 1 + 65),
}
"""Worst case by type of the output spent; P2SH stands for P2SH-P2WPKH."""


@dataclass(frozen=True, slots=True)
class UserUtxo:
    """An output that the user's wallet can spend."""

    previous_tx: bytes
    """Raw."""
    vout: int
    redeem_script: bytes | None = None
    """For P2SH-P2WPKH."""
    bip32_derivations: tuple[Bip32Derivation, ...] = ()


@dataclass(frozen=True, slots=True)
class DepositRequest:
    """Who deposits what, where, from what."""

    vault: Vault
    index: int
    """Address index on the receive branch."""
    deposit: Deposit
    amount: Sats
    utxos: tuple[UserUtxo, ...]
    change_script: bytes
    fee_rate: FeeRate


@dataclass(frozen=True, slots=True)
class ConstructedDeposit:
    """An unsigned deposit and the facts about it."""

    psbt_bytes: bytes
    transaction: Transaction
    fee: Sats
    vsize: VBytes
    """Worst case, signed."""
    change: Sats
    """0: no change output."""


@dataclass(frozen=True, slots=True)
class _Source:
    utxo: UserUtxo
    previous: bytes
    """Without witness."""
    outpoint: OutPoint
    prevout: TxOut
    kind: ScriptType


def construct_deposit(request: DepositRequest, registry: VaultRegistry) -> ConstructedDeposit:
    """The PSBT for the user's wallet. Raises Refusal or Malformed."""
    verify_fee_rate(request.fee_rate)
    sources = _sources(request.utxos)  # 1
    paid = _paid(request, registry)  # 2
    change, fee, vsize = _settle(request, sources, paid)  # 3
    outputs = (*paid, *([TxOut(change, request.change_script)] if change else []))
    drafts = tuple(_input(source) for source in sources)
    inputs = tuple(TxIn(source.outpoint, b"", SEQUENCE) for source in sources)
    transaction = Transaction(2, inputs, outputs, 0)
    prevouts = tuple(source.prevout for source in sources)
    report = validate_deposit(transaction, prevouts, registry.find, request.deposit)  # 4
    if report.objections:
        raise VerificationError(*report.objections)
    psbt_bytes = draft_psbt(2, 0, drafts, tuple(OutputDraft(txout) for txout in outputs))
    return ConstructedDeposit(psbt_bytes, transaction, fee, vsize, change)


def _sources(utxos: tuple[UserUtxo, ...]) -> list[_Source]:
    if len(utxos) > MAX_INPUTS:
        raise LimitExceeded(
            Objection("coins-too-many", "too many inputs", str(len(utxos)), str(MAX_INPUTS))
        )
    allowance = Allowance()
    sources = [_source(utxo, allowance) for utxo in utxos]
    size = sum(len(source.previous) for source in sources)
    if size > DEFAULT_LIMITS.total_bytes:
        detail = "the previous transactions are larger than those by which a deposit is verified"
        limit = f"{DEFAULT_LIMITS.total_bytes} bytes"
        raise LimitExceeded(Objection("coins-too-many", detail, f"{size} bytes", limit))
    if len({source.outpoint for source in sources}) != len(sources):
        raise malformed("coins-duplicate", "an output is spent twice")
    return sources


def _source(utxo: UserUtxo, allowance: Allowance) -> _Source:
    previous = read_previous(utxo.previous_tx, allowance)
    prevout = previous.output(utxo.vout)
    outpoint = OutPoint(previous.txid, utxo.vout)
    if prevout is None:
        raise unverified(
            "previous-transaction-mismatch",
            f"{outpoint} does not exist",
            f"output {utxo.vout}",
            f"{len(previous.outputs_at)} outputs",
        )
    kind = script_type(prevout.script_pubkey)
    if kind not in INPUT_WEIGHT or not _redeems(utxo.redeem_script, kind, prevout.script_pubkey):
        raise unverified("input-type-unsupported", f"the type of {outpoint}", kind)
    return _Source(utxo, previous.stripped, outpoint, prevout, kind)


def _redeems(redeem_script: bytes | None, kind: ScriptType, script_pubkey: bytes) -> bool:
    """Whether the redeem script is there if and only if it is needed, and is the right one."""
    if redeem_script is None or kind is not ScriptType.P2SH:
        return redeem_script is None and kind is not ScriptType.P2SH
    if script_type(redeem_script) is not ScriptType.P2WPKH:
        return False
    return hash160(redeem_script) == script_pubkey[2:22]


def _paid(request: DepositRequest, registry: VaultRegistry) -> tuple[TxOut, TxOut]:
    script = request.vault.script(RECEIVE, request.index).script_pubkey
    if registry.find(script) is None:
        raise unverified(
            "address-index-too-high",
            "the address lies beyond the vault's window",
            f"index {request.index}",
        )
    limit = DUST_LIMIT[ScriptType.P2WSH]
    if request.amount < limit:
        raise unverified(
            "output-dust", "the deposit is dust", f"{request.amount} sat", f"{limit} sat"
        )
    carrier = op_return_script(encode_payload(request.deposit))
    return TxOut(request.amount, script), TxOut(Sats(0), carrier)


def _settle(
    request: DepositRequest, sources: list[_Source], paid: tuple[TxOut, ...]
) -> tuple[Sats, Sats, VBytes]:
    """Change, fee and worst-case size."""
    kind = spendable_type(request.change_script)
    if kind is None:
        raise unverified("change-script-refused", "the type of the change address")
    rest = sum(source.prevout.amount for source in sources) - sum(txout.amount for txout in paid)
    with_change = _vsize(sources, (*paid, TxOut(Sats(0), request.change_script)))
    fee = fee_for(request.fee_rate, with_change)
    if rest - fee >= DUST_LIMIT[kind]:
        return Sats(rest - fee), fee, with_change
    without_change = _vsize(sources, paid)
    least = fee_for(request.fee_rate, without_change)
    if rest < least:
        raise unverified(
            "coins-insufficient",
            "the outputs named do not pay for the deposit and the fee",
            f"{rest} sat left for the fee",
            f"{least} sat",
        )
    return Sats(0), Sats(rest), without_change


def _vsize(sources: list[_Source], outputs: tuple[TxOut, ...]) -> VBytes:
    counts = len(compact_size(len(sources))) + len(compact_size(len(outputs)))
    fixed = 4 * (4 + counts + 4 + sum(len(txout.serialize()) for txout in outputs)) + 2
    return vbytes_of(Weight(fixed + sum(INPUT_WEIGHT[source.kind] for source in sources)))


def _input(source: _Source) -> InputDraft:
    segwit = source.kind is not ScriptType.P2PKH
    return InputDraft(
        outpoint=source.outpoint,
        sequence=SEQUENCE,
        non_witness_utxo=source.previous,
        witness_utxo=source.prevout if segwit else None,
        redeem_script=source.utxo.redeem_script,
        bip32_derivations=source.utxo.bip32_derivations,
    )
