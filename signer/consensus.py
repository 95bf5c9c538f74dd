"""The last gate of ExtractTx: Bitcoin Core's own consensus code (py-bitcoinkernel) on every input.

1. It is a second opinion that can only refuse; nothing is believed because it agrees.
2. All consensus flags are on, and every proven prevout is given.
3. Without the library there is no gate and nothing passes, unless the operator has said so by name:
   `UnsafeWithoutConsensusGate`.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol

from signer.bitcoin.transaction import Transaction, TxOut
from signer.core.errors import Objection, Refusal, unverified


class ConsensusGate(Protocol):
    """Whoever is asked last."""

    def verify(self, transaction: Transaction, prevouts: tuple[TxOut, ...]) -> None:
        """Returns if every input is valid, else raises Refusal."""


@dataclass(frozen=True, slots=True)
class UnsafeWithoutConsensusGate:
    """No second opinion. Only for platforms without py-bitcoinkernel; the operator asked for it."""

    def verify(self, transaction: Transaction, prevouts: tuple[TxOut, ...]) -> None:
        """Asks nobody."""


@dataclass(frozen=True, slots=True)
class CoreConsensusGate:
    """Bitcoin Core's script verification."""

    def verify(self, transaction: Transaction, prevouts: tuple[TxOut, ...]) -> None:
        """Raises Refusal `consensus-refused` or `consensus-gate-missing`."""
        verify_consensus(transaction, prevouts)


def verify_consensus(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> None:
    """Every input of the transaction is valid. Raises Refusal with the first that is not."""
    pbk = _library()
    if len(prevouts) != len(transaction.inputs):
        raise unverified("consensus-refused", "not one prevout for each input")
    scripts = [pbk.ScriptPubkey(txout.script_pubkey) for txout in prevouts]
    pairs = list(zip(scripts, prevouts, strict=True))
    spent = [pbk.TransactionOutput(script, txout.amount) for script, txout in pairs]
    index = 0
    try:
        subject = pbk.Transaction(transaction.serialize())
        shared = pbk.script.PrecomputedTransactionData(subject, spent)
        flags = pbk.ScriptVerificationFlags.ALL
        for index, (script, txout) in enumerate(pairs):
            if not script.verify(txout.amount, subject, shared, index, flags):
                raise unverified("consensus-refused", f"input {index} is not valid")
    except (pbk.KernelException, RuntimeError) as error:
        raise unverified("consensus-refused", f"input {index}: {error}") from None


def load_library() -> None:
    """Now, where it is installed: a kernel in its room loads nothing later."""
    with suppress(Refusal):
        _library()


@cache
def _library() -> ModuleType:
    """Loaded when it is first asked: 150 ms that the start of the kernel does not wait for."""
    try:
        return import_module("pbk")
    except ImportError:
        raise Refusal(
            Objection("consensus-gate-missing", "py-bitcoinkernel is not installed")
        ) from None
