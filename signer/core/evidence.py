"""Attestations: what a quorum of attestors says about the two chains (design section 5).

1. An attestation is one BIP-340 signature by one attestor over statements of one kind:
   tagged_hash("pegwarden/<kind>/v1",
               genesis 32 || vault fingerprint 32 || expiry u64 || count u32 || statements),
   integers big-endian, txids and genesis in internal byte order.
2. `authorize` verifies every signature by a known attestor; a bad one is refused. Signatures by
   strangers are not looked at and not kept: they can neither help nor harm, nor fill the record.
3. Distinct keys are counted, and only while now < expiry <= now + the kind's horizon. The clock is an
   argument of the count, so `Authorized` itself does not depend on time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import tagged_hash
from signer.bitcoin.secp import BadSignature, verify_schnorr
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.errors import malformed, unverified
from signer.core.payment import WithdrawalTerms

MAX_ATTESTATIONS = 64
MAX_STATEMENTS = 4_000
"""Over all attestations of one request."""


class StatementKind(StrEnum):
    """What a statement is about."""

    WITHDRAWAL = "withdrawal"
    COIN = "coin"
    ANCHOR = "anchor"
    SWEEP = "sweep"
    SPENT = "spent"


_WEEK = 7 * 86_400
HORIZON = {
    StatementKind.WITHDRAWAL: _WEEK,
    StatementKind.COIN: 3_600,
    StatementKind.ANCHOR: _WEEK,
    StatementKind.SWEEP: _WEEK,
    StatementKind.SPENT: 3_600,
}
"""Seconds that an expiry may lie ahead."""


@dataclass(frozen=True, slots=True)
class CoinTerms:
    """An output confirmed at that height and unspent."""

    outpoint: OutPoint
    amount: Sats
    height: Height
    script_pubkey: bytes


@dataclass(frozen=True, slots=True)
class AnchorTerms:
    """This batch of that rollup has this root and follows that batch with that root."""

    magic: bytes
    """4 bytes; names the rollup."""
    previous_batch: int
    previous_root: bytes
    """32 bytes; zero only before the rollup's first batch."""
    batch: int
    root: bytes
    """32 bytes, as Ethereum prints it."""
    eth_tx_hash: bytes
    """32 bytes, as Ethereum prints it."""


@dataclass(frozen=True, slots=True)
class SweepTerms:
    """One transaction may move coins to that vault, by that path, for at most that fee. Single use."""

    kind: int
    """1 sweep, 2 rotation."""
    to_fingerprint: bytes
    """32 bytes: the vault that receives."""
    path: int
    """0 primary; else as VerifyScript numbers the paths."""
    max_fee: Sats
    nonce: bytes
    """16 bytes."""


@dataclass(frozen=True, slots=True)
class SpentTerms:
    """That transaction, confirmed at that height of a chain that ends at that tip, spends that output."""

    outpoint: OutPoint
    spender: Txid
    height: Height
    tip: Height

    @property
    def depth(self) -> int:
        """Confirmations; none of a height above the tip."""
        return self.tip - self.height + 1


Statement = WithdrawalTerms | CoinTerms | AnchorTerms | SweepTerms | SpentTerms

_KINDS = {
    WithdrawalTerms: StatementKind.WITHDRAWAL,
    CoinTerms: StatementKind.COIN,
    AnchorTerms: StatementKind.ANCHOR,
    SweepTerms: StatementKind.SWEEP,
    SpentTerms: StatementKind.SPENT,
}


def statement_kind(statement: Statement) -> StatementKind:
    """The kind of a statement, by its type."""
    return _KINDS[type(statement)]


def statement_bytes(statement: Statement) -> bytes:
    """The bytes of one statement, integers big-endian.

    withdrawal: id 32 || amount u64 || len u16 || script.
    coin: txid 32 || vout u32 || amount u64 || height u32 || len u16 || script.
    anchor: magic 4 || previous batch u64 || previous root 32 || batch u64 || root 32 || eth_tx 32.
    sweep: kind u8 || to vault_fingerprint 32 || path u8 || max_fee u64 || nonce 16.
    spent: txid 32 || vout u32 || spending txid 32 || height u32 || tip height u32.
    """
    match statement:
        case WithdrawalTerms(withdrawal_id, amount, script):
            return withdrawal_id + _u64(amount) + _script(script)
        case CoinTerms(outpoint, amount, height, script):
            place = outpoint.txid + _u32(outpoint.vout)
            return place + _u64(amount) + _u32(height) + _script(script)
        case AnchorTerms(magic, previous_batch, previous_root, batch, root, eth_tx_hash):
            previous = magic + _u64(previous_batch) + previous_root
            return previous + _u64(batch) + root + eth_tx_hash
        case SpentTerms(outpoint, spender, height, tip):
            return outpoint.txid + _u32(outpoint.vout) + spender + _u32(height) + _u32(tip)
    kind, path = bytes((statement.kind,)), bytes((statement.path,))
    return kind + statement.to_fingerprint + path + _u64(statement.max_fee) + statement.nonce


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _script(script: bytes) -> bytes:
    return len(script).to_bytes(2, "big") + script


