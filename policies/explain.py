"""A policy in English and as JSON, for whoever reviews it before it runs.

1. Everything is said per vault, kind and destination vault, in the order of the file; what is not said is
   refused.
2. Blocks of one route are alternatives. Predicates render themselves.
3. Who must agree is read from the ways, so no nesting can hide a way with a smaller quorum.
"""

from collections.abc import Callable, Iterator

from policies.arguments import AddressList
from policies.expression import Expression, Leaf, P
from policies.loaded import Block, LoadedPolicy, Route, VaultEntry
from policies.predicates import Predicate
from policies.predicates.attested import Attested
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import SpendingPath, parse_key_information, with_checksum
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
            lines += _kind_lines(policy, kind, entry.vault.vault_id)
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
    vault, its = entry.vault, entry.vault.federation
    yield f"Vault {vault.vault_id}: {entry.definition.template}"
    yield f"  fingerprint {vault.fingerprint.hex()}"
    yield (
        f"  {its.threshold} of {its.members} members sign withdrawals and anchors; "
        f"any {its.may_be_silent} may be silent."
    )
    yield f"  f = {vault.tolerated}: no withdrawal is paid twice while at most that many are dishonest."
    yield from (f"    @{place} {key}" for place, key in enumerate(entry.definition.keys))
    yield from _path_lines(entry)
    yield f"  Addresses and change reach {vault.lookahead} above the highest index seen."
    yield f"  release_depth is {entry.release_depth} blocks (kept; this version releases no pins)."
    yield "  A coin counts as existing and unspent when:"
    yield from _tree(entry.coins, "", lambda predicate: predicate.english)


def _path_lines(entry: VaultEntry) -> Iterator[str]:
    if entry.vault.is_taproot:
        yield "  Nobody can spend by the key path: the internal key is unspendable."
    for path in entry.vault.paths:
        keys = ", ".join(f"@{place}" for place in _signers(entry, path))
        lock = f", {path.locks_text}, to sweep or rotate" if path.is_locked else ""
        yield f"  Path {path.name}: {_needed(path)} of {keys} sign{lock}."
    since = []
    if entry.weaker_after is not None:
        since.append(f"it is {entry.weaker_after} blocks old")
    if entry.weaker_from is not None:
        since.append(f"the height is {entry.weaker_from}")
    if since:
        yield f"  No fewer members, and nobody else, can move a coin before {' or '.join(since)}."


def _needed(path: SpendingPath) -> str:
    """How many sign: any so many, or a choice that VerifyScript lists way by way."""
    (first, *others) = path.ways
    plain = not others and len(first.groups) == 1
    return f"any {path.threshold}" if plain else f"at least {path.threshold}, as its script says,"


def _signers(entry: VaultEntry, path: SpendingPath) -> list[int]:
    """Which of the vault's keys, as the template numbers them."""
    vault = entry.vault
    known = [parse_key_information(key, vault.network)[1] for key in entry.definition.keys]
    signers = [known.index(vault.places[position].xpub) for position in path.positions]
    return list(dict.fromkeys(signers))


def _kind_lines(policy: LoadedPolicy, kind: Kind, vault_id: str) -> Iterator[str]:
    spoken = (kind, vault_id)
    routes = [b.route for b in policy.blocks if (b.route.kind, b.route.vault_id) == spoken]
    if not routes:
        yield ""
        yield f"{kind.capitalize()} from {vault_id}: never."
    for route in dict.fromkeys(routes):
        yield ""
        yield from _route_lines(policy, route)


def _route_lines(policy: LoadedPolicy, route: Route) -> Iterator[str]:
    blocks, heading = policy.blocks_of(route), str(route)
    yield f"{heading[0].upper()}{heading[1:]}: allowed by any one of these rules."
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
        "weaker_after": entry.weaker_after,
        "weaker_from": entry.weaker_from,
        "paths": [
            {
                "name": path.name,
                "threshold": path.threshold,
                "keys": _signers(entry, path),
                "older": path.older,
                "after": path.after,
            }
            for path in vault.paths
        ],
        "coins": _expression_json(entry.coins, _predicate_json),
    }


def _block_json(block: Block) -> Json:
    return {
        "rule": block.number,
        "line": block.line,
        "spend": block.route.kind.value,
        "from": block.route.vault_id,
        "to": block.route.to,
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
