"""What a release puts on record: a withdrawal closed, or its pin struck (docs/releases.md).

The transactions are kept without witnesses: what their txids are the hashes of, and all that the rules of
`signer.core.release` look at.
"""

from dataclasses import dataclass

from signer.bitcoin.hashes import hash256
from signer.bitcoin.inclusion import TxProof
from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.acts import SignedAct
from signer.core.payment import WithdrawalTerms
from signer.core.release_proof import KillerBlock


@dataclass(frozen=True, slots=True)
class ProvenKiller:
    """That the killer is buried, by our own chain."""

    proof: TxProof
    """Of the killer; its transaction without witness."""
    header: bytes
    """80 bytes: of its block."""
    block: KillerBlock
    """As it was buried when it was decided."""


@dataclass(frozen=True, slots=True)
class ReleasedNotice:
    """The end of a withdrawal, or of one of its pins."""

    clock: int
    """Effective time, Unix seconds."""
    caller: str
    policy_id: bytes
    vault_fingerprint: bytes
    terms: WithdrawalTerms
    """The withdrawal's, by the record."""
    pin: OutPoint | None
    """The pin that is struck; None where the withdrawal is closed."""
    transactions: tuple[bytes, ...]
    """Without witnesses; the last one spent the pin, or what it descends from, or paid the withdrawal."""
    evidence: bytes
    """`signer.core.evidence_codec`: the `spent` statements."""
    acts: tuple[SignedAct, ...]
    """The officers' consent; none where none was asked."""
    labels: tuple[bytes, ...] = ()
    """Of a closing that no agreed entry of ours knows: those held for other members (log key 32, number 8)
    that are agreed in their logs, as we had read them."""
    proof: ProvenKiller | None = None
    """What our own chain said, where it was asked instead of attestors."""

    @property
    def killer(self) -> Txid:
        """The transaction that is buried."""
        return Txid(hash256(self.transactions[-1]))
