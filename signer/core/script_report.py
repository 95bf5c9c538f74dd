"""What scripts are and who can spend by them, whether or not they may be a vault's (VerifyScript).

1. Facts only: whether a vault may be so is for `signer.core.vault` to say.
2. Keys are told apart by their bytes, or by their names where only names are known; members by the key that
   their places derive from.
3. What is too complex to enumerate has no paths here, and says so; its other facts stand.
"""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from signer.bitcoin.codec import compact_size
from signer.bitcoin.descriptor.grammar import Form
from signer.bitcoin.descriptor.keys import DescriptorKey, read_key
from signer.bitcoin.descriptor.paths import SpendingPath, paths_of
from signer.bitcoin.descriptor.read import ReadDescriptor
from signer.bitcoin.descriptor.satisfy import SCHNORR_SIZE, SIGNATURE_SIZE, TXIN_WEIGHT
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160
from signer.bitcoin.miniscript.decode import decode_script
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.limits import script_size, stack_size
from signer.bitcoin.miniscript.model import Context, Miniscript
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.sane import Analysis, analyze, insanities
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.miniscript.ways import Group, Way, ways_of_all
from signer.bitcoin.miniscript.witness_size import Terms, witness_size
from signer.bitcoin.network import MAINNET
from signer.bitcoin.taproot import UNSPENDABLE_H
from signer.bitcoin.units import Weight
from signer.core.quorums import Federation, federation

NESTED_SIZE = 35
"""Of the scriptSig of sh(wsh()): a push of 34 bytes."""
KEY_PATH_WITNESS = 1 + 1 + SCHNORR_SIZE

_HEX_KEY = re.compile(r"(?:[0-9a-fA-F]{2}){32,}")


@dataclass(frozen=True, slots=True)
class Subject:
    """Scripts that stand beside each other, of one output."""

    form: Form
    leaves: tuple[tuple[int, Miniscript], ...]
    """(depth, script) in depth-first order."""
    key_texts: tuple[str, ...]
    """By place. In tr(KEY,...) a KEY that can sign alone comes last."""
    keys: tuple[Hashable, ...]
    """By place; equal ones are one key."""
    members: tuple[Hashable, ...]
    """As key_texts; equal ones are one member."""
    scripts: tuple[bytes, ...] = ()
    """The leaves' bytes at receive index 0; empty where keys are names only."""

    @property
    def internal_key_signs(self) -> bool:
        """Whether the internal key is one that somebody can sign for."""
        return len(self.members) > len(self.keys)


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """One of the scripts."""

    depth: int
    miniscript: str
    """Its canonical text."""
    script: bytes
    """At receive index 0; empty where keys are names only."""
    analysis: Analysis
    insanities: tuple[str, ...]
    """Codes of the rules of BIP-379's sanity that it breaks."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of a subject."""

    subject: Subject
    scripts: tuple[ScriptFacts, ...]
    paths: tuple[SpendingPath, ...]
    weights: tuple[Weight, ...]
    """Of each path: the most that an input weighs, non-witness part included."""
    federation: Federation | None
    """None without a primary path."""
    too_complex: Malformed | None
    """Why there are no paths (rule 3)."""

    def leaves_of(self, path: SpendingPath) -> list[int]:
        """Which scripts of a tree the path stands in."""
        if self.subject.form is not Form.TR:
            return []
        return [at for at in path.leaves if at < len(self.scripts)]

    @property
    def insanities(self) -> tuple[str, ...]:
        """Of all scripts, each code once."""
        return tuple(dict.fromkeys(code for each in self.scripts for code in each.insanities))


def report_of(subject: Subject) -> Report:
    """What there is to say. Raises Malformed `miniscript-type`."""
    scripts = tuple(_facts(subject, at) for at in range(len(subject.leaves)))
    try:
        paths = paths_of(_ways(subject), subject.members)
        has_primary = bool(paths) and paths[0].name == "primary"
        facts = federation(paths, subject.members) if has_primary else None
    except Malformed as error:
        return Report(subject, scripts, (), (), None, error)
    weights = tuple(_weight(subject, path) for path in paths)
    return Report(subject, scripts, paths, weights, facts, None)


