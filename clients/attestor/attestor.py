"""The attestor: a key, two eyes, and a signature only under what they saw.

1. A request names ids, outpoints, batches and nonces; all else is the attestor's own.
2. Statements are the bytes of `signer.core.evidence`; the signature is BIP-340.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coincurve import PrivateKey

from clients.attestor.batches import NO_BATCHES, BatchList
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain, NotSeen
from clients.attestor.moves import NO_MOVES, MoveList
from clients.attestor.payments import VaultPayments
from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.evidence import (
    HORIZON,
    Attestation,
    Realm,
    Statement,
    attestation_digest,
    statement_kind,
)
from signer.core.payment import WithdrawalId, WithdrawalTerms

MARGIN = 120
"""Seconds that an expiry stays below its horizon: clocks differ."""


class AttestorKey:
    """A BIP-340 key that does not show itself."""

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)
        self.public: bytes = self._key.public_key_xonly.format()
        """32 bytes, as a policy's group lists it."""

    @classmethod
    def from_file(cls, path: Path) -> "AttestorKey":
        """A key file: 64 hexadecimal digits, readable by its owner alone. Raises ValueError."""
        if path.stat().st_mode & 0o077:
            raise ValueError(f"{path} is readable by others: chmod 600 it")
        try:
            return cls(bytes.fromhex(path.read_text().strip()))
        except ValueError:
            raise ValueError(f"{path} is not a key file: 64 hexadecimal digits") from None

    def sign(self, digest: bytes) -> bytes:
        """64 bytes."""
        signature: bytes = self._key.sign_schnorr(digest)
        return signature

    def __repr__(self) -> str:
        return f"<attestor key {self.public.hex()}>"


def now_unix() -> int:
    """Wall time."""
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Attestor:
    """One attestor for one vault."""

    key: AttestorKey
    realm: Realm
    chain: Chain
    burns: BurnList
    batches: BatchList = NO_BATCHES
    moves: MoveList = NO_MOVES
    clock: Callable[[], int] = now_unix
    payments: VaultPayments | None = None
    """What counts the vault's payments; None: equal burns are not told from each other."""
    max_tip_age: int | None = None
    """Seconds that the node's tip may be old when burns are stated (ADR 0006); None: not asked."""

    def withdrawals(self, ids: tuple[WithdrawalId, ...]) -> Attestation:
        """These burns are owed, and not paid as far as equal ones can be counted. Raises NotSeen.

        They are stated as of the time before the node was looked at: counting takes a while.
        """
        now = self.clock()
        owed = tuple(self.burns.withdrawal(each) for each in dict.fromkeys(ids))
        if self.max_tip_age is not None:
            self.chain.require_fresh(self.max_tip_age, now)
        if self.payments is not None:
            self.chain.require_network()
            for each in owed:
                self._require_unpaid(each, owed, self.payments)
        return sign_statements(self.key, self.realm, owed, now)

    def _require_unpaid(
        self, terms: WithdrawalTerms, owed: tuple[WithdrawalTerms, ...], payments: VaultPayments
    ) -> None:
        wanted = (terms.amount, terms.script_pubkey)
        asked = sum((each.amount, each.script_pubkey) == wanted for each in owed)
        burned, paid = self.burns.equal(terms), payments.count(*wanted)
        if paid > burned - asked:
            raise NotSeen(
                f"of {burned} burns like {terms.withdrawal_id.hex()} the vault paid {paid}: "
                f"{asked} more are not owed"
            )

    def coins(self, outpoints: tuple[OutPoint, ...]) -> Attestation:
        """These coins are confirmed and unspent. Raises NotSeen."""
        self.chain.require_network()
        return self._attest(tuple(self.chain.coin(each) for each in outpoints))

    def spends(self, pairs: tuple[tuple[OutPoint, Txid], ...]) -> Attestation:
        """These outputs are spent by these confirmed transactions. Raises NotSeen."""
        self.chain.require_network()
        return self._attest(tuple(self.chain.spend(*each) for each in pairs))

    def anchors(self, batches: tuple[tuple[bytes, int], ...]) -> Attestation:
        """These batches (magic, id) are final, with these roots. Raises NotSeen."""
        return self._attest(tuple(self.batches.batch(*each) for each in batches))

    def sweeps(self, nonces: tuple[bytes, ...]) -> Attestation:
        """These moves of the vault's coins are decided. Raises NotSeen."""
        origin = self.realm.vault_fingerprint
        return self._attest(tuple(self.moves.move(origin, nonce) for nonce in nonces))

    def _attest(self, statements: tuple[Statement, ...]) -> Attestation:
        return sign_statements(self.key, self.realm, statements, self.clock())


def sign_statements(
    key: AttestorKey, realm: Realm, statements: tuple[Statement, ...], now: int
) -> Attestation:
    """The attestation of these statements, all of one kind, for nearly as long as their kind allows."""
    expiry = now + HORIZON[statement_kind(statements[0])] - MARGIN
    digest = attestation_digest(realm, expiry, statements)
    return Attestation(key.public, expiry, statements, key.sign(digest))
