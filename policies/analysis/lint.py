"""What a policy says that its authors may not have meant. Nothing here is forbidden: the policy loads.

1. Rules: ways that no new payment can go, that another way makes superfluous, or without an outflow window;
   predicates that others of their way imply.
2. Numbers that a slip of the unit or of a digit makes; what a reorganisation could undo.
3. Who agrees: one where several could, one key in two roles.
4. Names that nothing uses; witnesses that are missing, too few to be of use, or too many to be silent.
"""

from collections.abc import Iterator
from typing import NamedTuple

from policies.analysis.normal import Roofs, Way, in_order, normal_form, way_text
from policies.analysis.slips import slips_in, slips_of_governance
from policies.arguments import Group
from policies.expression import predicates
from policies.loaded import Block, LoadedPolicy
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.vault_entry import VaultEntry
from policies.ways import is_dead

Json = dict[str, object]
SHALLOW = 6
"""Blocks: fewer are reorganised away now and then."""


class Finding(NamedTuple):
    """One thing to look at."""

    rule: str
    """What is looked for."""
    line: int
    """Of the block's header; 0 for the whole file."""
    text: str


def findings(policy: LoadedPolicy) -> tuple[Finding, ...]:
    """All of them, each once, those about the whole file first."""
    found = dict.fromkeys((*_about_all(policy), *_about_blocks(policy)))
    return tuple(sorted(found, key=lambda each: each.line))


def render(found: tuple[Finding, ...]) -> list[str]:
    """The lines that `pegwarden policy lint` prints."""
    lines = [
        f"line {each.line}: {each.rule}: {each.text}" if each.line else f"{each.rule}: {each.text}"
        for each in found
    ]
    return [*lines, f"{len(found)} findings" if found else "Nothing found."]


def as_json(found: tuple[Finding, ...]) -> Json:
    """The same as one JSON object."""
    return {"findings": [each._asdict() for each in found]}


def _about_all(policy: LoadedPolicy) -> Iterator[Finding]:
    quorums = list(_quorums(policy))
    used = {group.name for _, group in quorums}
    if policy.governance is not None:
        used.add(policy.governance.group)
    for group in policy.groups:
        if group.name not in used:
            yield Finding("unused group", 0, f"nothing asks group {group.name}")
    listed = {
        predicate.listed.name
        for block in (*policy.blocks, *policy.fallback)
        for predicate in predicates(block.expression)
        if isinstance(predicate, DestinationsIn | DestinationsNotIn)
    }
    for each in policy.lists:
        if each.name not in listed:
            yield Finding("unused list", 0, f"no rule names list {each.name}")
    yield from _about_who(policy, quorums)
    for entry in policy.vault_entries:
        yield from _about_vault(entry)
    if policy.governance is not None:
        for text in slips_of_governance(policy.governance):
            yield Finding("short time", 0, text)


def _about_vault(entry: VaultEntry) -> Iterator[Finding]:
    vault, quorum = entry.vault, entry.vault.witnesses.quorum
    if entry.release_depth < SHALLOW:
        text = f"release_depth of vault {vault.vault_id} is below {SHALLOW} blocks"
        yield Finding("shallow release", 0, text)
    if entry.deposit_depth < SHALLOW:
        text = f"deposit_depth of vault {vault.vault_id} is below {SHALLOW} blocks"
        yield Finding("shallow deposit", 0, text)
    if entry.may_be_unattested:
        text = (
            f"coins of vault {vault.vault_id} can count without attestors: a proof shows that a coin was "
            "there, not that it is unspent; where it was spent on an equal withdrawal, only officers end the "
            "one that is pinned to it"
        )
        yield Finding("coins unattested", 0, text)
    if not quorum and vault.members > 1:
        text = (
            f"members of vault {vault.vault_id} that are restored can contradict what they signed"
        )
        yield Finding("no witnesses", 0, text)
    if 0 < quorum < vault.threshold:
        text = (
            f"{vault.threshold} members sign for vault {vault.vault_id} anyway: with as many witnesses as "
            f"that, not {quorum}, a start waits for fewer or f is higher"
        )
        yield Finding("low witness quorum", 0, text)
    if quorum == vault.members and vault.federation.may_be_silent:
        text = f"any one member that is silent stops vault {vault.vault_id}: all of them witness each entry"
        yield Finding("nobody may be silent", 0, text)


def _about_who(policy: LoadedPolicy, quorums: list[tuple[int, Group]]) -> Iterator[Finding]:
    for needed, group in quorums:
        if needed == 1 < len(group.keys):
            text = f"any one of the {len(group.keys)} keys in {group.name} is enough somewhere"
            yield Finding("quorum of one", 0, text)
    terms = policy.governance
    if terms is not None and terms.quorum == 1 < len(terms.officers):
        text = f"any one of the {len(terms.officers)} officers in {terms.group} changes the policy"
        yield Finding("quorum of one", 0, text)
    for entry in policy.vault_entries:
        if terms is not None and entry.release_quorum == 1 < len(terms.officers):
            vault_id = entry.vault.vault_id
            text = f"any one of {len(terms.officers)} officers consents to releases of vault {vault_id}"
            yield Finding("quorum of one", 0, text)
    for key in sorted(policy.attestors & policy.officer_keys):
        yield Finding("key in two roles", 0, f"{key.hex()} attests and is an officer's")


def _quorums(policy: LoadedPolicy) -> Iterator[tuple[int, Group]]:
    """(count, group) of every `attested` and `approved`."""
    for entry in policy.vault_entries:
        for each in predicates(entry.coins):
            if isinstance(each, Attested):
                yield each.needed, each.group
    for block in (*policy.blocks, *policy.fallback):
        for predicate in predicates(block.expression):
            if isinstance(predicate, Attested | Approved):
                yield predicate.needed, predicate.group


def _about_blocks(policy: LoadedPolicy) -> Iterator[Finding]:
    form = normal_form(policy.blocks)
    roofs = Roofs(way for block in policy.blocks for way in block.ways)
    for block in policy.blocks:
        least = set(form[block.route])
        for way in block.ways:
            yield from _about_way(block, way)
            if way not in least:
                text = f"another way of the {block.route} allows as much: {way_text(way)}"
                yield Finding("superfluous way", block.line, text)
            for text in _redundant(way, roofs):
                yield Finding("redundant predicate", block.line, text)


def _about_way(block: Block, way: Way) -> Iterator[Finding]:
    if is_dead(way, block.route.kind):
        yield Finding("dead way", block.line, f"no {block.route.kind} passes: {way_text(way)}")
    if not any(isinstance(predicate, OutflowAtMost) for predicate in way):
        text = f"nothing bounds in time what leaves by: {way_text(way)}"
        yield Finding("no window", block.line, text)
    for rule, text in slips_in(way):
        yield Finding(rule, block.line, text)


def _redundant(way: Way, roofs: Roofs) -> Iterator[str]:
    """The predicates that some other one of the way implies."""
    own, once, twice = roofs.numbers(way), set[int](), set[int]()
    for predicate in in_order(way):
        implied = own & roofs.implied(predicate)
        twice |= once & implied
        once |= implied
    for predicate in in_order(way):
        if roofs.numbers(frozenset((predicate,))) <= twice:
            yield f"{predicate.text} follows from the rest of: {way_text(way)}"