def _weight(subject: Subject, path: SpendingPath) -> Weight:
    nested = 4 * NESTED_SIZE if subject.form is Form.SH_WSH else 0
    return Weight(TXIN_WEIGHT + nested + max(_witnesses(subject, path)))


def _witnesses(subject: Subject, path: SpendingPath) -> Iterator[int]:
    """Of each leaf of the path: item count, items, script, control block."""
    for at in path.leaves:
        if at == len(subject.leaves):
            yield KEY_PATH_WITNESS
            continue
        depth, script = subject.leaves[at]
        size = SCHNORR_SIZE if subject.form is Form.TR else SIGNATURE_SIZE
        items = witness_size(script, Terms(path.older or 0, path.after or 0), size)
        count = len(compact_size(stack_size(script) + 2))
        its_script = _with_length(script_size(script))
        control_block = _with_length(33 + 32 * depth) if subject.form is Form.TR else 0
        yield count + (items or 0) + its_script + control_block


def _with_length(size: int) -> int:
    return len(compact_size(size)) + size


def _facts(subject: Subject, at: int) -> ScriptFacts:
    depth, script = subject.leaves[at]
    return ScriptFacts(
        depth=depth,
        miniscript=format_miniscript(script, subject.key_texts),
        script=subject.scripts[at] if subject.scripts else b"",
        analysis=analyze(script),
        insanities=insanities(script, subject.keys),
    )


def _ways(subject: Subject) -> tuple[tuple[Way, ...], ...]:
    """Of each script; the key that can sign alone is one more."""
    found = ways_of_all([script for _, script in subject.leaves])
    if not subject.internal_key_signs:
        return found
    return (*found, (Way((Group(1, (len(subject.keys),)),), ()),))


def subject_of_descriptor(descriptor: ReadDescriptor) -> Subject:
    """Its scripts at receive index 0. Raises Malformed `derivation-impossible`."""
    holders, internal = descriptor.keys, descriptor.internal
    if internal is not None and _member(internal)[1:] != UNSPENDABLE_H:
        holders = (*holders, internal)
    return Subject(
        form=descriptor.form,
        leaves=descriptor.leaves,
        key_texts=tuple(key.text for key in holders),
        keys=descriptor.pubkeys_at(0, 0),
        members=tuple(map(_member, holders)),
        scripts=descriptor.scripts_at(0)[0].scripts,
    )


def _member(key: DescriptorKey) -> bytes:
    """A child of H is as unspendable as H, and the children of an xpub are its holder's."""
    return key.key if isinstance(key.key, bytes) else key.key.pubkey


def subject_of_miniscript(text: str, context: Context) -> Subject:
    """A Miniscript whose keys are hex (in tr x-only or not), or names.

    Raises Malformed as `parse_miniscript` and `read_key` do.
    """
    parsed = parse_miniscript(text, context)
    form, leaves = _form(context), ((0, parsed.script),)
    if not all(map(_HEX_KEY.fullmatch, parsed.keys)):
        return Subject(form, leaves, parsed.keys, parsed.keys, parsed.keys)
    cut = 1 if context is Context.TAPSCRIPT else 0
    keys = tuple(read_key(key, MAINNET, context).pubkey(0, 0)[cut:] for key in parsed.keys)
    return Subject(form, leaves, parsed.keys, keys, keys, (script_bytes(parsed.script, keys),))


def subject_of_script(script: bytes, context: Context) -> Subject:
    """A script's bytes, read as a Miniscript. Raises Malformed `script-not-miniscript`."""
    decoded = decode_script(script, context)
    texts = tuple(key.hex() for key in decoded.keys)
    known = {hash160(key): key for key in decoded.keys}  # so that a key equals its hash
    keys = tuple(known.get(key, key) for key in decoded.keys)
    return Subject(_form(context), ((0, decoded.script),), texts, keys, keys, (script,))


def _form(context: Context) -> Form:
    return Form.WSH if context is Context.P2WSH else Form.TR
