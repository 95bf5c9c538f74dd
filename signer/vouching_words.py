"""Words about another member's entries, and the record beside which they are weighed (`signer.vouching`).

1. What we hold for others counts like what we recorded, but for what they pay alone.
2. At a start it is asked whether something was ever right: no word expires, nothing was used up or closed.
3. What was said for an earlier version counts for a later one: for the first one of each withdrawal (of
   MAX_FIRST at most), which an honest member recorded with all the words, and of at most MAX_EVIDENCE others.
4. What a record adds may be lost with it, and what an origin writes later pushes words out of (3). Neither
   changes what the entry and the first versions before it show alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.core.agreement.claim import Claim
from signer.core.evidence import (
    Attestation,
    Authorized,
    CoinTerms,
    Statement,
    SweepTerms,
    authorize,
)
from signer.core.evidence_codec import decode_evidence, read_sweep, without_chain
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.vault import Vault
from signer.core.view import RecordedVersion, RecordedWithdrawal
from signer.journal.database import Row, Tables
from signer.journal.followed import earlier_versions, first_versions, followed_entry
from signer.journal.members import MAX_NUMBER
from signer.journal.reading import TableReading
from signer.ports.policy import ServedPolicy

MAX_EVIDENCE = 32
"""Of earlier versions, whose words count for a later one."""
MAX_FIRST = 64
"""Of first versions, of each log."""
MAX_WORDS = 16 << 20
"""Bytes of either, for one entry."""


def _words_of(evidence: bytes) -> bytes:
    """Without what the origin's own chain said, which would crowd words out."""
    try:
        return without_chain(evidence)
    except Malformed:
        return evidence  # `LogWords.words` refuses it


MAX_HELD = 64 << 20
"""Bytes of evidence that are remembered while a log is looked at."""


class HeldReading(TableReading):
    """The record with what we hold for others (1)."""

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """See View."""
        return super().withdrawal(withdrawal_id) or self.held_withdrawal(withdrawal_id)


class EverReading(HeldReading):
    """That record, asked whether something was ever right (2)."""

    def closing_since(self, _: bytes, __: tuple[WithdrawalTerms, ...]) -> int:
        """See View."""
        return 0

    def nonce_used(self, _: bytes) -> bool:
        """See View."""
        return False

    def approved_moves(self, vault_fingerprint: bytes) -> tuple[SweepTerms, ...]:
        """See View; whose approvals count is asked as of the entry's own time."""
        query = "SELECT DISTINCT terms FROM moves WHERE vault = ? ORDER BY terms"
        rows = self._query(query, (vault_fingerprint,))
        return tuple(read_sweep(terms) for (terms,) in rows)


class AloneReading(EverReading):
    """Nothing that was recorded or is held of coins, withdrawals and transactions (4)."""

    def version(self, _: Txid) -> RecordedVersion | None:
        """See View."""
        return None

    def _of(self, _: bytes, __: str) -> list[Row]:
        return []


@dataclass(frozen=True, slots=True)
class EverSaid:
    """Words, whenever they were given (2)."""

    authorized: Authorized

    @property
    def said(self) -> Mapping[Statement, tuple[tuple[bytes, int], ...]]:
        """See Words."""
        return self.authorized.said

    @property
    def coins(self) -> Mapping[OutPoint, tuple[CoinTerms, ...]]:
        """See Words."""
        return self.authorized.coins

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """See Words."""
        return self.authorized.attestations

    def coin_statements(self, outpoint: OutPoint, prevout: TxOut) -> tuple[CoinTerms, ...]:
        """See Words."""
        return self.authorized.coin_statements(outpoint, prevout)

    def attestors(self, statement: Statement, now: int, beyond: int = 0) -> frozenset[bytes]:  # noqa: ARG002 (2)
        """See Words."""
        return frozenset(attestor for attestor, _ in self.said.get(statement, ()))


@dataclass(slots=True)
class LogWords:
    """A member's log, while its entries are looked at: what was read once is not read again, while it is no
    more than MAX_HELD."""

    tables: Tables
    logs: tuple[bytes, ...]
    """What it is called, and other histories of it."""
    _held: int = 0
    """About how many bytes."""
    _said: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    _verified: dict[tuple[bytes, bytes, bytes], Authorized] = field(default_factory=dict)

    def earlier(self, claim: Claim) -> tuple[bytes, ...]:
        """The evidence of earlier versions of what the claim pays, each once: of the first ones, and of the
        newest ones that had any (3)."""
        newest = (
            (log, number)
            for log in self.logs
            for number in earlier_versions(self.tables, log, self._before(claim), claim.paid)
        )
        return tuple(dict.fromkeys((*self.first(claim), *self._each_once(newest, MAX_EVIDENCE))))

    def first(self, claim: Claim) -> tuple[bytes, ...]:
        """Of the first version of each withdrawal that the claim pays (3)."""
        said = dict[bytes, None]()
        for log in self.logs:
            numbers = first_versions(self.tables, log, self._before(claim), claim.paid)
            said |= dict.fromkeys(self._each_once(((log, each) for each in numbers), MAX_FIRST))
        return tuple(said)

    def _each_once(self, places: Iterable[tuple[bytes, int]], most: int) -> tuple[bytes, ...]:
        """The evidence of these entries, of so many and of MAX_WORDS bytes at most."""
        said = dict[bytes, None]()
        for log, number in places:
            said |= dict.fromkeys(self._evidence(log, number))
            if len(said) > most or sum(map(len, said)) > MAX_WORDS:
                return tuple(said)[:-1]
        return tuple(said)

    def _before(self, claim: Claim) -> int:
        """Where there are several histories any version is as good."""
        return claim.number if len(self.logs) == 1 else MAX_NUMBER

    def _evidence(self, log: bytes, number: int) -> tuple[bytes, ...]:
        """None, or one."""
        if (log, number) not in self._said:
            found = followed_entry(self.tables, log, number)
            evidence = b"" if found is None else _words_of(found.entry.evidence)
            self._make_room(len(evidence))
            self._said[log, number] = evidence
        said = self._said[log, number]
        return (said,) if said else ()

    def words(self, evidence: bytes, vault: Vault, policy: ServedPolicy) -> Authorized:
        """That evidence, verified. Raises Refusal or Malformed."""
        key = (evidence, vault.fingerprint, policy.policy_id)
        if key not in self._verified:
            said = decode_evidence(evidence)
            self._make_room(len(evidence))
            self._verified[key] = authorize(said, vault.realm, policy.attestors)
        return self._verified[key]

    def _make_room(self, size: int) -> None:
        """Forget what was read before, rather than hold more than MAX_HELD."""
        self._held += size + 256
        if self._held > MAX_HELD:
            self._said.clear()
            self._verified.clear()
            self._held = size + 256
