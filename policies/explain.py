"""A policy in English and as JSON, for whoever reviews it before it runs.

1. Everything is said per vault and kind, in the order of the file; what is not said is refused.
2. Blocks of one kind and vault are alternatives. Predicates render themselves.
3. Who must agree is read from the ways, so no nesting can hide a way with a smaller quorum.
"""

from collections.abc import Callable, Iterator

from policies.arguments import AddressList
from policies.expression import Expression, Leaf, P
from policies.loaded import Block, LoadedPolicy, VaultEntry
from policies.predicates import Predicate
from policies.predicates.attested import Attested
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import with_checksum
from signer.core.spend import Kind

Json = dict[str, object]


def render(policy: LoadedPolicy) -> list[str]:
    """The lines that `pegwarden policy explain` prints."""
    lines = [
        f"Policy {policy.name}, version {policy.version}, for {policy.network}",
        f"Policy id {policy.policy_id.hex()}",
        "Default: no. Nothing is signed that no rule below allows.",
    ]
    for entry in policy.vault_entries:
        lines += ["", *_vault_lines(entry)]
        for kind in Kind:
            lines += ["", *_kind_lines(policy, kind, entry.vault.vault_id)]
    lines += ["", *_name_lines(policy)]
    return lines


def as_json(policy: LoadedPolicy) -> Json:
    """The same as one JSON object."""
    return {
        "name": policy.name,
        "version": policy.version,
        "network": policy.network.name,
        "policy_id": policy.policy_id.hex(),
        "default": "refuse",
        "vaults": [_vault_json(entry) for entry in policy.vault_entries],
        "rollups": [
            {
                "name": rollup.name,
                "magic": rollup.magic.hex(),
                "first_batch": rollup.first_batch,
                "sequence": rollup.sequence,
            }
            for rollup in policy.rollups
        ],
        "groups": {group.name: _hex(group.keys) for group in policy.groups},
        "lists": {listed.name: _addresses(policy, listed) for listed in policy.lists},
        "rules": [_block_json(block) for block in policy.blocks],
    }


def _vault_lines(entry: VaultEntry) -> Iterator[str]:
    vault, k, n = entry.vault, entry.vault.threshold, entry.vault.members
    yield f"Vault {vault.vault_id}: {entry.definition.template}"
    yield f"  fingerprint {vault.fingerprint.hex()}"
    yield f"  {k} of {n} members sign each spend; any {n - k} may be silent."
    yield f"  f = {vault.tolerated}: no withdrawal is paid twice while at most that many are dishonest."
    yield from (f"    @{place} {key}" for place, key in enumerate(entry.definition.keys))
    yield f"  Addresses and change reach {vault.lookahead} above the highest index seen."
    yield f"  release_depth is {entry.release_depth} blocks (kept; this version releases no pins)."
    yield "  A coin counts as existing and unspent when:"
    yield from _tree(entry.coins, "", lambda predicate: predicate.coin_english)


def _kind_lines(policy: LoadedPolicy, kind: Kind, vault_id: str) -> Iterator[str]:
    blocks = policy.blocks_of(kind, vault_id)
    if not blocks:
        yield f"{kind.capitalize()} from {vault_id}: never."
        return
    yield f"{kind.capitalize()} from {vault_id}: allowed by any one of these rules."
    for block in blocks:
        yield f"  Rule {block.number} (line {block.line}), when:"
        yield from _tree(block.expression, "", lambda predicate: predicate.english)
    yield "  Who must agree, in every case one of:"
    yield from sorted({f"    - {each}" for block in blocks for each in _quorums(block)})


def _quorums(block: Block) -> list[str]:
    """Of each way the words that it asks for."""
    return [
        " and ".join(sorted(each.who for each in way if isinstance(each, Attested)))
        for way in block.ways
    ]


def _tree(expression: Expression[P], number: str, english: Callable[[P], str]) -> Iterator[str]:
    indent = "    " + "  " * number.count(".")
    head = f"{indent}{number} " if number else indent
    if isinstance(expression, Leaf):
        yield head + english(expression.predicate)
        return
    yield f"{head}{expression.words}:"
    for place, part in enumerate(expression.parts, 1):
        yield from _tree(part, f"{number}{place}.", english)


def _name_lines(policy: LoadedPolicy) -> Iterator[str]:
    for group in policy.groups:
        yield f"Group {group.name}, {len(group.keys)} keys (x-only):"
        yield from (f"  {key}" for key in _hex(group.keys))
    for listed in policy.lists:
        yield f"List {listed.name}, {len(listed.scripts)} addresses:"
        yield from (f"  {address}" for address in _addresses(policy, listed))
    for rollup in policy.rollups:
        yield (
            f"Rollup {rollup.name}: magic {rollup.magic.hex()}, batches from {rollup.first_batch}, "
            f"{rollup.sequence}"
        )


def _addresses(policy: LoadedPolicy, listed: AddressList) -> list[str]:
    return sorted(address_of(script, policy.network) for script in listed.scripts)


def _hex(members: frozenset[bytes]) -> list[str]:
    return sorted(member.hex() for member in members)


def _vault_json(entry: VaultEntry) -> Json:
    vault = entry.vault
    return {
        "name": vault.vault_id,
        "template": entry.definition.template,
        "descriptor": with_checksum(vault.text),
        "fingerprint": vault.fingerprint.hex(),
        "threshold": vault.threshold,
        "members": vault.members,
        "tolerated": vault.tolerated,
        "lookahead": vault.lookahead,
        "release_depth": entry.release_depth,
        "coins": _expression_json(entry.coins, _attested_json),
    }


def _block_json(block: Block) -> Json:
    return {
        "rule": block.number,
        "line": block.line,
        "spend": block.kind.value,
        "from": block.vault_id,
        "when": _expression_json(block.expression, _predicate_json),
        "ways": [sorted(predicate.text for predicate in way) for way in block.ways],
        "who": sorted(set(_quorums(block))),
    }


def _expression_json(expression: Expression[P], leaf: Callable[[P], Json]) -> Json:
    if isinstance(expression, Leaf):
        return leaf(expression.predicate)
    parts = [_expression_json(part, leaf) for part in expression.parts]
    return {"at_least": expression.needed, "of": parts}


def _predicate_json(predicate: Predicate) -> Json:
    codes = list(predicate.CODES)
    return {"predicate": predicate.text, "english": predicate.english, "codes": codes}


def _attested_json(predicate: Attested) -> Json:
    return {"predicate": predicate.text, "english": predicate.coin_english}
