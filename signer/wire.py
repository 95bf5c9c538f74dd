"""The one door from protobuf to the domain; the way back is `signer.wire_answers`.

Rule 1: a request is exactly its message: unknown fields anywhere are refused (a newer client must not
        believe that it was understood), and so are absent required fields and zero enums.
Rule 2: a txid travels in internal byte order. One that looks reversed cannot be told from another
        txid here; where a previous transaction is at hand, `construct` and `verify` compare.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, sats_checked
from signer.core.errors import malformed
from signer.core.evidence import (
    AnchorTerms,
    Attestation,
    CoinTerms,
    SpentTerms,
    Statement,
    SweepTerms,
)
from signer.core.opreturn import Anchor
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.vault import CHANGE, RECEIVE

M = TypeVar("M", bound=Message)

_BRANCHES = {t.BRANCH_RECEIVE: RECEIVE, t.BRANCH_CHANGE: CHANGE}


def decode(kind: type[M], data: bytes) -> M:
    """The message, all of it understood. Raises MalformedRequest `request-malformed`."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        raise malformed("request-malformed", f"not a {kind.__name__}") from None
    size = message.ByteSize()
    message.DiscardUnknownFields()  # recursive: what it removes, this kernel does not know
    if message.ByteSize() != size:
        raise malformed("request-malformed", f"unknown fields in {kind.__name__}")
    return message


def sized(data: bytes, size: int, name: str) -> bytes:
    """A field of exactly that many bytes."""
    if len(data) != size:
        raise malformed("request-malformed", f"{name} is {len(data)} bytes instead of {size}")
    return data


def required(value: str, name: str) -> str:
    """A text that is not empty."""
    if not value:
        raise malformed("request-malformed", f"{name} is missing")
    return value


def outpoint(message: t.OutPoint) -> OutPoint:
    """An outpoint; absent ones have no 32-byte txid and are refused."""
    return OutPoint(Txid(sized(message.txid, 32, "txid")), message.vout)


def branch(value: t.Branch) -> int:
    """0 receive, 1 change."""
    if value not in _BRANCHES:
        raise malformed("request-malformed", "branch is missing or unknown")
    return _BRANCHES[value]


def payment_claims(messages: Iterable[t.PaymentClaim]) -> tuple[PaymentClaim, ...]:
    """Which output settles which withdrawal."""
    return tuple(
        PaymentClaim(sized(claim.withdrawal_id, 32, "withdrawal_id"), claim.vout)
        for claim in messages
    )


def attestations(messages: Iterable[t.Attestation]) -> tuple[Attestation, ...]:
    """Attestations as claimed."""
    return tuple(_attestation(message) for message in messages)


def _attestation(message: t.Attestation) -> Attestation:
    statements: tuple[Statement, ...] = (
        *(withdrawal_terms(each) for each in message.withdrawals),
        *(_coin_terms(each) for each in message.coins),
        *(_anchor_terms(each) for each in message.anchors),
        *(sweep_terms(each) for each in message.sweeps),
        *(_spent_terms(each) for each in message.spends),
    )
    return Attestation(
        attestor=sized(message.attestor, 32, "attestor"),
        expiry=message.expiry_unix,
        statements=statements,
        signature=sized(message.signature, 64, "signature"),
    )


def withdrawal_terms(message: t.WithdrawalStatement) -> WithdrawalTerms:
    """What is owed."""
    return WithdrawalTerms(
        sized(message.withdrawal_id, 32, "withdrawal_id"),
        sats_checked(message.amount_sat),
        _script(message.script_pubkey),
    )


def _coin_terms(message: t.CoinStatement) -> CoinTerms:
    return CoinTerms(
        outpoint(message.outpoint),
        sats_checked(message.amount_sat),
        Height(message.confirmed_height),
        _script(message.script_pubkey),
    )


def _anchor_terms(message: t.AnchorStatement) -> AnchorTerms:
    return AnchorTerms(
        magic=sized(message.magic, 4, "magic"),
        previous_batch=message.previous_batch_id,
        previous_root=sized(message.previous_state_root, 32, "previous_state_root"),
        batch=message.batch_id,
        root=sized(message.state_root, 32, "state_root"),
        eth_tx_hash=sized(message.eth_tx_hash, 32, "eth_tx_hash"),
    )


def sweep_terms(message: t.SweepStatement) -> SweepTerms:
    """What may be moved."""
    if message.kind not in (t.SWEEP_KIND_SWEEP, t.SWEEP_KIND_ROTATION) or message.path_index > 255:
        raise malformed("request-malformed", "sweep kind or path is missing or unknown")
    return SweepTerms(
        kind=message.kind,
        to_fingerprint=sized(message.to_vault_fingerprint, 32, "to_vault_fingerprint"),
        path=message.path_index,
        max_fee=sats_checked(message.max_fee_sat),
        nonce=sized(message.nonce, 16, "nonce"),
    )


def _spent_terms(message: t.SpentStatement) -> SpentTerms:
    return SpentTerms(
        outpoint=outpoint(message.outpoint),
        spender=Txid(sized(message.spending_txid, 32, "spending_txid")),
        height=Height(message.confirmed_height),
        tip=Height(message.tip_height),
    )


MAX_SCRIPT = 100
"""Bytes of a scriptPubKey in a statement: none that is paid or spent has more than 34."""


def _script(data: bytes) -> bytes:
    if not 1 <= len(data) <= MAX_SCRIPT:
        raise malformed("request-malformed", f"script_pubkey is {len(data)} bytes")
    return data


class AnchorFields(Protocol):
    """A message with an anchor's four fields."""

    magic: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes


def anchor(message: AnchorFields) -> Anchor:
    """The anchor that a message describes."""
    return Anchor(
        sized(message.magic, 4, "magic"),
        message.batch_id,
        sized(message.state_root, 32, "state_root"),
        sized(message.eth_tx_hash, 32, "eth_tx_hash"),
    )
