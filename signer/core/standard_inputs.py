"""Inputs that nodes relay (Core's IsWitnessStandard), for the two kinds that a vault has.

1. P2WSH: at most 100 items of at most 80 bytes, and a script of at most 3,600, run by `standard_script`.
2. Taproot: no annex; a leaf is tapscript, its items of at most 80 bytes. What it does with them is consensus.
3. The cost of signature operations is at most 16,000. (Tapscript has its own budget, which is consensus.)
"""

from signer.bitcoin.script import (
    MAX_WITNESS_SCRIPT,
    OP_1,
    OP_16,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGVERIFY,
    ScriptType,
    script_items,
    script_type,
)
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.taproot import LEAF_VERSION
from signer.bitcoin.transaction import Transaction, TxOut
from signer.core.standard_script import not_standard, verify_script

MAX_WITNESS_ITEMS, MAX_WITNESS_ITEM = 100, 80
MAX_SIGOP_COST = 16_000
"""Core's MAX_STANDARD_TX_SIGOPS_COST. In Miniscript one has at least 25 weight units: no vault is near."""
MAX_MULTISIG = 20
ANNEX = b"\x50"
TAPSCRIPT = (bytes((LEAF_VERSION,)), bytes((LEAF_VERSION | 1,)))
"""First byte of a control block, for either parity of the output key."""


def verify_inputs_standard(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> None:
    """One witness and one prevout for each input. Raises VerificationError."""
    sighash = SegwitV0Sighash(transaction)
    kinds = [script_type(txout.script_pubkey) for txout in transaction.outputs]
    cost = 4 * kinds.count(ScriptType.P2PKH)
    for index, (stack, prevout) in enumerate(zip(transaction.witnesses, prevouts, strict=True)):
        kind = script_type(prevout.script_pubkey)
        if kind is ScriptType.P2TR:
            _verify_taproot(stack)
        elif kind is ScriptType.P2WSH:
            script = _witness_script(stack)
            digest = sighash.digest(index, script, prevout.amount)
            verify_script(script, stack[:-1], digest)
            cost += _sigops(script)
        else:
            raise not_standard(f"the type of prevout {index}", kind, "p2wsh, p2tr")
    if cost > MAX_SIGOP_COST:
        raise not_standard("the signature operation cost", cost, f"at most {MAX_SIGOP_COST}")


def _witness_script(stack: tuple[bytes, ...]) -> bytes:
    if not stack:
        raise not_standard("witness items", "0", "a witness script")
    *items, script = stack
    if len(items) > MAX_WITNESS_ITEMS:
        raise not_standard("witness items", len(items), f"at most {MAX_WITNESS_ITEMS}")
    _verify_items(items)
    if len(script) > MAX_WITNESS_SCRIPT:
        raise not_standard("bytes of witness script", len(script), f"at most {MAX_WITNESS_SCRIPT}")
    return script


def _verify_taproot(stack: tuple[bytes, ...]) -> None:
    """Of the key path or a leaf. What a leaf does with its items is consensus (BIP-342)."""
    if not stack:
        raise not_standard("witness items", 0, "at least 1")
    if len(stack) == 1:
        return
    *items, _, control = stack
    if control[:1] == ANNEX:
        raise not_standard("a witness", "an annex", "none")
    if control[:1] not in TAPSCRIPT:
        raise not_standard("the control block of a leaf", control[:1].hex(), "tapscript")
    _verify_items(items)


def _verify_items(items: list[bytes]) -> None:
    longest = max(map(len, items), default=0)
    if longest > MAX_WITNESS_ITEM:
        raise not_standard("bytes of a witness item", longest, f"at most {MAX_WITNESS_ITEM}")


def _sigops(script: bytes) -> int:
    """As Core counts them before a script is run: CHECKMULTISIG as its keys, or 20 where more than 16."""
    count, before = 0, 0
    for opcode, _ in script_items(script):
        if opcode in (OP_CHECKSIG, OP_CHECKSIGVERIFY):
            count += 1
        elif opcode in (OP_CHECKMULTISIG, OP_CHECKMULTISIGVERIFY):
            count += before - OP_1 + 1 if OP_1 <= before <= OP_16 else MAX_MULTISIG
        before = opcode
    return count
