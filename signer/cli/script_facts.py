"""What `script analyze` says of one expression, as JSON members and as lines for people.

Rule 1: every verdict has the same members; what is not known is null.
Rule 2: `ok` means a script that can exist: well-typed, and within the limits of its context. `sane` means
        that it can be relied on. `code` is the first rule that is broken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from signer.bitcoin.descriptor.read import read_descriptor
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.ways import Way
from signer.bitcoin.network import MAINNET, REGTEST
from signer.core.candidate import judged
from signer.core.errors import Objection
from signer.core.quorums import Federation
from signer.core.script_report import (
    Report,
    ScriptFacts,
    report_of,
    subject_of_descriptor,
    subject_of_miniscript,
)

Facts = Mapping[str, object]

UNKNOWN: Facts = {
    "ok": False,
    "code": None,
    "detail": None,
    "sane": False,
    "types": None,
    "script_hex": None,
    "nonmalleable": None,
    "needs_signature": None,
    "timelock_mix": None,
    "ops": None,
    "stack": None,
    "max_witness_weight": None,
    "paths": None,
    "scripts": None,
    "federation": None,
    "vault_allowed": None,
    "vault_objections": [],
}

_SHOWN = (
    "ok",
    "code",
    "sane",
    "types",
    "script_hex",
    "nonmalleable",
    "needs_signature",
    "timelock_mix",
    "ops",
    "stack",
    "max_witness_weight",
    "vault_allowed",
)


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What was asked about, understood."""

    report: Report
    vault_objections: tuple[Objection, ...] | None = None
    """What speaks against a vault; None of a bare Miniscript, which is none."""

    @property
    def ok(self) -> bool:
        """Rule 2."""
        return all(each.analysis.valid for each in self.report.scripts)


def analyzed_miniscript(text: str, context: Context) -> Analyzed:
    """One Miniscript. Raises Malformed."""
    return Analyzed(report_of(subject_of_miniscript(text, context)))


def analyzed_descriptor(text: str) -> Analyzed:
    """One descriptor with checksum, of any network. Raises Malformed."""
    network = MAINNET
    try:
        descriptor = read_descriptor(text, network)
    except Malformed as error:
        if error.code != "xpub-wrong-network":
            raise
        network = REGTEST  # stands for all test networks: their keys look alike
        descriptor = read_descriptor(text, network)
    _, objections = judged(text, network)
    return Analyzed(report_of(subject_of_descriptor(descriptor)), objections)


def facts_of(analyzed: Analyzed) -> dict[str, object]:
    """The members of a verdict (rule 1)."""
    report, against = analyzed.report, analyzed.vault_objections
    scripts = [_script(each) for each in report.scripts]
    alone: Facts = scripts[0] if len(scripts) == 1 else UNKNOWN
    analyses = [each.analysis for each in report.scripts]
    code, detail = _objection(report)
    return {
        "ok": analyzed.ok,
        "code": code,
        "detail": detail,
        "sane": not report.insanities,
        "types": alone["types"],
        "script_hex": alone["script_hex"],
        "nonmalleable": all(analysis.nonmalleable for analysis in analyses),
        "needs_signature": all(analysis.needs_signature for analysis in analyses),
        "timelock_mix": any(analysis.timelock_mix for analysis in analyses),
        "ops": max((analysis.ops for analysis in analyses), default=0),
        "stack": max((analysis.stack for analysis in analyses), default=0),
        "max_witness_weight": max((each.max_witness_size for each in analyses), default=0),
        "paths": None
        if report.too_complex
        else [_path(report, at) for at in range(len(report.paths))],
        "scripts": scripts,
        "federation": _federation(report.federation),
        "vault_allowed": None if against is None else not against,
        "vault_objections": [{"code": each.code, "detail": each.detail} for each in against or ()],
    }


def _objection(report: Report) -> tuple[str | None, str | None]:
    """(code, detail) of the first rule that is broken."""
    if report.insanities:
        return report.insanities[0], None
    if report.too_complex is not None:
        return report.too_complex.code, report.too_complex.detail
    return None, None


def _script(facts: ScriptFacts) -> dict[str, object]:
    analysis = facts.analysis
    return {
        "miniscript": facts.miniscript,
        "depth": facts.depth,
        "ok": analysis.valid,
        "sane": not facts.insanities,
        "insanities": list(facts.insanities),
        "types": str(analysis.type),
        "script_hex": facts.script.hex() or None,
        "nonmalleable": analysis.nonmalleable,
        "needs_signature": analysis.needs_signature,
        "timelock_mix": analysis.timelock_mix,
        "ops": analysis.ops,
        "stack": analysis.stack,
        "max_witness_weight": analysis.max_witness_size,
    }


def _path(report: Report, at: int) -> dict[str, object]:
    path = report.paths[at]
    return {
        "name": path.name,
        "threshold": path.threshold,
        "keys": _texts(report, path.positions),
        "opens": path.locks_text,
        "older": path.older,
        "after": path.after,
        "leaves": report.leaves_of(path),
        "input_weight": report.weights[at],
        "ways": [_way(report, way) for way in path.ways],
    }


def _way(report: Report, way: Way) -> dict[str, object]:
    groups = [
        {"threshold": group.threshold, "keys": _texts(report, group.places)} for group in way.groups
    ]
    hashes = [digest.hex() for digest in way.hashes]
    return {
        "groups": groups,
        "hashes": hashes,
        "older": way.older or None,
        "after": way.after or None,
    }


def _texts(report: Report, places: Iterable[int]) -> list[str]:
    return [report.subject.key_texts[place] for place in places]


def _federation(its: Federation | None) -> Facts | None:
    if its is None:
        return None
    return {
        "threshold": its.threshold,
        "members": its.members,
        "tolerated": its.tolerated,
        "may_be_silent": its.may_be_silent,
        "quorums": its.quorums,
    }


def lines_of(analyzed: Analyzed) -> Iterator[str]:
    """For people: the verdict, then every path with its ways."""
    facts, report, its = facts_of(analyzed), analyzed.report, analyzed.report.federation
    rows = {name: _shown(facts[name]) for name in _SHOWN if facts[name] is not None}
    if its is not None:
        rows["federation"] = f"{its.threshold} of {its.members}, f = {its.tolerated}"
        rows["may_be_silent"] = str(its.may_be_silent)
    if analyzed.vault_objections:
        first = analyzed.vault_objections[0]
        rows["no_vault_because"] = f"{first.code}: {first.detail}"
    yield from (f"{name.replace('_', ' '):<18}  {value}" for name, value in rows.items())
    for at, path in enumerate(report.paths):
        yield ""
        yield (
            f"{path.name}, {path.locks_text}: members needed {path.threshold}, "
            f"input weight at most {report.weights[at]}"
        )
        yield from (f"  {_way_text(report, way)}" for way in path.ways)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _way_text(report: Report, way: Way) -> str:
    """`2 of alice, bob, carol; preimage of ab...; older(144)`."""
    parts = [
        f"{group.threshold} of {', '.join(_texts(report, group.places))}" for group in way.groups
    ]
    parts += [f"preimage of {digest.hex()}" for digest in way.hashes]
    parts += [f"older({way.older})"] * bool(way.older) + [f"after({way.after})"] * bool(way.after)
    return "; ".join(parts) or "anyone"
