"""Coins of test vaults, and PSBTs as one member's kernel would answer them."""

from dataclasses import dataclass

from signer.bitcoin.hashes import sha256
from signer.bitcoin.psbt.model import PartialSignature, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import with_our_signatures
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import FeeRate, Sats
from signer.core.construct import NO_FEE, Funding, WithdrawalRequest
from signer.core.digests import InputDigests
from signer.core.drafts import OfferedCoin
from signer.core.inputs import verify_inputs
from signer.core.payment import WithdrawalTerms
from signer.core.vault import Vault
from tests.federation import MEMBERS


def funding(script_pubkey: bytes, amount: int, salt: int = 0) -> Transaction:
    """A transaction whose output 1 pays that script, different for each salt."""
    source = OutPoint(Txid(sha256(b"source %d" % salt)), salt % 7)
    outputs = (
        TxOut(Sats(1_000 + salt), b"\x00\x14" + bytes(20)),
        TxOut(Sats(amount), script_pubkey),
    )
    return Transaction(2, (TxIn(source, b"", 0xFFFFFFFF),), outputs, 0)


def coin(of: Vault, amount: int, salt: int = 0, branch: int = 0, index: int = 0) -> OfferedCoin:
    """A coin of the vault, with its previous transaction."""
    previous = funding(of.script(branch, index).script_pubkey, amount, salt)
    outpoint = OutPoint(previous.txid, 1)
    return OfferedCoin(previous.serialize(), outpoint, Sats(amount), branch, index)


def sign(psbt_bytes: bytes, of: Vault, position: int) -> UnverifiedPsbt:
    """The PSBT with the signatures of one member only, as a kernel would answer."""
    psbt = parse_psbt(psbt_bytes)
    coins = verify_inputs(psbt, of)
    signatures, digests = [], InputDigests(psbt.transaction, coins, of)
    for index, spent in enumerate(coins):
        key = spent.derived.keys[position]
        signer = next(each for each in MEMBERS if each.fingerprint == key.fingerprint)
        signature = signer.sign(*key.path[-2:], digests.digest(index, b""))
        signatures.append((index, PartialSignature(key.pubkey, signature)))
    return parse_psbt(with_our_signatures(psbt, tuple(signatures)))


@dataclass(frozen=True)
class Wanted:
    """A withdrawal request, flat, so that a test can replace any one field."""

    vault: Vault
    payments: tuple[WithdrawalTerms, ...]
    coins: tuple[OfferedCoin, ...]
    change_index: int
    fee_rate: FeeRate
    required_inputs: frozenset[OutPoint] = frozenset()
    min_fee: Sats = NO_FEE
    locktime: int = 0

    @property
    def request(self) -> WithdrawalRequest:
        funding = Funding(
            self.vault,
            self.coins,
            self.change_index,
            self.fee_rate,
            self.required_inputs,
            self.min_fee,
            self.locktime,
        )
        return WithdrawalRequest(funding, self.payments)
