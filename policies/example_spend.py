"""The `[[example]]` of a spend: the transaction, who says so, when, and what is on record."""

from collections.abc import Mapping

from policies.arguments import Rollup
from policies.example import DescribedTransaction, Owed, Surroundings
from policies.example_fields import ExampleFields
from policies.literals import MAX_BLOCKS
from signer.bitcoin.units import COIN
from signer.core.evidence import AnchorTerms
from signer.core.spend import Kind
from signer.core.vault import Vault

MAX_PAYMENTS = 100
_MAX_BATCH = 2**63 - 1
_ROOT, _BEFORE, _NO_ROOT, _ETH_TX = b"\x02" * 32, b"\x01" * 32, bytes(32), b"\x03" * 32


def transaction_of(
    fields: ExampleFields, kind: Kind, vault: Vault, rollups: Mapping[str, Rollup]
) -> DescribedTransaction:
    """What is asked to be signed. Raises PolicyError."""
    payments = _payments(fields)
    usual_outputs = {Kind.WITHDRAWAL: len(payments) + 1, Kind.ANCHOR: 2}.get(kind, 1)
    paths = tuple(path.name for path in vault.paths)
    return DescribedTransaction(
        payments=payments,
        moved=fields.amount("moves", COIN if kind is Kind.ROTATION else 0),
        fee=fields.amount("fee", 1_000),
        weight=fields.weight(),
        inputs=fields.count("inputs", 1),
        outputs=fields.count("outputs", usual_outputs),
        path_index=paths.index(fields.choice("path", paths)),
        is_replaceable=fields.choice("replaceable", ("yes", "no")) == "yes",
        anchored=_anchored(fields, rollups) if kind is Kind.ANCHOR else None,
    )


def surroundings_of(fields: ExampleFields, payments: int) -> Surroundings:
    """Who says so, when, and what is on record. Raises PolicyError."""
    history = [fields.phrases.past(item) for item in fields.items("history")]
    return Surroundings(
        attested=fields.voices("attested"),
        coins=fields.voices("coins"),
        approved=fields.voices("approved") or (),
        age=fields.duration("age"),
        at=fields.moment("at"),
        caller=fields.text("caller", "relayer"),
        on_record=fields.number("on_record", 0, payments),
        earlier_fee=fields.amount("earlier_fee", 0),
        history=tuple(sorted(history, key=lambda past: -past.ago)),
        blocks=fields.number("confirmations", MAX_BLOCKS, MAX_BLOCKS),
        work=fields.work("work"),
        tip_age=fields.duration("tip_age"),
    )


def _payments(fields: ExampleFields) -> tuple[Owed, ...]:
    items = fields.items("payments")
    if len(items) > MAX_PAYMENTS:
        detail = f"more than {MAX_PAYMENTS} payments"
        raise fields.fields.error("policy-value", detail, "payments")
    return tuple(fields.phrases.payment(item) for item in items)


def _anchored(fields: ExampleFields, rollups: Mapping[str, Rollup]) -> AnchorTerms:
    """Where the attestors put the anchor. Roots and hashes are any: what counts is which one is zero."""
    rollup = _rollup(fields, rollups)
    batch = fields.fields.number("batch", 1, _MAX_BATCH)
    follows = fields.number("follows", batch - 1, _MAX_BATCH)
    before = _BEFORE if follows >= rollup.first_batch else _NO_ROOT
    return AnchorTerms(rollup.magic, follows, before, batch, _ROOT, _ETH_TX)


def _rollup(fields: ExampleFields, rollups: Mapping[str, Rollup]) -> Rollup:
    if fields.has("rollup"):
        return fields.known("rollup", rollups)
    if len(rollups) == 1:
        return next(iter(rollups.values()))
    table = fields.fields.table
    detail = "no 'rollup': whose batch it is"
    raise fields.fields.source.error("policy-key-missing", detail, table.offset)
