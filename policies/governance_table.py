"""`[governance]`: who may change the policy, and how long a change waits. Without it nobody can.

The officers are a group of the file; their quorum is a number of its keys.
"""

from collections.abc import Mapping

from policies.arguments import Group
from policies.document import Table
from policies.fields import Fields
from policies.source import Source, near
from signer.core.governance import GovernanceTerms

_DEFAULT_HOLD = 86_400


def read_governance(
    source: Source, tables: list[Table], groups: Mapping[str, Group]
) -> GovernanceTerms | None:
    """The table's terms, if there is one. Raises PolicyError."""
    if not tables:
        return None
    required = ("officers", "quorum", "delay", "confirm_within")
    fields = Fields(source, tables[0], required, ("hold_at_most",))
    name = fields.text("officers")
    if name not in groups:
        raise fields.error("policy-name-unknown", f"no group {near(name, groups)}", "officers")
    officers = groups[name].keys
    quorum = fields.number("quorum", 1, 1_000_000)
    if quorum > len(officers):
        detail = f"{quorum} of {len(officers)} keys in {name}"
        raise fields.error("policy-unsatisfiable", detail, "quorum")
    return GovernanceTerms(
        officers=officers,
        group=name,
        quorum=quorum,
        delay=fields.duration("delay"),
        confirm_within=fields.duration("confirm_within"),
        hold_at_most=fields.duration_or("hold_at_most", _DEFAULT_HOLD),
    )
