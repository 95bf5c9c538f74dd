"""What nodes relay and mine: Core's default policy, for a transaction that is about to leave.

1. Version 2, no coin twice, inputs cover outputs and pay at least the minimum relay fee.
2. At most 400,000 weight units; at least 65 bytes without witness (a transaction of 64 could pass for
   an inner node of a block's Merkle tree, CVE-2017-12842).
3. Witness of a P2WSH input: at most 100 items of at most 80 bytes, and a script of at most 3,600. Of a
   Taproot leaf: items of at most 80 bytes beside leaf and control block.
4. Outputs of standard types, not dust; at most one OP_RETURN, of value 0, its script at most 83 bytes.
Sigops need no rule: 500 inputs of 20 keys and 500 outputs stay below the limit of 16,000.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.script import DUST_LIMIT, MAX_WITNESS_SCRIPT, ScriptType, script_type
from signer.bitcoin.secp import parse_xonly
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, Transaction, TxOut
from signer.bitcoin.units import FeeRate, Sats, rate_below
from signer.core.errors import VerificationError, unverified

MIN_RELAY_RATE = FeeRate(100)
"""Core 30's -minrelaytxfee: 0.1 sat/vB."""
MIN_STRIPPED = 65
MAX_OP_RETURN = 83
MAX_WITNESS_ITEMS, MAX_WITNESS_ITEM = 100, 80


def verify_standard(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> Sats:
    """The fee of a final transaction with P2WSH or Taproot script-path inputs. Raises VerificationError."""
    _verify_size(transaction)
    for stack, prevout in zip(transaction.witnesses, prevouts, strict=True):
        _verify_witness(stack, prevout)
    _verify_outputs(transaction.outputs)
    return _fee(transaction, prevouts)


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


def _refuse(detail: str, observed: int | str, limit: int | str) -> VerificationError:
    return unverified("transaction-not-standard", detail, str(observed), str(limit))


def _verify_size(transaction: Transaction) -> None:
    if transaction.version != 2:
        raise _refuse("the version", transaction.version, 2)
    if transaction.weight > MAX_STANDARD_WEIGHT:
        raise _refuse("weight units", transaction.weight, f"at most {MAX_STANDARD_WEIGHT}")
    if len(transaction.stripped) < MIN_STRIPPED:
        raise _refuse(
            "bytes without witness", len(transaction.stripped), f"at least {MIN_STRIPPED}"
        )


def _verify_witness(stack: tuple[bytes, ...], prevout: TxOut) -> None:
    taproot = script_type(prevout.script_pubkey) is ScriptType.P2TR
    items, script = (stack[:-2], b"") if taproot else (stack[:-1], stack[-1])
    longest = max(map(len, items), default=0)
    if len(items) > MAX_WITNESS_ITEMS or longest > MAX_WITNESS_ITEM:
        raise _refuse(
            "witness items",
            f"{len(items)}, the longest of {longest} bytes",
            f"{MAX_WITNESS_ITEMS} of {MAX_WITNESS_ITEM} bytes",
        )
    if len(script) > MAX_WITNESS_SCRIPT:
        raise _refuse("bytes of witness script", len(script), f"at most {MAX_WITNESS_SCRIPT}")


def _verify_outputs(outputs: tuple[TxOut, ...]) -> None:
    carriers = 0
    for vout, txout in enumerate(outputs):
        kind = script_type(txout.script_pubkey)
        if kind is ScriptType.OP_RETURN:
            carriers += 1
            _verify_carrier(vout, txout)
        elif kind not in DUST_LIMIT:
            raise _refuse(f"the type of output {vout}", kind, ", ".join(DUST_LIMIT))
        elif txout.amount < DUST_LIMIT[kind]:
            raise _refuse(f"sat in output {vout}", txout.amount, f"at least {DUST_LIMIT[kind]}")
    if carriers > 1:
        raise _refuse("OP_RETURN outputs", carriers, 1)


def _verify_carrier(vout: int, txout: TxOut) -> None:
    if txout.amount != 0:
        raise _refuse(f"sat in the OP_RETURN output {vout}", txout.amount, 0)
    if len(txout.script_pubkey) > MAX_OP_RETURN:
        raise _refuse(
            f"bytes of the OP_RETURN output {vout}",
            len(txout.script_pubkey),
            f"at most {MAX_OP_RETURN}",
        )


def _fee(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> Sats:
    if len({txin.previous for txin in transaction.inputs}) != len(transaction.inputs):
        raise unverified("input-repeated", "one coin is spent twice (CVE-2018-17144)")
    inflow = sum(prevout.amount for prevout in prevouts)
    fee = inflow - sum(txout.amount for txout in transaction.outputs)
    if fee < 0:
        raise unverified("amounts-impossible", "the inputs do not cover the outputs", f"{fee} sat")
    if rate_below(Sats(fee), transaction.vsize, MIN_RELAY_RATE):
        raise _refuse(
            "sat of fee", f"{fee} for {transaction.vsize} vB", f"at least {MIN_RELAY_RATE} per kvB"
        )
    return Sats(fee)
