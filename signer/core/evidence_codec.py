"""Evidence as the journal keeps it: attestations to bytes and back, and what the chain said behind them.

1. Evidence is a record of attestations; an attestation is the fields attestor 32, expiry u64,
   signature 64, kind, record of statements, each in the very bytes that were signed (`evidence`).
2. Behind them may stand one field more: what the chain said (`chain_word_codec`).
3. Decoding is strict and the inverse of encoding; it proves nothing about signatures.
"""

from itertools import accumulate

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.chain_word import ChainWord
from signer.core.chain_word_codec import CHAIN, decode_word, encode_word
from signer.core.evidence import (
    AnchorTerms,
    Attestation,
    CoinTerms,
    SpentTerms,
    Statement,
    StatementKind,
    SweepTerms,
    statement_bytes,
    statement_kind,
)
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.payment import WithdrawalTerms

_WITHDRAWAL_HEAD, _COIN_HEAD = 32 + 8, 32 + 4 + 8 + 4


def encode_evidence(attestations: tuple[Attestation, ...], chain: ChainWord | None = None) -> bytes:
    """The attestations, in the order received, and what the chain said, if it was asked. Each attestation has
    at least one statement, all of one kind."""
    said = () if chain is None else (encode_word(chain),)
    return pack((*(_encode(attestation) for attestation in attestations), *said))


def decode_evidence(record: bytes) -> tuple[Attestation, ...]:
    """The attestations. Raises Malformed `entry-malformed`."""
    attestations, _ = _parts(record)
    return tuple(_decode(field) for field in attestations)


def decode_chain(record: bytes) -> ChainWord | None:
    """What the chain said; None where it was not asked. Raises Malformed `entry-malformed`."""
    _, said = _parts(record)
    return None if said is None else decode_word(said)


def without_chain(record: bytes) -> bytes:
    """The attestations alone. Raises Malformed `entry-malformed`."""
    attestations, said = _parts(record)
    return record if said is None else pack(attestations)


def _parts(record: bytes) -> tuple[list[bytes], bytes | None]:
    """The fields of the attestations, and that of the chain if there is one."""
    fields = unpack(record)
    if fields and fields[-1].startswith(pack((CHAIN,))):
        return fields[:-1], fields[-1]
    return fields, None


def _encode(attestation: Attestation) -> bytes:
    return pack(
        (
            sized(attestation.attestor, 32),
            u64_be(attestation.expiry),
            sized(attestation.signature, 64),
            statement_kind(attestation.statements[0]).value.encode(),
            pack(statement_bytes(statement) for statement in attestation.statements),
        )
    )


def _decode(record: bytes) -> Attestation:
    attestor, expiry, signature, kind, statements = unpack_exactly(record, 5)
    read = {
        StatementKind.WITHDRAWAL.value: _read_withdrawal,
        StatementKind.COIN.value: _read_coin,
        StatementKind.ANCHOR.value: read_anchor,
        StatementKind.SWEEP.value: read_sweep,
        StatementKind.SPENT.value: _read_spent,
    }.get(read_text(kind))
    fields = unpack(statements)
    if read is None or not fields:
        refuse_entry("an attestation without statements of a known kind")
    return Attestation(
        attestor=sized(attestor, 32),
        expiry=read_number(expiry, 8),
        statements=tuple(read(field) for field in fields),
        signature=sized(signature, 64),
    )


def _read_withdrawal(field: bytes) -> Statement:
    head, script = _split(field, _WITHDRAWAL_HEAD)
    return WithdrawalTerms(head[:32], _amount(head[32:]), script)


def _read_coin(field: bytes) -> Statement:
    head, script = _split(field, _COIN_HEAD)
    outpoint = OutPoint(Txid(head[:32]), int.from_bytes(head[32:36], "big"))
    height = Height(int.from_bytes(head[44:], "big"))
    return CoinTerms(outpoint, _amount(head[36:44]), height, script)


def _read_spent(field: bytes) -> Statement:
    txid, vout, spender, height, tip = _cut(field, (32, 4, 32, 4, 4))
    return SpentTerms(
        OutPoint(Txid(txid), int.from_bytes(vout, "big")),
        Txid(spender),
        Height(int.from_bytes(height, "big")),
        Height(int.from_bytes(tip, "big")),
    )


def read_anchor(field: bytes) -> AnchorTerms:
    """An anchor statement from its bytes. Raises Malformed `entry-malformed`."""
    magic, previous_batch, previous_root, batch, root, eth_tx_hash = _cut(
        field, (4, 8, 32, 8, 32, 32)
    )
    return AnchorTerms(
        magic,
        int.from_bytes(previous_batch, "big"),
        previous_root,
        int.from_bytes(batch, "big"),
        root,
        eth_tx_hash,
    )


def read_sweep(field: bytes) -> SweepTerms:
    """A sweep statement from its bytes. Raises Malformed `entry-malformed`."""
    kind, to_fingerprint, path, max_fee, nonce = _cut(field, (1, 32, 1, 8, 16))
    return SweepTerms(kind[0], to_fingerprint, path[0], _amount(max_fee), nonce)


def _cut(field: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    """The parts of a statement of fixed size."""
    sized(field, sum(sizes))
    ends = list(accumulate(sizes))
    return [field[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _amount(field: bytes) -> Sats:
    return Sats(int.from_bytes(field, "big"))  # whatever was signed; it counts only if it is owed


def _split(field: bytes, head: int) -> tuple[bytes, bytes]:
    script = field[head + 2 :]
    if len(field) < head + 2 or int.from_bytes(field[head : head + 2], "big") != len(script):
        refuse_entry("a statement is cut short or has bytes to spare")
    return field[:head], script
