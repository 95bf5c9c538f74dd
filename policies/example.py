"""`[[example]]`: what the authors of a policy meant, as data (docs/policy-examples.md has the grammar).

1. An example changes nothing about what the policy allows; its bytes are part of the policy id.
2. Names, numbers and codes are read as strictly as the policy's own (`policies.example_table`); verdicts are
   found by `policies.analysis.verdicts`.
3. `2 watchers` and `to exchange` stand for any two keys, any address: what is kept is the group, the list.
"""

from dataclasses import dataclass
from enum import StrEnum

from policies.arguments import Group
from signer.bitcoin.units import Sats, Weight
from signer.core.evidence import AnchorTerms
from signer.core.spend import Kind
from signer.core.vault import Vault


class Verdict(StrEnum):
    """What the kernel answers."""

    SIGN = "sign"
    PENDING = "pending"
    REFUSE = "refuse"


class Standing(StrEnum):
    """Where a change of the policy stands."""

    IN_FORCE = "in force"
    WAITING = "waiting"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Voices:
    """So many of the keys of a group."""

    count: int
    group: Group


@dataclass(frozen=True, slots=True)
class Owed:
    """A payment."""

    amount: Sats
    scripts: tuple[bytes, ...]
    """Any of these destinations, ascending."""


@dataclass(frozen=True, slots=True)
class Past:
    """What left the vault."""

    ago: int
    """Seconds."""
    amount: Sats
    count: int
    """Withdrawals that it began."""


@dataclass(frozen=True, slots=True)
class DescribedTransaction:
    """What is asked to be signed."""

    payments: tuple[Owed, ...]
    moved: Sats
    """What a rotation pays to the next vault."""
    fee: Sats
    weight: Weight
    inputs: int
    outputs: int
    path_index: int
    is_replaceable: bool
    anchored: AnchorTerms | None
    """Of an anchor: where the attestors put it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Who says so, when, and what is on record."""

    attested: tuple[Voices, ...] | None
    """None: all attestors."""
    coins: tuple[Voices, ...] | None
    approved: tuple[Voices, ...]
    age: int
    """Seconds since the attestors' quorum was complete first."""
    at: int
    """Unix seconds."""
    caller: str
    on_record: int
    """How many of the payments, from the first."""
    earlier_fee: Sats
    history: tuple[Past, ...]
    """Oldest first."""
    blocks: int
    """Under which our own headers bury every coin."""
    work: int
    """The same in expected hashes."""
    tip_age: int
    """Seconds, of the tip of our own headers."""


@dataclass(frozen=True, slots=True)
class SpendExample:
    """A described spend, and its verdict."""

    name: str
    line: int
    kind: Kind
    vault: Vault
    to: Vault | None
    transaction: DescribedTransaction
    around: Surroundings
    expected: Verdict
    code: str
    """One of the reasons; empty for any."""


@dataclass(frozen=True, slots=True)
class ChangeExample:
    """A described change of the policy, and where it stands."""

    name: str
    line: int
    is_looser: bool
    approved: tuple[Voices, ...]
    age: int
    """Seconds since the approvals."""
    expected: Standing


@dataclass(frozen=True, slots=True)
class HoldExample:
    """One officer holds a withdrawal for so long."""

    name: str
    line: int
    seconds: int
    expected: Verdict


Example = SpendExample | ChangeExample | HoldExample
