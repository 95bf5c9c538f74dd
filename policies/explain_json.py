"""A policy as one JSON object: what `policies.explain` says in English, for machines and for the report."""

from collections.abc import Callable

from policies.explain_names import addresses, group_keys
from policies.explain_vault import signers
from policies.explain_ways import ToldRoute, told_routes
from policies.expression import Expression, Leaf, P
from policies.literals import format_work
from policies.loaded import Block, LoadedPolicy
from policies.predicates import Predicate
from policies.proquint import words_of
from policies.universal import UNIVERSAL_RULES
from policies.vault_entry import VaultEntry
from signer.bitcoin.descriptor import with_checksum
from signer.core.governance import GovernanceTerms

Json = dict[str, object]


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
        "groups": {group.name: group_keys(group) for group in policy.groups},
        "lists": {listed.name: addresses(policy, listed) for listed in policy.lists},
        "definitions": dict(policy.definitions),
        "rules": [_block_json(block) for block in policy.blocks],
        "routes": [_route_json(told) for told in told_routes(policy)],
        "governance": _governance_json(policy.governance),
        "expires_unix": policy.expires,
        "fallback": (
            _expression_json(policy.fallback[0].expression, _predicate_json)
            if policy.fallback
            else None
        ),
        "universal": [
            {
                "name": rule.name,
                "promise": rule.promise,
                "english": rule.english,
                "codes": list(rule.codes),
                "kept_in": list(rule.kept_in),
            }
            for rule in UNIVERSAL_RULES
        ],
    }


def _vault_json(entry: VaultEntry) -> Json:
    vault = entry.vault
    return {
        "name": vault.vault_id,
        "template": entry.definition.template,
        "descriptor": with_checksum(vault.text),
        "fingerprint": vault.fingerprint.hex(),
        "fingerprint_words": words_of(vault.fingerprint),
        "threshold": vault.threshold,
        "members": vault.members,
        "tolerated": vault.tolerated,
        "may_be_silent": vault.may_be_silent,
        "witnesses": [key.hex() for key in vault.witnesses.log_keys],
        "witness_quorum": vault.witnesses.quorum,
        "start_needs": vault.importers,
        "lookahead": vault.lookahead,
        "release_depth": entry.release_depth,
        "release_quorum": entry.release_quorum,
        "release_work": None if entry.release_work is None else format_work(entry.release_work),
        "weaker_after": entry.weaker_after,
        "weaker_from": entry.weaker_from,
        "deposit_cap_sat": entry.deposit_cap,
        "deposit_least_sat": entry.deposit_least,
        "deposit_depth": entry.deposit_depth,
        "deposits_until": entry.deposits_until,
        "paths": [
            {
                "name": path.name,
                "threshold": path.threshold,
                "keys": signers(entry, path),
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
    }


def _route_json(told: ToldRoute) -> Json:
    return {
        "spend": told.route.kind.value,
        "from": told.route.vault_id,
        "to": told.route.to,
        "ways": [
            {
                "way": way.number,
                "rules": list(way.rules),
                "when": [predicate.text for predicate in way.predicates],
                "who": list(way.who),
                "time": list(way.waits),
                "dead": way.is_dead,
            }
            for way in told.ways
        ],
    }


def _governance_json(terms: GovernanceTerms | None) -> Json | None:
    if terms is None:
        return None
    return {
        "group": terms.group,
        "officers": len(terms.officers),
        "quorum": terms.quorum,
        "delay_seconds": terms.delay,
        "confirm_within_seconds": terms.confirm_within,
        "hold_at_most_seconds": terms.hold_at_most,
    }


def _expression_json(expression: Expression[P], leaf: Callable[[P], Json]) -> Json:
    if isinstance(expression, Leaf):
        return leaf(expression.predicate)
    parts = [_expression_json(part, leaf) for part in expression.parts]
    return {"at_least": expression.needed, "of": parts}


def _predicate_json(predicate: Predicate) -> Json:
    codes = list(predicate.CODES)
    return {"predicate": predicate.text, "english": predicate.english, "codes": codes}
