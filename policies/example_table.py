"""`[[example]]` tables, read.

1. An example is of a spend, a change (`change`) or a hold (`hold`); its other keys are those that mean
   something for it, and an unknown key is an error.
2. Each name stands once. Vaults, groups, lists, rollups, paths and codes are known ones.
3. At most 1,000 examples, each of at most 100 payments.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.arguments import Names
from policies.document import Table
from policies.example import (
    ChangeExample,
    Example,
    HoldExample,
    SpendExample,
    Standing,
    Verdict,
)
from policies.example_fields import ExampleFields
from policies.example_phrases import Phrases
from policies.example_spend import surroundings_of, transaction_of
from policies.fields import Fields
from policies.source import Source, near
from signer.bitcoin.network import Network
from signer.core.catalogue import CATALOGUE
from signer.core.governance import GovernanceTerms
from signer.core.spend import Kind
from signer.core.vault import Vault

MAX_EXAMPLES = 1_000
MAX_NAME = 120

_ALWAYS = ("name", "spend", "from", "expect")
_ANY_SPEND = (
    *("code", "fee", "weight", "vsize", "inputs", "outputs", "path", "replaceable"),
    *("attested", "coins", "at", "caller", "history", "confirmations", "work", "tip_age"),
)
_KEYS: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Kind.WITHDRAWAL: (("payments",), ("approved", "age", "on_record", "earlier_fee")),
    Kind.ANCHOR: (("batch",), ("rollup", "follows")),
    Kind.SWEEP: (("to",), ("approved",)),
    Kind.ROTATION: (("to",), ("approved", "moves")),
}
"""What must and what may be said of each kind, besides what may be said of all."""


@dataclass(frozen=True, slots=True)
class ExampleSetting:
    """What examples can speak of."""

    network: Network
    vaults: Mapping[str, Vault]
    names: Names
    """Groups, lists and rollups."""
    governance: GovernanceTerms | None


def read_examples(
    source: Source, tables: list[Table], setting: ExampleSetting
) -> tuple[Example, ...]:
    """The examples in the file's order. Raises PolicyError."""
    if len(tables) > MAX_EXAMPLES:
        detail = f"more than {MAX_EXAMPLES} [[example]] blocks"
        raise source.error("policy-value", detail, tables[MAX_EXAMPLES].offset)
    phrases = Phrases(source, setting.network, setting.names)
    examples: dict[str, Example] = {}
    for table in tables:
        example = _example(table, phrases, setting)
        if example.name in examples:
            offset = table.entries["name"].item.offset
            raise source.error("policy-repeated", "a second example of that name", offset)
        examples[example.name] = example
    return tuple(examples.values())


def _example(table: Table, phrases: Phrases, setting: ExampleSetting) -> Example:
    for key, read in (("change", _change), ("hold", _hold)):
        if key in table.entries:
            example = read(table, phrases)
            if setting.governance is None:
                offset = table.entries[key].key_offset
                detail = f"{key} describes what [governance] says, and there is none"
                raise phrases.source.error("policy-value", detail, offset)
            return example
    return _spend(table, phrases, setting)


def _change(table: Table, phrases: Phrases) -> ChangeExample:
    own = Fields(phrases.source, table, ("name", "change", "expect"), ("approved", "age"))
    fields = ExampleFields(own, phrases)
    return ChangeExample(
        name=_name(own),
        line=phrases.source.line_of(table.offset),
        is_looser=own.choice("change", ("tighter", "looser")) == "looser",
        approved=fields.voices("approved") or (),
        age=fields.duration("age"),
        expected=Standing(own.choice("expect", tuple(Standing))),
    )


def _hold(table: Table, phrases: Phrases) -> HoldExample:
    own = Fields(phrases.source, table, ("name", "hold", "expect"))
    return HoldExample(
        name=_name(own),
        line=phrases.source.line_of(table.offset),
        seconds=ExampleFields(own, phrases).duration("hold"),
        expected=Verdict(own.choice("expect", (Verdict.SIGN, Verdict.REFUSE))),
    )


def _spend(table: Table, phrases: Phrases, setting: ExampleSetting) -> SpendExample:
    first = Fields(phrases.source, table, _ALWAYS, tuple(table.entries))
    kind = Kind(first.choice("spend", tuple(Kind)))
    required, optional = _KEYS[kind]
    own = Fields(phrases.source, table, (*_ALWAYS, *required), (*_ANY_SPEND, *optional))
    fields = ExampleFields(own, phrases)
    vault = fields.known("from", setting.vaults)
    expected = Verdict(own.choice("expect", tuple(Verdict)))
    rollups = {rollup.name: rollup for rollup in setting.names.rollups}
    transaction = transaction_of(fields, kind, vault, rollups)
    return SpendExample(
        name=_name(own),
        line=phrases.source.line_of(table.offset),
        kind=kind,
        vault=vault,
        to=_to(fields, kind, vault, setting.vaults),
        transaction=transaction,
        around=surroundings_of(fields, len(transaction.payments)),
        expected=expected,
        code=_code(own, expected),
    )


def _to(
    fields: ExampleFields, kind: Kind, vault: Vault, vaults: Mapping[str, Vault]
) -> Vault | None:
    if not fields.has("to"):
        return None
    to = fields.known("to", vaults)
    if (to == vault) is not (kind is Kind.SWEEP):
        detail = "a sweep stays in its vault, a rotation goes to another one"
        raise fields.fields.error("policy-value", detail, "to")
    return to


def _name(fields: Fields) -> str:
    name = fields.text("name")
    if not name or len(name) > MAX_NAME or name != name.strip():
        raise fields.error("policy-value", f"a name has 1 to {MAX_NAME} characters", "name")
    return name


def _code(fields: Fields, expected: Verdict) -> str:
    if "code" not in fields.table.entries:
        return ""
    code = fields.text("code")
    if expected is Verdict.SIGN:
        raise fields.error("policy-value", "what is signed has no code", "code")
    if code not in CATALOGUE:
        raise fields.error("policy-name-unknown", f"no code {near(code, CATALOGUE)}", "code")
    return code
