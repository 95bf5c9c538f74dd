"""A policy that loaded: what `approve` asks, and what there is to explain.

1. Blocks of one route (kind, vault, destination vault) are an `or`. No block: `policy-no-rule`.
   Default deny is structural.
2. Of several failed blocks the one with the fewest objections comes first.
3. An anchor is a registered rollup's, whatever the blocks say.
4. From `expires` on only the fallback's blocks are asked; what they do not speak of is `policy-expired`.
5. A spend waits, and is not refused, when some block lacks only what is WAITABLE.
6. `trace` asks the same predicates as `spend_objections` and shows all of their answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from policies.arguments import AddressList, Group, Rollup
from policies.burials import release_objections, vault_unknown
from policies.example import Example
from policies.expression import Expression, unmet, waiting
from policies.predicates import Predicate
from policies.predicates.aged import Clock
from policies.predicates.anchor_extends import rollup_of, rollup_unknown
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.trace import nearest_changes, trace_of
from policies.vault_entry import VaultEntry
from signer.bitcoin.network import Network
from signer.core.deposits import DepositTerms
from signer.core.errors import Objection, unverified
from signer.core.evidence import SpentTerms
from signer.core.governance import GovernanceTerms
from signer.core.moments import format_time
from signer.core.question import Question, TraceLine
from signer.core.release import ReleaseQuestion, ReleaseTerms
from signer.core.spend import Kind, SpendFacts, SpentCoin
from signer.core.sweeps import approvers_of
from signer.core.vault import Vault, VaultDefinition


class Route(NamedTuple):
    """What a block speaks of."""

    kind: Kind
    vault_id: str
    to: str | None
    """The vault that a sweep or rotation pays."""

    def __str__(self) -> str:
        onward = "" if self.to is None else f" to {self.to}"
        return f"{self.kind} from {self.vault_id}{onward}"


def route_of(spend: SpendFacts) -> Route:
    """Which blocks are asked about that spend."""
    to = None if spend.to is None else spend.to.vault_id
    return Route(spend.kind, spend.vault.vault_id, to)


@dataclass(frozen=True, slots=True)
class Block:
    """An `[[allow]]` block, or the fallback for one route."""

    number: int
    """From 1, in the file's order; 0 for the fallback."""
    line: int
    """Of its header; 0 for a fallback that no table states."""
    route: Route
    expression: Expression[Predicate]
    ways: tuple[frozenset[Predicate], ...] = ()
    """Its least ways, at least one once it is read."""
    clocks: tuple[Clock, ...] = ()
    """Whose complete word lets a withdrawal wait: of each `aged`, and apart of the ways that say `approved`.
    By digest, ascending."""
    asking: tuple[Clock, ...] = ()
    """Of these the one of the ways that say `approved`, if there are any."""

    def unmet(self, question: Question) -> tuple[Objection, ...]:
        """Why this block does not consent; empty when it does."""
        return unmet(self.expression, lambda predicate: tuple(predicate.objections(question)))

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        """What it lacks, if that is approvals or time alone; empty if it consents, too."""
        return waiting(
            self.expression,
            lambda predicate: tuple(predicate.objections(question)),
            lambda predicate: predicate.WAITABLE,
        )


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
    definitions: tuple[tuple[str, str], ...]
    """(name, text)."""
    blocks: tuple[Block, ...]
    route_ways: tuple[tuple[Route, tuple[frozenset[Predicate], ...]], ...]
    """Of each route of which a block speaks: the least ways of all its blocks together."""
    governance: GovernanceTerms | None
    expires: int | None
    """Unix seconds from which only the fallback holds."""
    fallback: tuple[Block, ...]
    """One for each route; none if nothing holds then, or if it never expires."""
    examples: tuple[Example, ...]
    attestors: frozenset[bytes]
    """The keys of every group whose word counts anywhere in this policy."""
    officer_keys: frozenset[bytes]
    """The keys of the group that governs and of every group whose approval counts anywhere."""
    chain_vaults: frozenset[bytes]
    """Fingerprints of the vaults about which some rule asks our own headers."""

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

    def ways_of(self, route: Route) -> tuple[frozenset[Predicate], ...]:
        """The least ways of all blocks of that route, in the order of their numbers; none without a block."""
        return next((ways for known, ways in self.route_ways if known == route), ())

    def is_expired(self, now: int) -> bool:
        """Whether only the fallback holds."""
        return self.expires is not None and now >= self.expires

    def asked_blocks(self, question: Question) -> tuple[Block, ...]:
        """The blocks of which one must consent, now."""
        route = route_of(question.spend)
        if not self.is_expired(question.now):
            return self.blocks_of(route)
        return tuple(block for block in self.fallback if block.route == route)

    def asked_ways(self, question: Question) -> tuple[frozenset[Predicate], ...]:
        """The ways of these blocks together."""
        if not self.is_expired(question.now):
            return self.ways_of(route_of(question.spend))
        return tuple(way for block in self.asked_blocks(question) for way in block.ways)

    def clock_quorums(self, vault_id: str) -> tuple[Clock, ...]:
        """Whose complete word lets a withdrawal from that vault wait, for time or for officers; each once."""
        here = (block for block in self.blocks if block.route.vault_id == vault_id)
        return tuple(dict.fromkeys(clock for block in here for clock in block.clocks))

    def proposal_quorums(self, vault_id: str) -> tuple[Clock, ...]:
        """Whose complete word lets officers be asked about a withdrawal from that vault: those that rules
        with `approved` ask for, or, without such rules, those that start clocks. A lesser word elsewhere in
        the policy is not enough to trouble an officer."""
        here = [block for block in self.blocks if block.route.vault_id == vault_id]
        asking = tuple(dict.fromkeys(clock for block in here for clock in block.asking))
        return asking or self.clock_quorums(vault_id)

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

    def asks_chain(self, vault_fingerprint: bytes) -> bool:
        """Whether a rule about that vault asks our own headers."""
        return vault_fingerprint in self.chain_vaults

    def release_terms(self, vault_fingerprint: bytes) -> ReleaseTerms:
        """What that vault asks of releases. Raises VerificationError `vault-unknown`."""
        entry = self._entry(vault_fingerprint)
        return ReleaseTerms(entry.release_depth, entry.release_quorum, entry.release_work)

    def deposit_terms(self, vault_fingerprint: bytes) -> DepositTerms:
        """What that vault asks of deposits. Raises VerificationError `vault-unknown`."""
        entry = self._entry(vault_fingerprint)
        return DepositTerms(
            cap=entry.deposit_cap,
            least=entry.deposit_least,
            depth=entry.deposit_depth,
            until=entry.deposits_until,
            magics=frozenset(each.magic for each in self.rollups),
        )

    def spent_objections(
        self, question: ReleaseQuestion, statements: tuple[SpentTerms, ...]
    ) -> Iterator[Objection]:
        """Why the words for these statements do not prove what all of them say (the vault's `coins`)."""
        coins = self._entry(question.recorded.vault_fingerprint).coins
        yield from release_objections(coins, question, statements)

    def lets_pins_go(self, question: Question) -> bool:
        """Whether the quorum of [governance] approved the statement that a sweep or rotation is judged by."""
        governance, swept = self.governance, question.swept
        if governance is None or swept is None:
            return False
        approvers = approvers_of(question.spend, swept, question.view, question.now)
        return len(approvers & governance.officers) >= governance.quorum

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        """Why no block that is asked consents; nothing when one does."""
        failed: list[tuple[Objection, ...]] = []
        unknown = self._rollup_objections(question.spend)  # 3
        if unknown:
            yield from unknown
            return
        for block in self.asked_blocks(question):
            reasons = block.unmet(question)
            if not reasons:
                return
            failed.append(reasons)
        if not failed:
            yield self._unspoken(question)
        for reasons in sorted(failed, key=len):
            yield from reasons

    def evidence_objections(self, question: Question) -> tuple[tuple[Objection, ...], ...]:
        """For each way that is asked, what it lacks of attestors' words; of one that asks for none, of
        officers' approvals. Never empty."""
        unknown = self._rollup_objections(question.spend)
        found = (unknown + _told(way, question) for way in self.asked_ways(question))
        return tuple(found) or ((self._unspoken(question),),)

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        """What a spend to which no block consents lacks, if that is approvals or time alone; else nothing."""
        if self._rollup_objections(question.spend):
            return ()
        missing = (block.waiting(question) for block in self.asked_blocks(question))
        return min((each for each in missing if each), key=len, default=())

    def trace(self, question: Question) -> tuple[TraceLine, ...]:
        """Every way that is asked with its predicates' verdicts, behind the rule of all anchors."""
        ways = trace_of(self.asked_ways(question), question)
        if question.spend.anchor is None:
            return ways
        unknown = self._rollup_objections(question.spend)
        text = "The anchor's magic is a registered rollup's."
        return (TraceLine("rollups", text, unknown, not unknown), *ways)

    def nearest_changes(self, question: Question) -> tuple[str, ...]:
        """Of the ways that do not hold the nearest ones, each as the changes that would make it hold."""
        return nearest_changes(self.asked_ways(question), question)

    def _entry(self, vault_fingerprint: bytes) -> VaultEntry:
        for entry in self.vault_entries:
            if entry.vault.fingerprint == vault_fingerprint:
                return entry
        raise vault_unknown()

    def _unspoken(self, question: Question) -> Objection:
        """No block speaks of it."""
        route = route_of(question.spend)
        if self.expires is None or not self.is_expired(question.now):
            return _no_rule(f"no rule allows this {route}")
        return Objection(
            "policy-expired",
            f"the policy expired, and its fallback allows no {route}",
            limit=f"before {format_time(self.expires)}",
        )

    def _rollup_objections(self, spend: SpendFacts) -> tuple[Objection, ...]:
        anchor = spend.anchor
        if anchor is None or rollup_of(anchor, self.rollups) is not None:
            return ()
        return (rollup_unknown(anchor, self.rollups),)


def _told(way: frozenset[Predicate], question: Question) -> tuple[Objection, ...]:
    by_text = sorted(way, key=lambda predicate: predicate.text)
    asked: list[Predicate] = [each for each in by_text if isinstance(each, Attested)]
    asked = asked or [each for each in by_text if isinstance(each, Approved)]
    return tuple(objection for each in asked for objection in each.objections(question))


def _no_rule(detail: str) -> Objection:
    return Objection("policy-no-rule", detail)