@dataclass(frozen=True, slots=True)
class Realm:
    """What every statement is bound to: one chain and one vault."""

    genesis_hash: bytes
    """32 bytes, internal order."""
    vault_fingerprint: bytes
    """32 bytes."""


def attestation_digest(realm: Realm, expiry: int, statements: tuple[Statement, ...]) -> bytes:
    """The 32 bytes that an attestor signs. All statements are of the first one's kind."""
    body = b"".join(
        (
            realm.genesis_hash,
            realm.vault_fingerprint,
            expiry.to_bytes(8, "big"),
            len(statements).to_bytes(4, "big"),
            *(statement_bytes(statement) for statement in statements),
        )
    )
    return tagged_hash(f"pegwarden/{statement_kind(statements[0])}/v1", body)


@dataclass(frozen=True, slots=True)
class Attestation:
    """A claim: these statements, until then, by that key. Nothing is proven until `authorize`."""

    attestor: bytes
    """32-byte x-only key."""
    expiry: int
    """Unix seconds; at this second it no longer counts."""
    statements: tuple[Statement, ...]
    """At least one, all of one kind."""
    signature: bytes
    """64 bytes, BIP-340."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """Whose word there is for what. Signatures are verified; quorums are the policy's to count."""

    said: Mapping[Statement, tuple[tuple[bytes, int], ...]]
    """Statement -> (attestor, expiry), every pair once."""
    coins: Mapping[OutPoint, tuple[CoinTerms, ...]]
    """The coin statements about each outpoint (heights and amounts may disagree)."""
    attestations: tuple[Attestation, ...]
    """Those whose signature was verified, in the order received, for the record."""

    def coin_statements(self, outpoint: OutPoint, prevout: TxOut) -> tuple[CoinTerms, ...]:
        """The statements that this coin with exactly this amount and script exists."""
        return tuple(
            terms
            for terms in self.coins.get(outpoint, ())
            if (terms.amount, terms.script_pubkey) == (prevout.amount, prevout.script_pubkey)
        )

    def attestors(self, statement: Statement, now: int, beyond: int = 0) -> frozenset[bytes]:
        """The distinct attestors whose word for exactly this statement counts at `now` and expires later than
        `beyond`."""
        least, horizon = max(now, beyond), now + HORIZON[statement_kind(statement)]
        pairs = self.said.get(statement, ())
        return frozenset(attestor for attestor, expiry in pairs if least < expiry <= horizon)


def authorize(
    attestations: tuple[Attestation, ...], realm: Realm, attestors: frozenset[bytes]
) -> Authorized:
    """Verify the attestations by the policy's attestors. Raises `evidence-too-large`,
    `evidence-mixed-kinds`, `attestation-invalid`."""
    _bound(attestations)
    said: dict[Statement, set[tuple[bytes, int]]] = {}
    verified: list[Attestation] = []
    for attestation in attestations:
        kinds = {statement_kind(statement) for statement in attestation.statements}
        if len(kinds) != 1:
            raise malformed("evidence-mixed-kinds", f"{len(kinds)} kinds under one signature")
        if attestation.attestor not in attestors:
            continue
        _verify_signature(attestation, realm)
        verified.append(attestation)
        for statement in attestation.statements:
            said.setdefault(statement, set()).add((attestation.attestor, attestation.expiry))
    coins: dict[OutPoint, tuple[CoinTerms, ...]] = {}
    for statement in said:
        if isinstance(statement, CoinTerms):
            coins[statement.outpoint] = (*coins.get(statement.outpoint, ()), statement)
    pairs_said = {statement: tuple(sorted(pairs)) for statement, pairs in said.items()}
    return Authorized(pairs_said, coins, tuple(verified))


def joined(known: Authorized, more: Authorized) -> Authorized:
    """The words of both, each verified before."""
    said = {
        statement: tuple(sorted({*known.said.get(statement, ()), *more.said.get(statement, ())}))
        for statement in {**known.said, **more.said}
    }
    coins = {
        outpoint: tuple(
            dict.fromkeys((*known.coins.get(outpoint, ()), *more.coins.get(outpoint, ())))
        )
        for outpoint in {**known.coins, **more.coins}
    }
    return Authorized(said, coins, (*known.attestations, *more.attestations))


def _bound(attestations: Iterable[Attestation]) -> None:
    sizes = [len(attestation.statements) for attestation in attestations]
    if len(sizes) > MAX_ATTESTATIONS or sum(sizes) > MAX_STATEMENTS:
        raise unverified(
            "evidence-too-large",
            "too much evidence in one request",
            f"{len(sizes)} attestations, {sum(sizes)} statements",
            f"{MAX_ATTESTATIONS} attestations, {MAX_STATEMENTS} statements",
        )


def _verify_signature(attestation: Attestation, realm: Realm) -> None:
    digest = attestation_digest(realm, attestation.expiry, attestation.statements)
    try:
        verify_schnorr(attestation.attestor, digest, attestation.signature)
    except (BadSignature, Malformed):
        raise unverified(
            "attestation-invalid",
            f"the signature of attestor {attestation.attestor.hex()} does not fit its statements "
            "for this network and vault",
        ) from None
