"""Deposits as users make them, in blocks that a test mines: what is right, and each part to be changed."""

from dataclasses import dataclass, replace
from random import Random

from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.deposits import DepositClaim, DepositFacts, deposit_facts
from signer.core.opreturn import (
    Deposit,
    Payload,
    encode_payload,
    op_return_script,
    spent_outputs,
)
from signer.core.proven import ProvenTx
from signer.core.registry import VaultRegistry
from signer.core.vault import CHANGE, RECEIVE, Vault
from tests import federation
from tests.bitcoin.blocks import Block, coinbase
from tests.core.coins import funding
from tests.core.spends import USER_SCRIPT

MAGIC = bytes.fromhex("50475744")
PAYLOAD = Deposit(MAGIC, 31_337, b"\x05" * 20)
AMOUNT = 250_000
INDEX = 3
PEG = federation.vault()


@dataclass(frozen=True)
class UserDeposit:
    """A transaction of a user's own coin that pays a vault, with the payload beside it."""

    amount: int = AMOUNT
    index: int = INDEX
    payload: Payload = PAYLOAD
    vault: Vault = PEG
    branch: int = RECEIVE
    from_script: bytes = USER_SCRIPT
    more: tuple[TxOut, ...] = ()
    salt: int = 0

    @property
    def source(self) -> Transaction:
        return funding(self.from_script, self.amount + 5_000, self.salt)

    @property
    def transaction(self) -> Transaction:
        outputs = (
            TxOut(Sats(self.amount), self.vault.script(self.branch, self.index).script_pubkey),
            TxOut(Sats(0), op_return_script(encode_payload(self.payload))),
            *self.more,
        )
        txin = TxIn(OutPoint(self.source.txid, 1), b"", 0xFFFFFFFD)
        return Transaction(2, (txin,), outputs, 0)

    def but(self, **changes: object) -> "UserDeposit":
        return replace(self, **changes)  # type: ignore[arg-type]

    def facts(
        self, claim: DepositClaim | None = None, *, proven: bool = True, on_record: bool = False
    ) -> DepositFacts:
        """What the rules make of it, in some block. Raises as they do."""
        transaction = self.transaction
        prevouts = spent_outputs(transaction, (self.source.serialize(),) if proven else ())
        fact = ProvenTx(transaction, b"\x0b" * 32, Height(7), 1, bytes(80))
        claim = claim or DepositClaim(federation.vault(), INDEX, 0)
        return deposit_facts(fact, claim, prevouts, registry().find, lambda _: on_record)


def registry() -> VaultRegistry:
    """Two vaults, their windows known."""
    made = VaultRegistry((federation.vault(), federation.vault(first=3, name="cold")))
    for vault in made.all():
        for branch in (RECEIVE, CHANGE):
            made.cover(vault, branch, 0)
    return made


def block_with(*transactions: Transaction, seed: int = 1) -> Block:
    """Behind a coinbase."""
    return Block((coinbase(Random(seed)), *transactions))
