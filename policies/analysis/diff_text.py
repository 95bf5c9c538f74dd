"""A difference as lines for people and as one JSON object."""

from collections.abc import Iterator

from policies.analysis.difference import PolicyDifference, RouteDifference
from policies.analysis.draft import A_MONDAY, Draft
from policies.analysis.sections import SectionDifference
from policies.analysis.witness import Witness
from policies.literals import MAX_DURATION, format_amount, format_duration, format_work
from policies.loaded import LoadedPolicy
from signer.bitcoin.address import address_of
from signer.bitcoin.network import Network
from signer.bitcoin.units import Sats
from signer.core.moments import DAY
from signer.core.spend import Kind

Json = dict[str, object]

_IN_WORDS = {
    "equal": "EQUAL: both allow the same",
    "tighter": "TIGHTER: nothing is allowed that was not",
    "looser": "LOOSER: more is allowed, or nothing proves that less is",
    "mixed": "MIXED: some is allowed that was not, some that was is refused",
    "unproven": "UNPROVEN: neither is proven to allow no more than the other",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def render(difference: PolicyDifference, old: LoadedPolicy, new: LoadedPolicy) -> list[str]:
    """The lines that `pegwarden policy diff` prints."""
    lines = [
        f"Policy {old.name}, version {old.version}, {old.policy_id.hex()}",
        f"    to {new.name}, version {new.version}, {new.policy_id.hex()}",
        _IN_WORDS[difference.verdict],
    ]
    if difference.touches_governance:
        lines.append("It touches who agrees: change control never takes it for tighter.")
    return [*lines, *difference.lines]


def lines_of(
    routes: tuple[RouteDifference, ...], sections: tuple[SectionDifference, ...], network: Network
) -> Iterator[str]:
    """What differs, in English."""
    for section in sections:
        why = f"lemma: {section.lemma}" if section.lemma else "no lemma proves it tighter"
        yield f"{section.section} {section.change}: {section.verdict}, {why}"
        yield from (f"  weaker: {weaker}" for weaker in section.weaker)
    for each in routes:
        yield f"{each.route}: {each.verdict}"
        yield from (f"  touches {touched}" for touched in each.touches)
        if each.allowed_now is not None:
            yield f"  now signed: {text_of(each.allowed_now.draft, network)}"
            yield f"    was refused: {', '.join(dict.fromkeys(each.allowed_now.codes))}"
        if each.refused_now is not None:
            yield f"  was signed: {text_of(each.refused_now.draft, network)}"
            yield f"    now refused: {', '.join(dict.fromkeys(each.refused_now.codes))}"


def text_of(draft: Draft, network: Network) -> str:
    """The described spend in English."""
    parts = [_subject(draft, network), f"fee {draft.fee} sat, {draft.vsize} vB"]
    if (draft.inputs, draft.outputs) != (1, 1):
        parts.append(f"{draft.inputs} inputs, {draft.outputs} outputs")
    if not draft.is_replaceable:
        parts.append("not replaceable")
    parts.append(f"attested by {len(draft.attestors)}, approved by {len(draft.officers)}")
    if draft.waited:
        parts.append(f"attested since {format_duration(draft.waited)}")
    parts += _chain_text(draft)
    ago, sats, begun = draft.charged
    if sats or begun:
        parts.append(f"{format_amount(Sats(sats))} and {begun} withdrawals {ago} s before")
    return ", ".join([*parts, f"asked by {draft.caller}", _moment_text(draft.now)])


def _chain_text(draft: Draft) -> Iterator[str]:
    """What is said of our own headers, where a rule asks it."""
    if draft.blocks:
        yield f"coins under {draft.blocks} blocks"
    if draft.work:
        yield f"coins under work of {format_work(draft.work)}"
    if draft.tip_age < MAX_DURATION:
        yield f"the tip {draft.tip_age} s old"


def _subject(draft: Draft, network: Network) -> str:
    kind = draft.route.kind
    if kind is Kind.WITHDRAWAL:
        head = "a fee bump of" if draft.is_bump else "a withdrawal of"
        return f"{head} {format_amount(Sats(draft.amount))} to {address_of(draft.script, network)}"
    if kind is Kind.ROTATION:
        return f"a rotation of {format_amount(Sats(draft.amount))} by the {draft.path} path"
    if kind is Kind.ANCHOR:
        return "an anchor" if draft.extends else "an anchor that follows a batch before the first"
    return f"a sweep by the {draft.path} path"


def _moment_text(moment: int) -> str:
    days, seconds = divmod(moment - A_MONDAY, DAY)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"on a {_DAYS[days % 7]} at {clock}Z"


def as_json(difference: PolicyDifference, old: LoadedPolicy, new: LoadedPolicy) -> Json:
    """The whole as one JSON object."""
    return {
        "old": {"name": old.name, "version": old.version, "policy_id": old.policy_id.hex()},
        "new": {"name": new.name, "version": new.version, "policy_id": new.policy_id.hex()},
        "verdict": difference.verdict.value,
        "touches_governance": difference.touches_governance,
        "sections": [
            {
                "section": each.section,
                "change": each.change,
                "verdict": each.verdict.value,
                "lemma": each.lemma,
                "touches_governance": each.touches_governance,
                "weaker": list(each.weaker),
            }
            for each in difference.sections
        ],
        "routes": [
            {
                "spend": each.route.kind.value,
                "from": each.route.vault_id,
                "to": each.route.to,
                "verdict": each.verdict.value,
                "touches": list(each.touches),
                "now_signed": _witness_json(each.allowed_now, old.network),
                "no_longer_signed": _witness_json(each.refused_now, old.network),
            }
            for each in difference.routes
        ],
    }


def _witness_json(witness: Witness | None, network: Network) -> Json | None:
    if witness is None:
        return None
    draft, pays = witness.draft, witness.draft.route.kind is Kind.WITHDRAWAL
    moves = pays or draft.route.kind is Kind.ROTATION
    return {
        "text": text_of(draft, network),
        "refused_by_the_other": list(dict.fromkeys(witness.codes)),
        "amount_sat": draft.amount if moves else 0,
        "address": address_of(draft.script, network) if pays else None,
        "fee_sat": draft.fee,
        "weight_wu": draft.weight,
        "path": draft.path,
        "attestors": sorted(key.hex() for key in draft.attestors),
        "officers": sorted(key.hex() for key in draft.officers),
        "caller": draft.caller,
        "confirmations": draft.blocks,
        "work_hashes": str(draft.work),
        "tip_age_seconds": draft.tip_age,
    }
