"""What nodes relay and mine: Core's default policy, for a transaction that is about to leave.

1. Version 2, no coin twice, inputs cover outputs and pay at least the minimum relay fee.
2. At most 400,000 weight units; at least 65 bytes without witness (one of 64 could pass for an inner
   node of a block's Merkle tree, CVE-2017-12842).
3. Outputs of standard types, not dust; at most one OP_RETURN, of value 0, at most 83 bytes, with pushes only.
4. Inputs as `standard_inputs` has them. The whole table is in `docs/standardness.md`.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.script import DUST_LIMIT, OP_16, ScriptType, script_items, script_type
from signer.bitcoin.secp import parse_xonly
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, Transaction, TxOut
from signer.bitcoin.units import FeeRate, Sats, rate_below
from signer.core.errors import unverified
from signer.core.standard_inputs import verify_inputs_standard
from signer.core.standard_script import not_standard

MIN_RELAY_RATE = FeeRate(100)
"""Core 30's -minrelaytxfee: 0.1 sat/vB."""
MIN_STRIPPED = 65
MAX_OP_RETURN = 83


def verify_standard(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> Sats:
    """The fee of a final transaction. Raises VerificationError."""
    _verify_size(transaction)
    if not len(transaction.inputs) == len(transaction.witnesses) == len(prevouts):
        raise not_standard("witnesses", len(transaction.witnesses), len(transaction.inputs))
    _verify_outputs(transaction.outputs)
    fee = _fee(transaction, prevouts)
    verify_inputs_standard(transaction, prevouts)
    return fee


def spendable_type(script_pubkey: bytes) -> ScriptType | None:
    """The type of a script that someone can be paid at; None for any other.

    A Taproot key that is no point on the curve is relayed, but could never be spent from (BIP-341).
    """
    kind = script_type(script_pubkey)
    if kind is ScriptType.P2TR:
        try:
            parse_xonly(script_pubkey[2:])
        except Malformed:
            return None
    return kind if kind in DUST_LIMIT else None


def _verify_size(transaction: Transaction) -> None:
    if transaction.version != 2:
        raise not_standard("the version", transaction.version, 2)
    if transaction.weight > MAX_STANDARD_WEIGHT:
        raise not_standard("weight units", transaction.weight, f"at most {MAX_STANDARD_WEIGHT}")
    if len(transaction.stripped) < MIN_STRIPPED:
        raise not_standard(
            "bytes without witness", len(transaction.stripped), f"at least {MIN_STRIPPED}"
        )


def _verify_outputs(outputs: tuple[TxOut, ...]) -> None:
    carriers = 0
    for vout, txout in enumerate(outputs):
        kind = script_type(txout.script_pubkey)
        if kind is ScriptType.OP_RETURN:
            carriers += 1
            _verify_carrier(vout, txout)
        elif kind not in DUST_LIMIT:
            raise not_standard(f"the type of output {vout}", kind, ", ".join(DUST_LIMIT))
        elif txout.amount < DUST_LIMIT[kind]:
            raise not_standard(
                f"sat in output {vout}", txout.amount, f"at least {DUST_LIMIT[kind]}"
            )
    if carriers > 1:
        raise not_standard("OP_RETURN outputs", carriers, 1)


def _verify_carrier(vout: int, txout: TxOut) -> None:
    if txout.amount != 0:
        raise not_standard(f"sat in the OP_RETURN output {vout}", txout.amount, 0)
    if len(txout.script_pubkey) > MAX_OP_RETURN:
        raise not_standard(
            f"bytes of the OP_RETURN output {vout}",
            len(txout.script_pubkey),
            f"at most {MAX_OP_RETURN}",
        )
    if not _is_push_only(txout.script_pubkey[1:]):
        raise not_standard(f"the OP_RETURN output {vout}", txout.script_pubkey.hex(), "pushes only")


def _is_push_only(script: bytes) -> bool:
    try:
        return all(opcode <= OP_16 for opcode, _ in script_items(script))
    except Malformed:
        return False


def _fee(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> Sats:
    if len({txin.previous for txin in transaction.inputs}) != len(transaction.inputs):
        raise unverified("input-repeated", "one coin is spent twice (CVE-2018-17144)")
    inflow = sum(prevout.amount for prevout in prevouts)
    fee = inflow - sum(txout.amount for txout in transaction.outputs)
    if fee < 0:
        raise unverified("amounts-impossible", "the inputs do not cover the outputs", f"{fee} sat")
    if rate_below(Sats(fee), transaction.vsize, MIN_RELAY_RATE):
        raise not_standard(
            "sat of fee", f"{fee} for {transaction.vsize} vB", f"at least {MIN_RELAY_RATE} per kvB"
        )
    return Sats(fee)
