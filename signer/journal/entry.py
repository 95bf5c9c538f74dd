"""What the journal says: one entry per decision or notice, and the genesis entry that all is bound to.

Rule 1: an entry holds all that the claim tables need, so the tables are the fold of the entries alone.
Rule 2: the kind of an entry is its verdict, or what a notice (`signer.core.notices`) is about.
Rule 3: a signed entry with a quorum is pending: it is signed once an `agreed` entry names it, and binds
        nothing more once a `void` one does. One without a quorum is final at once.
"""

from dataclasses import dataclass

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms
from signer.core.notices import Notice
from signer.core.payment import Payment, WithdrawalId
from signer.core.spend import Change

SigningRow = tuple[int, bytes, bytes, int, bytes]
"""(input index, pubkey 33, witness script or leaf, sighash type, digest 32)."""


@dataclass(frozen=True, slots=True)
class GenesisEntry:
    """The first entry. Its leaf hash is sealed into the vault key that the journal is for."""

    clock: int
    """Effective time, Unix seconds."""
    network: str
    genesis_hash: bytes
    """Of the block chain, 32 bytes, internal order."""
    policy_id: bytes
    """The policy with which the journal begins."""
    vaults: tuple[bytes, ...]
    """Fingerprints, in the policy's order."""
    log_key: bytes
    """Ed25519 public key that signs the heads."""
    statement_key: bytes
    """Ed25519 public key that signs statements."""
    salt: bytes
    """16 random bytes: no two journals begin alike."""


@dataclass(frozen=True, slots=True)
class CoinClaim:
    """A coin that a recorded transaction spends."""

    outpoint: OutPoint
    amount: Sats
    script_pubkey: bytes
    branch: int
    index: int
    height: int | None
    """As attested with this entry; None where no statement counted."""


@dataclass(frozen=True, slots=True)
class RotationClaim:
    """An output to the receive branch of the next vault."""

    to_fingerprint: bytes
    """32 bytes."""
    vout: int
    amount: Sats
    index: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a signed entry binds."""

    txid: Txid
    payments: tuple[Payment, ...]
    new_pins: tuple[tuple[WithdrawalId, OutPoint], ...]
    """(withdrawal, coin) of each withdrawal that this version pins (J1)."""
    relied: tuple[tuple[WithdrawalId, OutPoint], ...]
    """(withdrawal, coin) of the pins that were held before, ours and other members', for what is paid."""
    first_pin: OutPoint | None
    """Lowest of our pins among the withdrawals paid: what the fee is counted by (J3)."""
    fee: Sats
    charge: Sats
    """What the entry adds to the vault's windows (J3)."""
    coins: tuple[CoinClaim, ...]
    """One per input, in order."""
    change: Change | None
    rotations: tuple[RotationClaim, ...]
    anchor: AnchorTerms | None
    """The attested statement about the transaction's anchor (J2)."""
    sweep_nonce: bytes
    """Of the statement that a sweep or rotation uses up, 16 bytes; empty for none."""
    seen: tuple[tuple[int, int], ...]
    """(branch, index) of the addresses that move the vault's windows on."""


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """A transaction that we consented to sign."""

    clock: int
    caller: str
    request_digest: bytes
    policy_id: bytes
    vault_fingerprint: bytes
    kind: str
    """`signer.core.spend.Kind`."""
    path_index: int
    path: str
    """Its name."""
    psbt: bytes
    """As received."""
    evidence: bytes
    """`signer.core.evidence_codec`."""
    claims: Claims
    signing: tuple[SigningRow, ...]
    quorum: int
    """q: members, ours included, that grant the entry before it is signed (J6); 0: it is final at once."""
    incarnation: bytes
    """16 bytes, drawn at the start in which the entry was recorded; empty where `quorum` is 0."""

    @property
    def received(self) -> int:
        """Bytes that the caller filled: what its budget is counted in."""
        return len(self.psbt) + len(self.evidence)


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A request that we refused."""

    clock: int
    caller: str
    request_digest: bytes
    policy_id: bytes
    """32 bytes, or empty where no policy was asked."""
    objections: tuple[Objection, ...]
    """At least one; texts cut to MAX_TEXT."""
    request: bytes
    """As received, or empty when the caller's byte budget was spent."""

    @property
    def code(self) -> str:
        """The first objection's."""
        return self.objections[0].code


MAX_TEXT = 300
"""Characters of an objection's text that are kept."""

Entry = GenesisEntry | SignedEntry | RefusedEntry | Notice
