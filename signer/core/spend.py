"""The types of the straight line: claims -> facts -> consent -> record -> signature.

Rule 1: each of VerifiedSpend, ApprovedSpend, RecordedSpend, SignedSpend is constructed in exactly one
        file (`verify`, `approve`, `signer/journal/record`, `keystore/gate`); a test checks it.
Rule 2: all are immutable; whoever holds one need not check again what its birthplace proved.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from signer.bitcoin.descriptor import DerivedScript, SpendingPath
from signer.bitcoin.psbt.model import PartialSignature, TapScriptSignature, UnverifiedPsbt
from signer.bitcoin.transaction import OutPoint, Transaction, TxOut
from signer.bitcoin.units import Sats, VBytes, Weight, vbytes_of
from signer.core.chain_word import ChainWord
from signer.core.errors import Objection, Pending
from signer.core.evidence import AnchorTerms, Authorized
from signer.core.opreturn import Anchor
from signer.core.payment import Payment
from signer.core.vault import Vault


class Kind(StrEnum):
    """What a transaction is for: a total function of its outputs' purposes (design section 7)."""

    WITHDRAWAL = "withdrawal"
    ANCHOR = "anchor"
    SWEEP = "sweep"
    ROTATION = "rotation"


class SpentCoin(NamedTuple):
    """An input: the coin it spends, proven to be what is said (not yet: to be unspent)."""

    outpoint: OutPoint
    prevout: TxOut
    derived: DerivedScript
    """Our own derivation of the script that the prevout pays to."""


@dataclass(frozen=True, slots=True)
class Change:
    """The output that goes back to the vault's change branch."""

    vout: int
    amount: Sats
    index: int
    """Address index on the change branch."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """An output to the receive branch of the next vault."""

    vout: int
    amount: Sats
    to: Vault
    index: int
    """Address index on its receive branch."""


class SigningTask(NamedTuple):
    """One signature that we owe if all consent: what is recorded, and what a retry must equal."""

    input_index: int
    key_position: int
    """Which placeholder of the template: @0 is 0."""
    pubkey: bytes
    """33 bytes, in Taproot too."""
    script: bytes
    """Witness script or leaf."""
    leaf_hash: bytes
    """Of the leaf that the signature commits to; empty in P2WSH."""
    sighash_type: int
    digest: bytes
    """32 bytes, computed by us from the proven prevouts."""


class SpendFacts(Protocol):
    """What rules ask of a spend. A VerifiedSpend, or one that is only described (`policies.described`), which
    no kernel consents to."""

    @property
    def vault(self) -> Vault:
        """Whose coins are spent."""

    @property
    def kind(self) -> Kind:
        """By the purposes of its outputs."""

    @property
    def path(self) -> SpendingPath:
        """By nSequence and nLockTime."""

    @property
    def path_index(self) -> int:
        """0 is the primary path."""

    @property
    def coins(self) -> tuple[SpentCoin, ...]:
        """One per input."""

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Outputs that settle withdrawals."""

    @property
    def change(self) -> Change | None:
        """What goes back to the vault."""

    @property
    def anchor(self) -> Anchor | None:
        """What its OP_RETURN commits to."""

    @property
    def to(self) -> Vault | None:
        """The vault that a sweep or rotation pays."""

    @property
    def fee(self) -> Sats:
        """Inputs less outputs."""

    @property
    def weight(self) -> Weight:
        """At worst."""

    @property
    def vsize(self) -> VBytes:
        """At worst."""

    @property
    def outflow(self) -> Sats:
        """What leaves the vault, the fee included."""

    @property
    def input_count(self) -> int:
        """Inputs."""

    @property
    def output_count(self) -> int:
        """Outputs, change included."""

    @property
    def is_replaceable(self) -> bool:
        """Whether an input signals BIP-125 replacement."""


