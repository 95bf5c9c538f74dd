"""Canonical entry bytes, version 1 (docs/journal.md has the table).

Rule 1: an entry is fields (`signer.core.fields`): the magic with the version, the kind, then exactly the
        fields of that kind, in the order below.
Rule 2: decoding is strict: `encode_entry(decode_entry(x)) == x` or Malformed `entry-malformed`.
Rule 3: these bytes are for ever: heads sign them, other members and auditors read them.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats, sats_checked
from signer.core.errors import Objection
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u32_be,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.payment import Payment
from signer.core.spend import Change
from signer.journal.entry import (
    MAX_TEXT,
    Claims,
    CoinClaim,
    Entry,
    GenesisEntry,
    RefusedEntry,
    SignedEntry,
    SigningRow,
)

MAGIC = b"pegwarden/entry/1"


def encode_entry(entry: Entry) -> bytes:
    """The canonical bytes."""
    if isinstance(entry, GenesisEntry):
        return pack((MAGIC, b"genesis", *_genesis_fields(entry)))
    if isinstance(entry, SignedEntry):
        return pack((MAGIC, b"signed", *_signed_fields(entry)))
    return pack((MAGIC, b"refused", *_refused_fields(entry)))


def decode_entry(record: bytes) -> Entry:
    """The inverse of `encode_entry`. Raises Malformed `entry-malformed`."""
    every = unpack(record)
    if len(every) < 2 or every[0] != MAGIC:
        refuse_entry("not an entry of version 1")
    kind, fields = every[1], every[2:]
    if kind == b"genesis":
        return _read_genesis(fields)
    if kind == b"signed":
        return _read_signed(fields)
    if kind == b"refused":
        return _read_refused(fields)
    raise Malformed("entry-malformed", "an entry of unknown kind")


def outpoint_bytes(outpoint: OutPoint) -> bytes:
    """36 bytes that sort as outpoints do: txid, vout big-endian."""
    return outpoint.txid + outpoint.vout.to_bytes(4, "big")


def read_outpoint(field: bytes) -> OutPoint:
    """The inverse of `outpoint_bytes`. Raises Malformed `entry-malformed`."""
    sized(field, 36)
    return OutPoint(Txid(field[:32]), int.from_bytes(field[32:], "big"))


def _genesis_fields(entry: GenesisEntry) -> tuple[bytes, ...]:
    return (
        u64_be(entry.clock),
        entry.network.encode(),
        entry.genesis_hash,
        entry.policy_id,
        pack(entry.vaults),
        entry.log_key,
        entry.statement_key,
        entry.salt,
    )


def _read_genesis(fields: list[bytes]) -> GenesisEntry:
    clock, network, genesis, policy, vaults, log_key, statement_key, salt = _exactly(fields, 8)
    return GenesisEntry(
        clock=read_number(clock, 8),
        network=read_text(network),
        genesis_hash=sized(genesis, 32),
        policy_id=sized(policy, 32),
        vaults=tuple(sized(vault, 32) for vault in unpack(vaults)),
        log_key=sized(log_key, 32),
        statement_key=sized(statement_key, 32),
        salt=sized(salt, 16),
    )


def _signed_fields(entry: SignedEntry) -> tuple[bytes, ...]:
    return (
        u64_be(entry.clock),
        entry.caller.encode(),
        entry.request_digest,
        entry.policy_id,
        entry.vault_fingerprint,
        entry.kind.encode(),
        entry.path.encode(),
        entry.psbt,
        entry.evidence,
        _encode_claims(entry.claims),
        pack(map(_encode_signing, entry.signing)),
    )


def _read_signed(fields: list[bytes]) -> SignedEntry:
    clock, caller, digest, policy, vault, kind, path, psbt, evidence, claims, signing = _exactly(
        fields, 11
    )
    return SignedEntry(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        request_digest=sized(digest, 32),
        policy_id=sized(policy, 32),
        vault_fingerprint=sized(vault, 32),
        kind=read_text(kind),
        path=read_text(path),
        psbt=psbt,
        evidence=evidence,
        claims=_read_claims(claims),
        signing=tuple(_read_signing(field) for field in unpack(signing)),
    )


def _refused_fields(entry: RefusedEntry) -> tuple[bytes, ...]:
    return (
        u64_be(entry.clock),
        entry.caller.encode(),
        entry.request_digest,
        entry.policy_id,
        pack(map(_encode_objection, entry.objections)),
        entry.request,
    )


def _read_refused(fields: list[bytes]) -> RefusedEntry:
    clock, caller, digest, policy, objections, request = _exactly(fields, 6)
    read = tuple(_read_objection(field) for field in unpack(objections))
    if not read:
        refuse_entry("a refusal without a reason")
    return RefusedEntry(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        request_digest=sized(digest, 32),
        policy_id=sized(policy, 0, 32),
        objections=read,
        request=request,
    )


def _encode_objection(objection: Objection) -> bytes:
    texts = (objection.code, objection.detail, objection.observed, objection.limit)
    moment = b"" if objection.not_before is None else u64_be(objection.not_before)
    return pack((*(text[:MAX_TEXT].encode("utf-8", "replace") for text in texts), moment))


def _read_objection(record: bytes) -> Objection:
    code, detail, observed, limit, moment = unpack_exactly(record, 5)
    return Objection(
        read_text(code),
        read_text(detail),
        read_text(observed),
        read_text(limit),
        read_number(moment, 8) if sized(moment, 0, 8) else None,
    )


def _encode_claims(claims: Claims) -> bytes:
    change = claims.change
    return pack(
        (
            claims.txid,
            pack(map(_encode_payment, claims.payments)),
            pack(pin + outpoint_bytes(coin) for pin, coin in claims.new_pins),
            b"" if claims.first_pin is None else outpoint_bytes(claims.first_pin),
            u64_be(claims.fee),
            u64_be(claims.charge),
            pack(map(_encode_coin, claims.coins)),
            b"" if change is None else _encode_change(change),
        )
    )


def _read_claims(record: bytes) -> Claims:
    txid, payments, pins, first_pin, fee, charge, coins, change = unpack_exactly(record, 8)
    return Claims(
        txid=Txid(sized(txid, 32)),
        payments=tuple(_read_payment(field) for field in unpack(payments)),
        new_pins=tuple((sized(p, 68)[:32], read_outpoint(p[32:])) for p in unpack(pins)),
        first_pin=read_outpoint(first_pin) if first_pin else None,
        fee=_read_amount(fee),
        charge=_read_amount(charge),
        coins=tuple(_read_coin(field) for field in unpack(coins)),
        change=_read_change(change) if change else None,
    )


def _read_amount(field: bytes) -> Sats:
    try:
        return sats_checked(read_number(field, 8))
    except Malformed as error:
        refuse_entry(error.detail)


def _encode_payment(payment: Payment) -> bytes:
    fixed = payment.withdrawal_id + u32_be(payment.vout) + u64_be(payment.amount)
    return pack((fixed, payment.script_pubkey))


def _read_payment(record: bytes) -> Payment:
    fixed, script = unpack_exactly(record, 2)
    sized(fixed, 44)
    vout = int.from_bytes(fixed[32:36], "big")
    return Payment(fixed[:32], vout, _read_amount(fixed[36:]), script)


def _encode_coin(coin: CoinClaim) -> bytes:
    place = u64_be(coin.amount) + u32_be(coin.branch) + u32_be(coin.index)
    height = b"" if coin.height is None else u32_be(coin.height)
    return pack((outpoint_bytes(coin.outpoint) + place, coin.script_pubkey, height))


def _read_coin(record: bytes) -> CoinClaim:
    fixed, script, height = unpack_exactly(record, 3)
    sized(fixed, 52)
    return CoinClaim(
        outpoint=read_outpoint(fixed[:36]),
        amount=_read_amount(fixed[36:44]),
        script_pubkey=script,
        branch=int.from_bytes(fixed[44:48], "big"),
        index=int.from_bytes(fixed[48:], "big"),
        height=read_number(height, 4) if sized(height, 0, 4) else None,
    )


def _encode_change(change: Change) -> bytes:
    return u32_be(change.vout) + u64_be(change.amount) + u32_be(change.index)


def _read_change(field: bytes) -> Change:
    sized(field, 16)
    vout, index = int.from_bytes(field[:4], "big"), int.from_bytes(field[12:], "big")
    return Change(vout, _read_amount(field[4:12]), index)


def _encode_signing(row: SigningRow) -> bytes:
    index, pubkey, script, sighash_type, digest = row
    return pack((u32_be(index), pubkey, script, u32_be(sighash_type), digest))


def _read_signing(record: bytes) -> SigningRow:
    index, pubkey, script, sighash_type, digest = unpack_exactly(record, 5)
    return (
        read_number(index, 4),
        sized(pubkey, 32, 33),
        script,
        read_number(sighash_type, 4),
        sized(digest, 32),
    )


def _exactly(fields: list[bytes], count: int) -> list[bytes]:
    if len(fields) != count:
        refuse_entry(f"{len(fields)} fields instead of {count}")
    return fields
