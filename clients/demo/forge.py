"""How the hostile relayer changes a PSBT: any field of the transaction, any pair of any map."""

from collections.abc import Callable
from dataclasses import replace

from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps
from signer.bitcoin.transaction import Transaction, TxIn, TxOut


class Forgery:
    """A PSBT with its parts laid open. `bytes(forgery)` closes it again, consistent in form."""

    def __init__(self, psbt: bytes) -> None:
        parsed = parse_psbt(psbt)
        self.transaction: Transaction = parsed.transaction
        self.globals = dict(parsed.global_pairs)
        self.inputs = [dict(each.pairs) for each in parsed.inputs]
        self.outputs = [dict(each.pairs) for each in parsed.outputs]

    def __bytes__(self) -> bytes:
        self.globals[fields.GLOBAL_UNSIGNED_TX] = self.transaction.stripped
        maps = (self.globals, *self.inputs, *self.outputs)
        return serialize_maps(sorted(pairs.items()) for pairs in maps)

    def set_output(self, vout: int, txout: TxOut) -> None:
        """Put another output in that place."""
        outputs = list(self.transaction.outputs)
        outputs[vout] = txout
        self.transaction = replace(self.transaction, outputs=tuple(outputs))

    def change_output(self, vout: int, change: Callable[[TxOut], TxOut]) -> None:
        """Put what `change` makes of it in that place."""
        self.set_output(vout, change(self.transaction.outputs[vout]))

    def change_input(self, index: int, change: Callable[[TxIn], TxIn]) -> None:
        """Put another input in that place."""
        inputs = list(self.transaction.inputs)
        inputs[index] = change(inputs[index])
        self.transaction = replace(self.transaction, inputs=tuple(inputs))

    def add_input(self, txin: TxIn, pairs: dict[bytes, bytes]) -> None:
        """One more input."""
        inputs = (*self.transaction.inputs, txin)
        self.transaction = replace(self.transaction, inputs=inputs)
        self.inputs.append(pairs)

    def add_output(self, txout: TxOut, pairs: dict[bytes, bytes]) -> None:
        """One more output."""
        outputs = (*self.transaction.outputs, txout)
        self.transaction = replace(self.transaction, outputs=outputs)
        self.outputs.append(pairs)

    def replace_in_outputs(self, old: bytes, new: bytes) -> None:
        """Other bytes in every output script."""
        for vout, txout in enumerate(self.transaction.outputs):
            changed = txout._replace(script_pubkey=txout.script_pubkey.replace(old, new))
            self.set_output(vout, changed)
