"""A policy that loaded: what `approve` asks, and what there is to explain.

1. Blocks of one route (kind, vault, destination vault) are an `or`. No block: `policy-no-rule`.
   Default deny is structural.
2. Of several failed blocks the one with the fewest objections comes first.
3. An anchor is a registered rollup's, whatever the blocks say.
4. `trace` asks the same predicates as `spend_objections` and shows all of their answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policies.arguments import AddressList, Group, Rollup
from policies.expression import Expression, Leaf, nodes, unmet
from policies.predicates import Predicate
from policies.predicates.anchor_extends import rollup_of, rollup_unknown
from policies.predicates.attested import Attested
from signer.bitcoin.network import Network
from signer.core.approve import Question, TraceLine
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Objection, unverified
from signer.core.spend import Kind, SpentCoin, VerifiedSpend
from signer.core.vault import Vault, VaultDefinition


@dataclass(frozen=True, slots=True)
class VaultEntry:
    """A `[vaults.NAME]` table."""

    definition: VaultDefinition
    vault: Vault
    coins: Expression[Attested]
    """What proves that a coin exists and is unspent."""
    release_depth: int
    """Blocks."""
    weaker_after: int | None
    """Blocks that a coin must be old before fewer than k members can move it, where stated."""
    weaker_from: int | None
    """Height below which fewer than k members can not, where stated."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a block speaks of."""

    kind: Kind
    vault_id: str
    to: str | None
    """The vault that a sweep or rotation pays."""

    def __str__(self) -> str:
        onward = "" if self.to is None else f" to {self.to}"
        return f"{self.kind} from {self.vault_id}{onward}"


def route_of(spend: VerifiedSpend) -> Route:
    """Which blocks are asked about that spend."""
    to = None if spend.to is None else spend.to.vault_id
    return Route(spend.kind, spend.vault.vault_id, to)


@dataclass(frozen=True, slots=True)
class Block:
    """An `[[allow]]` block."""

    number: int
    """From 1, in the file's order."""
    line: int
    """Of its header."""
    route: Route
    expression: Expression[Predicate]
    ways: tuple[frozenset[Predicate], ...]
    """Its least ways."""

    def unmet(self, question: Question) -> tuple[Objection, ...]:
        """Why this block does not consent; empty when it does."""
        return unmet(self.expression, lambda predicate: tuple(predicate.objections(question)))


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy. Born in `policies/load.py`."""

    name: str
    version: int
    network: Network
    policy_id: bytes
    """SHA-256 of the file's bytes."""
    vault_entries: tuple[VaultEntry, ...]
    rollups: tuple[Rollup, ...]
    groups: tuple[Group, ...]
    lists: tuple[AddressList, ...]
    blocks: tuple[Block, ...]
    attestors: frozenset[bytes]
    """The keys of every group whose word counts anywhere in this policy."""

    @property
    def vaults(self) -> tuple[Vault, ...]:
        """The registered vaults."""
        return tuple(entry.vault for entry in self.vault_entries)

    @property
    def vault_definitions(self) -> tuple[VaultDefinition, ...]:
        """The vaults as the policy writes them."""
        return tuple(entry.definition for entry in self.vault_entries)

    def blocks_of(self, route: Route) -> tuple[Block, ...]:
        """The blocks of which one must consent."""
        return tuple(block for block in self.blocks if block.route == route)

    def rollup_magic(self, name: str) -> bytes:
        """The magic of that rollup; of the only one for "". Raises VerificationError
        `rollup-unknown`."""
        found = [each for each in self.rollups if name in ("", each.name)]
        if len(found) != 1:
            known = ", ".join(each.name for each in self.rollups) or "none"
            raise unverified("rollup-unknown", "not one rollup of that name", repr(name), known)
        return found[0].magic

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """Why the evidence does not prove that coin (the vault's `coins` expression)."""
        vault_id = question.spend.vault.vault_id
        for entry in self.vault_entries:
            if entry.vault.vault_id == vault_id:
                yield from unmet(
                    entry.coins, lambda predicate: tuple(predicate.coin_objections(question, coin))
                )
                return
        yield _no_rule(f"vault {vault_id} is not of this policy")

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        """Why no `[[allow]]` block of this route consents; nothing when one does."""
        route, failed = route_of(question.spend), list[tuple[Objection, ...]]()
        unknown = self._rollup_objections(question.spend)  # 3
        if unknown:
            yield from unknown
            return
        for block in self.blocks_of(route):
            reasons = block.unmet(question)
            if not reasons:
                return
            failed.append(reasons)
        if not failed:
            yield _no_rule(f"no rule allows this {route}")
        for reasons in sorted(failed, key=len):
            yield from reasons

    def trace(self, question: Question) -> tuple[TraceLine, ...]:
        """Every node of every block of this route with its verdict, behind the rule of all anchors."""
        lines = list[TraceLine]()
        if question.spend.anchor is not None:
            unknown = self._rollup_objections(question.spend)
            text = "The anchor's magic is a registered rollup's."
            lines.append(TraceLine("rollups", text, unknown, not unknown))
        for block in self.blocks_of(route_of(question.spend)):
            for depth, node in nodes(block.expression):
                lines.append(_trace_line(block.number, depth, node, question))
        return tuple(lines)

    def _rollup_objections(self, spend: VerifiedSpend) -> tuple[Objection, ...]:
        anchor = spend.anchor
        if anchor is None or rollup_of(anchor, self.rollups) is not None:
            return ()
        return (rollup_unknown(anchor, self.rollups),)


def _no_rule(detail: str) -> Objection:
    return Objection("policy-no-rule", detail)


def _trace_line(
    block: int, depth: int, node: Expression[Predicate], question: Question
) -> TraceLine:
    """A predicate with its objections, or a node above predicates; the text is indented by depth."""
    rule, indent = f"policy block {block}", "  " * depth
    reasons = unmet(node, lambda predicate: tuple(predicate.objections(question)))
    if isinstance(node, Leaf):
        predicate = node.predicate
        public = all(CATALOGUE[code].public for code in predicate.CODES)
        brief = "" if public else indent + predicate.NAME
        return TraceLine(rule, indent + predicate.text, reasons, not reasons, brief)
    return TraceLine(rule, indent + node.words, (), not reasons)