@dataclass(frozen=True, slots=True)
class VerifiedSpend:
    """A transaction that we understood completely. Born in `signer/core/verify.py`."""

    vault: Vault
    psbt: UnverifiedPsbt
    psbt_bytes: bytes
    """As received."""
    kind: Kind
    path_index: int
    """Which of the vault's spending paths; 0 is the primary."""
    coins: tuple[SpentCoin, ...]
    """One per input, in order."""
    payments: tuple[Payment, ...]
    change: Change | None
    anchor: Anchor | None
    """What the transaction's OP_RETURN commits to."""
    rotations: tuple[Rotation, ...]
    """All to one vault."""
    fee: Sats
    weight: Weight
    """Worst-case final weight: 72-byte ECDSA signatures, 64-byte BIP-340 ones."""
    tasks: tuple[SigningTask, ...]

    @property
    def transaction(self) -> Transaction:
        """The unsigned transaction."""
        return self.psbt.transaction

    @property
    def vsize(self) -> VBytes:
        """Worst-case final virtual size."""
        return vbytes_of(self.weight)

    @property
    def path(self) -> SpendingPath:
        """The spending path, derived from the transaction and never asked for."""
        return self.vault.paths[self.path_index]

    @property
    def to(self) -> Vault | None:
        """The vault that a sweep or rotation pays."""
        if self.kind is Kind.ROTATION:
            return self.rotations[0].to
        return self.vault if self.kind is Kind.SWEEP else None

    @property
    def moved(self) -> Sats:
        """What a rotation pays to the next vault."""
        return Sats(sum(rotation.amount for rotation in self.rotations))

    @property
    def input_count(self) -> int:
        """Inputs."""
        return len(self.coins)

    @property
    def output_count(self) -> int:
        """Outputs, change included."""
        return len(self.transaction.outputs)

    @property
    def is_replaceable(self) -> bool:
        """Whether an input signals replacement (BIP-125: nSequence below 0xfffffffe)."""
        return any(txin.sequence < 0xFFFFFFFE for txin in self.transaction.inputs)

    @property
    def outflow(self) -> Sats:
        """What leaves the vault: payments, what is moved to another vault, and the fee."""
        return Sats(sum(payment.amount for payment in self.payments) + self.moved + self.fee)


@dataclass(frozen=True, slots=True)
class ApprovedSpend:
    """A spend without an objection, and what it will bind. Born in `signer/core/approve.py`."""

    spend: VerifiedSpend
    authorized: Authorized
    new_pins: tuple[tuple[bytes, OutPoint], ...]
    """(withdrawal id, coin) for each withdrawal that this version pins (J1)."""
    relied: tuple[tuple[bytes, OutPoint], ...]
    """(withdrawal id, coin) for each pin that was known before: ours, and held for other members (J6)."""
    first_pin: OutPoint | None
    """The lowest outpoint among our pins of the withdrawals paid: what its fee is counted by (J3)."""
    charge: Sats
    """What this entry adds to the vault's outflow windows (J3)."""
    anchored: AnchorTerms | None
    """The attested statement that an anchor rests on (J2)."""
    sweep_nonce: bytes
    """The nonce of the statement that a sweep or rotation uses up; empty for others."""
    seen: tuple[tuple[int, int], ...]
    """(branch, index) of the addresses that move the vault's address windows on."""
    policy_id: bytes
    decided_at: int
    """Effective time, Unix seconds."""
    chain: ChainWord | None = None
    """What our own headers said, where they were asked."""


@dataclass(frozen=True, slots=True)
class AwaitedSpend:
    """A spend whose entry is durable and waits for other members' grants (J6): nothing signs it. Born in
    `signer/journal/record.py`."""

    spend: VerifiedSpend
    number: int
    """Of the entry."""
    decision_id: bytes
    """Leaf hash of the entry."""
    head: str
    """Signed tree head that includes the entry (C2SP checkpoint note)."""


class Ungranted(Pending):
    """Consent and entry are there, and other members' grants are not."""

    def __init__(self, awaited: AwaitedSpend, missing: Objection) -> None:
        super().__init__(missing)
        self.awaited = awaited


@dataclass(frozen=True, slots=True)
class RecordedSpend:
    """A spend whose entry is durable and final: it waits for nobody, or is agreed. Born in
    `signer/journal/record.py`."""

    spend: VerifiedSpend
    decision_id: bytes
    """Leaf hash of the entry that recorded this transaction first."""
    head: str
    """Signed tree head that includes the entry (C2SP checkpoint note)."""
    recorded_at: int
    """Effective time of that entry, Unix seconds."""


@dataclass(frozen=True, slots=True)
class SignedSpend:
    """A recorded spend with our signatures, each verified by us. Born in `keystore/gate.py`."""

    recorded: RecordedSpend
    signatures: tuple[tuple[int, PartialSignature | TapScriptSignature], ...]
    """(input index, signature)."""
