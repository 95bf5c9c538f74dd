"""The OP_RETURN payloads of the bridge (design section 5), and what makes a transaction a deposit.

1. A payload stands in one minimal push after OP_RETURN, with nothing before or behind it: 30 bytes
   (deposit) or 78 (anchor), so at most 80 whatever a node relays.
2. Unknown versions and types, other lengths, zero addresses, roots, hashes and batches are refused.
3. Anyone can write a magic. A deposit counts only if its transaction has exactly one OP_RETURN, of
   value 0, pays exactly one output of the vault, on the receive branch, and is proven to spend no
   coin of the vault. What is not proven is reported as not proven.
4. An anchor counts only if its transaction has exactly one OP_RETURN, of value 0, and an input that is
   proven to spend a coin of the vault.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from signer.bitcoin.errors import Malformed
from signer.bitcoin.previous import Allowance, read_previous
from signer.bitcoin.script import OP_RETURN, ScriptType, push_data, script_items, script_type
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.errors import MalformedRequest, Objection, malformed
from signer.core.registry import ScriptPlace
from signer.core.vault import RECEIVE

_VERSION, _DEPOSIT, _ANCHOR = 1, 1, 2
_SIZE = {_DEPOSIT: 30, _ANCHOR: 78}
_MAX_SCRIPT = 3 + max(_SIZE.values())
"""OP_RETURN, OP_PUSHDATA1, the length; then the longest payload."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Credit this address on that chain with what the vault receives here."""

    magic: bytes
    """4 bytes; names the rollup."""
    l2_chain_id: int
    """u32."""
    l2_address: bytes
    """20 bytes, not zero."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The state root of a batch."""

    magic: bytes
    """4 bytes; names the rollup."""
    batch_id: int
    """u64, at least 1."""
    state_root: bytes
    """32 bytes, not zero, as Ethereum prints it."""
    eth_tx_hash: bytes
    """32 bytes, not zero, as Ethereum prints it."""


Payload = Deposit | Anchor


def encode_payload(payload: Payload) -> bytes:
    """The data of the push. Raises MalformedRequest as `decode_payload` does."""
    try:
        if isinstance(payload, Deposit):
            kind, number = _DEPOSIT, payload.l2_chain_id.to_bytes(4, "big")
            rest = payload.l2_address
        else:
            kind, number = _ANCHOR, payload.batch_id.to_bytes(8, "big")
            rest = payload.state_root + payload.eth_tx_hash
    except OverflowError:
        raise malformed("op-return-malformed", "chain id or batch is out of range") from None
    data = payload.magic + bytes((_VERSION, kind)) + number + rest
    if decode_payload(data) != payload:
        raise malformed("op-return-malformed", "a field has the wrong length")
    return data


def decode_payload(data: bytes) -> Payload:
    """The inverse. Raises MalformedRequest `op-return-unknown`, `-malformed` or `-zero`."""
    if len(data) < 6:
        raise malformed("op-return-malformed", f"{len(data)} bytes hold no magic, version and type")
    magic, version, kind = data[:4], data[4], data[5]
    if version != _VERSION or kind not in _SIZE:
        raise malformed("op-return-unknown", f"version {version}, type {kind}")
    if len(data) != _SIZE[kind]:
        raise malformed("op-return-malformed", f"{len(data)} bytes instead of {_SIZE[kind]}")
    if kind == _DEPOSIT:
        _refuse_zero("address", data[10:])
        return Deposit(magic, int.from_bytes(data[6:10], "big"), data[10:])
    _refuse_zero("batch", data[6:14])
    _refuse_zero("state root", data[14:46])
    _refuse_zero("transaction hash", data[46:])
    return Anchor(magic, int.from_bytes(data[6:14], "big"), data[14:46], data[46:])


def _refuse_zero(what: str, field: bytes) -> None:
    if not any(field):
        raise malformed("op-return-zero", f"the {what} is zero")


def op_return_script(data: bytes) -> bytes:
    """OP_RETURN and the minimal push of that data."""
    return bytes((OP_RETURN,)) + push_data(data)


def parse_op_return(script: bytes) -> Payload:
    """The payload of a scriptPubKey. Raises MalformedRequest as `decode_payload` does."""
    if len(script) > _MAX_SCRIPT:  # before it is read: a request may hold megabytes of opcodes
        raise malformed("op-return-malformed", f"{len(script)} bytes; at most {_MAX_SCRIPT}")
    try:
        items = script_items(script)
    except Malformed as error:
        raise malformed("op-return-malformed", error.detail) from None
    data = items[1][1] if len(items) == 2 else None
    if data is None or script != op_return_script(data):
        raise malformed("op-return-malformed", "not OP_RETURN and one minimal push")
    return decode_payload(data)


@dataclass(frozen=True, slots=True)
class DepositReport:
    """What a transaction is as a deposit. It counts if there is no objection."""

    payload: Payload | None
    """Of the one OP_RETURN, when it can be read."""
    vout: int | None
    """The output to a vault, when there is exactly one and it is on a receive branch."""
    place: ScriptPlace | None
    """Where that output pays to."""
    amount: Sats
    """Of that output; 0 for none."""
    from_vault: bool | None
    """Whether a coin of a vault is spent; None: not proven either way."""
    objections: tuple[Objection, ...]


