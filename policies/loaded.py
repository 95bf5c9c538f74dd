"""A policy that loaded: what `approve` asks, and what there is to explain.

1. Blocks of one kind and vault are an `or`. No block: `policy-no-rule`. Default deny is structural.
2. Of several failed blocks the one with the fewest objections comes first.
3. `trace` asks the same predicates as `spend_objections` and shows all of their answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policies.arguments import AddressList, Group
from policies.expression import Expression, Leaf, nodes, unmet
from policies.predicates import Predicate
from policies.predicates.attested import Attested
from signer.bitcoin.network import Network
from signer.core.approve import Question, TraceLine
from signer.core.errors import Objection, unverified
from signer.core.spend import Kind, SpentCoin
from signer.core.vault import Vault, VaultDefinition


@dataclass(frozen=True, slots=True)
class Rollup:
    """Whose OP_RETURN payloads carry a magic."""

    name: str
    magic: bytes
    """4 bytes."""
    first_batch: int
    sequence: str
    """`contiguous` or `increasing`."""


@dataclass(frozen=True, slots=True)
class VaultEntry:
    """A `[vaults.NAME]` table."""

    definition: VaultDefinition
    vault: Vault
    coins: Expression[Attested]
    """What proves that a coin exists and is unspent."""
    release_depth: int
    """Blocks."""


@dataclass(frozen=True, slots=True)
class Block:
    """An `[[allow]]` block."""

    number: int
    """From 1, in the file's order."""
    line: int
    """Of its header."""
    kind: Kind
    vault_id: str
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

    def blocks_of(self, kind: Kind, vault_id: str) -> tuple[Block, ...]:
        """The blocks of which one must consent."""
        return tuple(
            block for block in self.blocks if (block.kind, block.vault_id) == (kind, vault_id)
        )

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
        """Why no `[[allow]]` block of this kind and vault consents; nothing when one does."""
        kind, vault_id = question.spend.kind, question.spend.vault.vault_id
        failed = list[tuple[Objection, ...]]()
        for block in self.blocks_of(kind, vault_id):
            reasons = block.unmet(question)
            if not reasons:
                return
            failed.append(reasons)
        if not failed:
            yield _no_rule(f"no rule allows a {kind} from vault {vault_id}")
        for reasons in sorted(failed, key=len):
            yield from reasons

    def trace(self, question: Question) -> tuple[TraceLine, ...]:
        """Every node of every block of this kind and vault with its verdict."""
        blocks = self.blocks_of(question.spend.kind, question.spend.vault.vault_id)
        return tuple(
            _trace_line(block.number, depth, node, question)
            for block in blocks
            for depth, node in nodes(block.expression)
        )


def _no_rule(detail: str) -> Objection:
    return Objection("policy-no-rule", detail)


def _trace_line(
    block: int, depth: int, node: Expression[Predicate], question: Question
) -> TraceLine:
    """A predicate with its objections, or a node above predicates; the text is indented by depth."""
    rule, indent = f"policy block {block}", "  " * depth
    reasons = unmet(node, lambda predicate: tuple(predicate.objections(question)))
    if isinstance(node, Leaf):
        return TraceLine(rule, indent + node.predicate.text, reasons, not reasons)
    return TraceLine(rule, indent + node.words, (), not reasons)
