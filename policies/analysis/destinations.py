"""Scripts that policies may tell apart: some addresses of each list, and one of each type."""

from collections.abc import Iterable

from policies.analysis.normal import Way
from policies.predicates import Predicate
from policies.predicates.destination_types import DestinationTypes
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
from signer.bitcoin.script import ScriptType, script_type

_LISTED = 64
"""Addresses of each list that are tried."""
_OF_TYPE = {
    ScriptType.P2WPKH: b"\x00\x14" + b"\x22" * 20,
    ScriptType.P2WSH: b"\x00\x20" + b"\x22" * 32,
    ScriptType.P2TR: b"\x51\x20" + b"\x22" * 32,
    ScriptType.P2PKH: b"\x76\xa9\x14" + b"\x22" * 20 + b"\x88\xac",
    ScriptType.P2SH: b"\xa9\x14" + b"\x22" * 20 + b"\x87",
}
"""Every type that a payment may have."""


def destinations(predicate: Predicate) -> tuple[bytes, ...]:
    """Scripts about which the predicate has something to say."""
    if isinstance(predicate, DestinationsIn | DestinationsNotIn):
        return (*sorted(predicate.listed.scripts)[:_LISTED], *_OF_TYPE.values())
    return tuple(_OF_TYPE.values()) if isinstance(predicate, DestinationTypes) else ()


def destination_for(way: Way, predicates: Iterable[Predicate]) -> bytes:
    """One to which the way lets payments go, if it is among those tried."""
    tried = dict.fromkeys(_OF_TYPE.values())
    for predicate in (*way, *predicates):
        tried.update(dict.fromkeys(destinations(predicate)))
    fitting = (script for script in tried if all(_lets(each, script) for each in way))
    return next(fitting, _OF_TYPE[ScriptType.P2WPKH])


def _lets(predicate: Predicate, script: bytes) -> bool:
    if isinstance(predicate, DestinationsIn):
        return script in predicate.listed.scripts
    if isinstance(predicate, DestinationsNotIn):
        return script not in predicate.listed.scripts
    return not isinstance(predicate, DestinationTypes) or script_type(script) in predicate.types