PlaceOf = Callable[[bytes], ScriptPlace | None]
"""Whose script that is, as far as the vaults' address windows reach."""


def spent_outputs(transaction: Transaction, previous: Iterable[bytes]) -> tuple[TxOut | None, ...]:
    """What each input spends, proven by the hash of a raw previous transaction; None where none fits.

    Raises Malformed `transaction-malformed`, `amount-out-of-range` or `psbt-too-many`.
    """
    wanted: dict[Txid, list[OutPoint]] = {}
    for txin in transaction.inputs:
        wanted.setdefault(txin.previous.txid, []).append(txin.previous)
    allowance = Allowance()
    proven: dict[OutPoint, TxOut | None] = {}
    for data in previous:
        known = read_previous(data, allowance)
        for outpoint in wanted.pop(known.txid, ()):
            proven[outpoint] = known.output(outpoint.vout)
    return tuple(proven.get(txin.previous) for txin in transaction.inputs)


def validate_deposit(
    transaction: Transaction,
    prevouts: tuple[TxOut | None, ...],
    place_of: PlaceOf,
    expected: Deposit | None,
) -> DepositReport:
    """Rule 3, with every objection. `prevouts` are those that `spent_outputs` has proven."""
    payload, unreadable = _only_payload(transaction.outputs)
    places = tuple(_places(transaction.outputs, place_of))
    vout, place = places[0] if len(places) == 1 else (None, None)
    if place is not None and place.branch != RECEIVE:
        vout, place = None, None
    from_vault = _from_vault(prevouts, place_of)
    objections = (
        *unreadable,
        *_payload_objections(payload, expected),
        *([] if place is not None else [_output_objection(places)]),
        *_origin_objections(from_vault),
    )
    amount = Sats(0) if vout is None else transaction.outputs[vout].amount
    return DepositReport(payload, vout, place, amount, from_vault, objections)


@dataclass(frozen=True, slots=True)
class AnchorReport:
    """What a transaction is as an anchor. It counts if there is no objection."""

    payload: Payload | None
    from_vault: bool | None
    objections: tuple[Objection, ...]


def validate_anchor(
    transaction: Transaction,
    prevouts: tuple[TxOut | None, ...],
    place_of: PlaceOf,
    expected: Anchor | None,
) -> AnchorReport:
    """Rule 4, with every objection."""
    payload, unreadable = _only_payload(transaction.outputs)
    from_vault = _from_vault(prevouts, place_of)
    objections = list(unreadable)
    if isinstance(payload, Deposit):
        objections.append(Objection("anchor-mismatch", "the payload is a deposit"))
    elif payload is not None and expected not in (None, payload):
        objections.append(Objection("anchor-mismatch", "the payload is not the expected anchor"))
    if not from_vault:
        detail = "no input is proven to spend a coin of the vault: anyone can write a magic"
        objections.append(Objection("anchor-not-from-vault", detail))
    return AnchorReport(payload, from_vault, tuple(objections))


def _only_payload(outputs: tuple[TxOut, ...]) -> tuple[Payload | None, tuple[Objection, ...]]:
    carriers = [
        txout for txout in outputs if script_type(txout.script_pubkey) is ScriptType.OP_RETURN
    ]
    if len(carriers) != 1 or carriers[0].amount != 0:
        observed = ", ".join(f"{txout.amount} sat" for txout in carriers[:3]) or "none"
        detail = "not exactly one OP_RETURN of value 0"
        return None, (Objection("deposit-op-return", detail, observed, "one of 0 sat"),)
    try:
        return parse_op_return(carriers[0].script_pubkey), ()
    except MalformedRequest as refusal:
        return None, refusal.objections


def _payload_objections(payload: Payload | None, expected: Deposit | None) -> Iterator[Objection]:
    if isinstance(payload, Anchor):
        yield Objection("deposit-mismatch", "the payload is an anchor")
    elif payload is not None and expected not in (None, payload):
        yield Objection("deposit-mismatch", "the payload is not the expected deposit")


def _places(outputs: Iterable[TxOut], place_of: PlaceOf) -> Iterator[tuple[int, ScriptPlace]]:
    for vout, txout in enumerate(outputs):
        place = place_of(txout.script_pubkey)
        if place is not None:
            yield vout, place


def _output_objection(places: tuple[tuple[int, ScriptPlace], ...]) -> Objection:
    observed = ", ".join(
        f"output {vout}: {place.vault_id}, branch {place.branch}" for vout, place in places[:3]
    )
    detail = "not exactly one output to a vault, on its receive branch"
    return Objection("deposit-output", detail, observed or "none", "one")


def _from_vault(prevouts: tuple[TxOut | None, ...], place_of: PlaceOf) -> bool | None:
    if any(place_of(prevout.script_pubkey) for prevout in prevouts if prevout is not None):
        return True
    return None if None in prevouts else False


def _origin_objections(from_vault: bool | None) -> Iterator[Objection]:
    if from_vault is None:
        detail = "previous transactions that prove what the inputs spend are missing"
        yield Objection("deposit-origin-unproven", detail)
    elif from_vault:
        yield Objection("deposit-from-vault", "an input spends a coin of a vault")
