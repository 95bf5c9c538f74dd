"""What a script report says, as VerifyScript's messages."""

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.descriptor.openings import Members
from signer.bitcoin.miniscript.locks import (
    SEQUENCE_VALUE,
    after_in_time,
    older_in_time,
)
from signer.bitcoin.miniscript.ways import Way
from signer.core.errors import Objection
from signer.core.quorums import Federation, earliest_spends
from signer.core.script_report import Report, ScriptFacts
from signer.wire_answers import objection_message


def describe(response: pb.VerifyScriptResponse, report: Report, coin_height: int | None) -> None:
    """Adds scripts, paths and what is proven of the federation."""
    response.scripts.extend(_script(each) for each in report.scripts)
    response.paths.extend(_path(report, index) for index in range(len(report.paths)))
    trouble = report.too_complex
    if trouble is not None and trouble.code not in {each.code for each in response.objections}:
        response.objections.append(objection_message(Objection(trouble.code, trouble.detail)))
    its = report.federation
    if its is None:
        return
    response.threshold = its.threshold
    response.members = its.members
    response.tolerated = its.tolerated
    response.may_be_silent = its.may_be_silent
    response.intersection = its.intersection
    response.quorums.extend(_members(quorum) for quorum in its.quorums)
    if coin_height is not None:
        response.earliest.extend(_earliest(its, coin_height))


def _script(facts: ScriptFacts) -> pb.ScriptAnalysis:
    analysis = facts.analysis
    return pb.ScriptAnalysis(
        miniscript=facts.miniscript,
        script=facts.script,
        depth=facts.depth,
        types=str(analysis.type),
        sane=not facts.insanities,
        insanities=facts.insanities,
        nonmalleable=analysis.nonmalleable,
        needs_signature=analysis.needs_signature,
        timelock_mix=analysis.timelock_mix,
        ops=analysis.ops,
        stack=analysis.stack,
        max_witness_weight=analysis.max_witness_size,
    )


def _path(report: Report, index: int) -> pb.ScriptPath:
    path = report.paths[index]
    fewest = None if report.federation is None else report.federation.openings[index].members
    return pb.ScriptPath(
        index=index,
        name=path.name,
        threshold=path.threshold,
        keys=[
            pb.ScriptKey(position=place, key=report.subject.key_texts[place])
            for place in path.positions
        ],
        input_weight=report.weights[index],
        ways=[_way(way) for way in path.ways],
        leaves=report.leaves_of(path),
        fewest=None if fewest is None else _members(fewest),
        **_locks(path.older or 0, path.after or 0),
    )


def _way(way: Way) -> pb.ScriptWay:
    return pb.ScriptWay(
        groups=[
            pb.ScriptGroup(threshold=group.threshold, positions=group.places)
            for group in way.groups
        ],
        hashes=way.hashes,
        **_locks(way.older, way.after),
    )


def _locks(older: int, after: int) -> dict[str, int]:
    """The fields of the locks that there are."""
    fields = {}
    if older:
        number = older & SEQUENCE_VALUE
        if older_in_time(older):
            fields["older_seconds"] = 512 * number
        else:
            fields["older_blocks"] = number
    if after:
        fields["after_unix" if after_in_time(after) else "after_height"] = after
    return fields


def _members(members: Members) -> pb.MemberSet:
    return pb.MemberSet(members=members)


def _earliest(its: Federation, coin_height: int) -> list[pb.MinoritySpend]:
    return [
        pb.MinoritySpend(
            size=minority.size,
            members=_members(opening.members),
            path_index=opening.path_index,
            height=moment.height,
            age_seconds=moment.age_seconds,
            unix_time=moment.unix_time,
        )
        for minority in earliest_spends(its, coin_height)
        for moment, opening in minority.openings
    ]
