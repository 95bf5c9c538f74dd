"""One good withdrawal, every part of which a test can change: refusals come from one changed field."""

from dataclasses import dataclass, field, replace

from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.hashes import sha256
from signer.bitcoin.psbt.model import Bip32Derivation, Pair
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import (
    InputDraft,
    OutputDraft,
    draft_psbt,
    serialize_maps,
    serialize_psbt,
)
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import Attestation, Authorized, CoinTerms, authorize
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.spend import VerifiedSpend
from signer.core.vault import CHANGE, Vault
from signer.core.verify import SpendClaims, verify
from tests import federation

NOW = 1_800_000_000
USER_SCRIPT = b"\x00\x14" + b"\x22" * 20
HEIGHT = Height(120)


def withdrawal_id(number: int) -> bytes:
    return sha256(b"withdrawal %d" % number)


def previous_transaction(script: bytes, amount: int, salt: int = 0) -> Transaction:
    """A transaction whose output 1 pays that script."""
    spent = OutPoint(Txid(sha256(b"salt %d" % salt)), 0)
    outputs = (TxOut(Sats(5_000), b"\x00\x14" + b"\x11" * 20), TxOut(Sats(amount), script))
    return Transaction(2, (TxIn(spent, b"", 0xFFFFFFFF),), outputs, 0)


def derivations(derived: DerivedScript) -> tuple[Bip32Derivation, ...]:
    return tuple(Bip32Derivation(key.pubkey, key.fingerprint, key.path) for key in derived.keys)


@dataclass(frozen=True)
class Coin:
    """A coin of the vault."""

    vault: Vault = field(default_factory=federation.vault)
    amount: int = 100_000_000
    branch: int = 0
    index: int = 0
    salt: int = 0

    @property
    def derived(self) -> DerivedScript:
        return self.vault.script(self.branch, self.index)

    @property
    def previous(self) -> Transaction:
        return previous_transaction(self.derived.script_pubkey, self.amount, self.salt)

    @property
    def outpoint(self) -> OutPoint:
        return OutPoint(self.previous.txid, 1)

    @property
    def terms(self) -> CoinTerms:
        return CoinTerms(self.outpoint, Sats(self.amount), HEIGHT, self.derived.script_pubkey)

    def draft(self) -> InputDraft:
        return InputDraft(
            outpoint=self.outpoint,
            sequence=0xFFFFFFFD,
            non_witness_utxo=self.previous.serialize(),
            witness_utxo=self.previous.outputs[1],
            witness_script=self.derived.witness_script,
            bip32_derivations=derivations(self.derived),
        )


def change_draft(vault: Vault, amount: int, index: int = 0, branch: int = CHANGE) -> OutputDraft:
    derived = vault.script(branch, index)
    txout = TxOut(Sats(amount), derived.script_pubkey)
    return OutputDraft(txout, derived.witness_script, derivations(derived))


def payment_draft(amount: int, script: bytes = USER_SCRIPT) -> OutputDraft:
    return OutputDraft(TxOut(Sats(amount), script))


@dataclass(frozen=True)
class Case:
    """A request to sign. `case.but(...)` is its twin with some fields changed."""

    vault: Vault
    inputs: tuple[InputDraft, ...]
    outputs: tuple[OutputDraft, ...]
    payments: tuple[PaymentClaim, ...]
    version: int = 2
    locktime: int = 0
    extra_global: tuple[Pair, ...] = ()
    extra_input: tuple[Pair, ...] = ()
    """Pairs added to the first input map."""
    extra_output: tuple[Pair, ...] = ()
    """Pairs added to the first output map."""
    others: tuple[Vault, ...] = ()
    """Further registered vaults."""

    def but(self, **changes: object) -> "Case":
        return replace(self, **changes)  # type: ignore[arg-type]

    def but_input(self, **changes: object) -> "Case":
        """With fields of the first input changed."""
        first = replace(self.inputs[0], **changes)  # type: ignore[arg-type]
        return self.but(inputs=(first, *self.inputs[1:]))

    @property
    def psbt_bytes(self) -> bytes:
        psbt = parse_psbt(draft_psbt(self.version, self.locktime, self.inputs, self.outputs))
        if not (self.extra_global or self.extra_input or self.extra_output):
            return serialize_psbt(psbt)
        maps = [psbt.global_pairs + self.extra_global]
        maps += [each.pairs for each in psbt.inputs]
        maps += [each.pairs for each in psbt.outputs]
        maps[1] = maps[1] + self.extra_input
        maps[1 + len(psbt.inputs)] = maps[1 + len(psbt.inputs)] + self.extra_output
        return serialize_maps(maps)

    @property
    def registry(self) -> VaultRegistry:
        registry = VaultRegistry((self.vault, *self.others))
        for vault in registry.all():
            registry.cover(vault, 0, 0)
            registry.cover(vault, 1, 0)
        return registry

    def verify(self, ours: tuple[int, ...] = (0,)) -> VerifiedSpend:
        raw = self.psbt_bytes
        claims = SpendClaims(parse_psbt(raw), raw, self.payments)
        return verify(claims, self.vault, self.registry, ours)

    def withdrawal_terms(self) -> tuple[WithdrawalTerms, ...]:
        return tuple(
            WithdrawalTerms(
                claim.withdrawal_id,
                self.outputs[claim.vout].txout.amount,
                self.outputs[claim.vout].txout.script_pubkey,
            )
            for claim in self.payments
        )


def good_case(
    coins: tuple[Coin, ...] | None = None,
    payments: tuple[tuple[int, int], ...] = ((1, 60_000_000),),
    fee: int = 10_000,
    change_index: int = 0,
) -> Case:
    """Pays withdrawals (number, amount) from coins, with change."""
    coins = coins or (Coin(),)
    vault = coins[0].vault
    rest = sum(coin.amount for coin in coins) - sum(amount for _, amount in payments) - fee
    outputs = [payment_draft(amount) for _, amount in payments]
    if rest:
        outputs.append(change_draft(vault, rest, change_index))
    claims = tuple(
        PaymentClaim(withdrawal_id(number), vout) for vout, (number, _) in enumerate(payments)
    )
    return Case(vault, tuple(coin.draft() for coin in coins), tuple(outputs), claims)


def attestations(
    case: Case,
    coins: tuple[Coin, ...],
    watchers: tuple[federation.Watcher, ...] = federation.WATCHERS[:2],
    expiry: int = NOW + 1_800,
) -> tuple[Attestation, ...]:
    """Each watcher's word for the case's withdrawals and for the coins."""
    realm = case.vault.realm
    found = []
    for watcher in watchers:
        if case.payments:
            found.append(watcher.attest(realm, expiry, *case.withdrawal_terms()))
        if coins:
            found.append(watcher.attest(realm, expiry, *(coin.terms for coin in coins)))
    return tuple(found)


def authorized(
    case: Case,
    coins: tuple[Coin, ...] | None = None,
    watchers: tuple[federation.Watcher, ...] = federation.WATCHERS[:2],
    expiry: int = NOW + 1_800,
) -> Authorized:
    """The evidence of `attestations`, verified."""
    keys = frozenset(watcher.key for watcher in federation.WATCHERS)
    found = attestations(case, coins if coins is not None else (Coin(),), watchers, expiry)
    return authorize(found, case.vault.realm, keys)
