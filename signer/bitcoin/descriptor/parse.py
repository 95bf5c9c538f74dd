"""Text to a vault's descriptor (BIP-379 to 383, 386 to 389). `grammar` reads the functions; KEY is

1. in a template `@i/**` or `@i/<a;b>/*`: placeholders in order of first appearance, none skipped,
   none repeated unless its branches are disjoint, one for each key, all keys distinct (BIP-388);
   or `@i` alone, in wsh and once: a fixed key, which BIP-388 does not know (docs/adr/0011);
2. in a descriptor `[fingerprint/path]xpub/<a;b>/*` or `[fingerprint/path]pubkey`, with the same rules.
A vault is wsh(MINISCRIPT) or tr(UNSPENDABLE,TREE), and
3. the internal key is an xpub on BIP-341's H without origin, in a descriptor also H itself, and
   neither of them stands in a script: the key path is proven to be closed, and no dead key is counted;
4. every script is sane (BIP-379), and every `older` has a value that consensus looks at (BIP-68);
5. no key is derived from another one, as far as keys and origins show, nor is a fixed one among an xpub's
   first: one secret would sign for both.
No refusal repeats key text: it could be private.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from signer.bitcoin.descriptor.checksum import strip_checksum
from signer.bitcoin.descriptor.grammar import Form, ScriptText, read_script
from signer.bitcoin.descriptor.keys import DescriptorKey, parse_key_information, read_key
from signer.bitcoin.descriptor.model import MAX_PLACES, Descriptor, KeyExpression, Tr, Wsh
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import (
    HARDENED,
    ExtendedPublicKey,
    FixedKey,
    KeyOrigin,
    MemberKey,
    branch_key,
)
from signer.bitcoin.miniscript.locks import SEQUENCE_MASK, SEQUENCE_VALUE
from signer.bitcoin.miniscript.model import Fragment, Miniscript
from signer.bitcoin.miniscript.sane import verify_sane
from signer.bitcoin.network import Network
from signer.bitcoin.taproot import UNSPENDABLE_H, is_unspendable

_NUMBER = r"(0|[1-9][0-9]{0,9})"
_PLACEHOLDER = re.compile(rf"@{_NUMBER}(?:/(\*\*)|/<{_NUMBER};{_NUMBER}>/\*)?")
_RAW_H = UNSPENDABLE_H.hex()
FIRST_CHILDREN = 100
"""Of each branch: which a fixed key is compared with (rule 5)."""

_Branches = tuple[int, int] | tuple[()]


def parse_template(template: str, keys: tuple[str, ...], network: Network) -> Descriptor:
    """The descriptor of a BIP-388 wallet policy.

    Raises Malformed with the codes of `read_script`, `parse_key_information` and `verify_sane`,
    `descriptor-placeholder`, `descriptor-key-repeated`, `descriptor-fixed-repeated`,
    `descriptor-fixed-in-taproot`, `descriptor-internal-key`, `descriptor-key-related`,
    `descriptor-timelock`, `descriptor-too-many-keys`.
    """
    script = _vault_script(template)
    internal = () if script.internal is None else (script.internal,)
    places = [_parse_placeholder(text) for text in (*internal, *script.keys)]
    _refuse_disorder([number for number, _ in places], len(keys))
    known = [parse_key_information(key, network) for key in keys]
    if len({xpub.pubkey for _, xpub in known}) != len(known):
        raise Malformed("descriptor-key-repeated", "one key is listed twice (BIP-388)")
    expressions = tuple(_expression(*known[number], branches) for number, branches in places)
    if not internal:
        return _wsh(script, expressions)
    return _tr(script, expressions[0], expressions[1:])


def parse_descriptor(text: str, network: Network) -> Descriptor:
    """The descriptor of a BIP-380 text with checksum.

    Raises Malformed `descriptor-checksum`, the codes of `read_key`, and what `parse_template` raises.
    """
    script = _vault_script(strip_checksum(text))
    keys = tuple(_narrow(read_key(key, network, script.context)) for key in script.keys)
    if script.internal is None:
        return _wsh(script, keys)
    if script.internal == _RAW_H:
        return _tr(script, None, keys)
    return _tr(script, _narrow(read_key(script.internal, network, script.context)), keys)


def _vault_script(text: str) -> ScriptText:
    script = read_script(text)
    if script.form is Form.SH_WSH or not script.leaves:
        raise Malformed(
            "descriptor-unsupported", "a vault is wsh(MINISCRIPT) or tr(UNSPENDABLE,TREE)"
        )
    if len(script.keys) > MAX_PLACES:
        raise Malformed(
            "descriptor-too-many-keys", f"{len(script.keys)} places; at most {MAX_PLACES} are read"
        )
    return script


def _parse_placeholder(text: str) -> tuple[int, _Branches]:
    match = _PLACEHOLDER.fullmatch(text)
    if match is None:
        raise Malformed("descriptor-placeholder", "a key of a template is @i/**, @i/<a;b>/* or @i")
    if match[2]:
        return int(match[1]), (0, 1)
    if match[3] is None:
        return int(match[1]), ()
    branches = int(match[3]), int(match[4])
    if branches[0] == branches[1] or max(branches) >= HARDENED:
        raise Malformed("descriptor-placeholder", "<a;b> is two different numbers below 2^31")
    return int(match[1]), branches


def _refuse_disorder(numbers: list[int], keys: int) -> None:
    first_seen = list(dict.fromkeys(numbers))
    if first_seen != list(range(keys)):
        raise Malformed(
            "descriptor-placeholder",
            f"placeholders {first_seen} for {keys} keys: @0, @1, ... in order of first appearance, "
            "none skipped, one for each key (BIP-388)",
        )


def _expression(origin: KeyOrigin | None, key: MemberKey, branches: _Branches) -> KeyExpression:
    if isinstance(key, FixedKey) == bool(branches):
        raise Malformed(
            "descriptor-placeholder",
            "@i alone is a single public key, @i/** or @i/<a;b>/* an xpub, and neither the other",
        )
    return KeyExpression(origin, key, branches)


def _narrow(key: DescriptorKey) -> KeyExpression:
    """A key as a vault has it."""
    if isinstance(key.key, bytes):
        return KeyExpression(key.origin, FixedKey(key.key), ())
    if not key.ranged or [len(path) for path in key.paths] != [1, 1]:
        raise Malformed(
            "key-malformed", "a key of a vault is [origin]xpub/<a;b>/* or one public key"
        )
    (receive,), (change,) = key.paths
    return KeyExpression(key.origin, key.key, (receive, change))


def _wsh(script: ScriptText, keys: tuple[KeyExpression, ...]) -> Wsh:
    _verify_scripts(script, keys)
    ((_, miniscript),) = script.leaves
    return Wsh(miniscript, keys)


def _tr(script: ScriptText, internal: KeyExpression | None, keys: tuple[KeyExpression, ...]) -> Tr:
    if internal is not None and not (
        internal.branches and internal.origin is None and is_unspendable(internal.xpub)
    ):
        raise Malformed(
            "descriptor-internal-key",
            "the internal key is not an xpub without origin whose public key is BIP-341's H",
        )
    if not all(key.branches for key in keys):
        raise Malformed(
            "descriptor-fixed-in-taproot",
            "a single public key in tr: it would be a token's, and tokens do not sign by BIP-340",
        )
    _verify_scripts(script, keys)
    return Tr(internal, script.leaves, keys)


def _verify_scripts(script: ScriptText, keys: tuple[KeyExpression, ...]) -> None:
    _refuse_repetition(keys)
    refuse_related_keys(keys)
    _refuse_fixed_children(keys)
    if any(is_unspendable(key.xpub) for key in keys):
        raise Malformed("descriptor-internal-key", "the unspendable key stands in a script")
    identities = tuple((key.xpub.pubkey, key.branches) for key in keys)
    for _, miniscript in script.leaves:
        _refuse_void_locks(miniscript)
        verify_sane(miniscript, identities)


def _refuse_repetition(keys: tuple[KeyExpression, ...]) -> None:
    fixed = [key.xpub.pubkey for key in keys if not key.branches]
    if len(set(fixed)) != len(fixed):
        raise Malformed(
            "descriptor-fixed-repeated",
            "a single public key in two places: it has no branches that could differ",
        )
    seen: dict[bytes, tuple[KeyExpression, set[int]]] = {}
    for key in keys:
        first, branches = seen.setdefault(key.xpub.pubkey, (key, set()))
        if (first.xpub, first.origin) != (key.xpub, key.origin):
            raise Malformed("descriptor-key-repeated", "one public key under two descriptions")
        if not branches.isdisjoint(key.branches):
            raise Malformed("descriptor-key-repeated", "one key twice on one branch (BIP-388)")
        branches.update(key.branches)


def refuse_related_keys(keys: Iterable[KeyExpression]) -> None:
    """No key follows from another one (rule 5). Raises Malformed `descriptor-key-related`."""
    distinct = {key.xpub.pubkey: key for key in keys}.values()
    xpubs = [key.xpub for key in distinct if isinstance(key.xpub, ExtendedPublicKey)]
    parents = {xpub.fingerprint(): xpub for xpub in xpubs}
    if any(_is_child(xpub, parents.get(xpub.parent_fingerprint)) for xpub in xpubs):
        raise Malformed("descriptor-key-related", "a key is the child of another one")
    origins = sorted((o.fingerprint, o.path) for o in (key.origin for key in distinct) if o)
    for (fingerprint, path), (other, longer) in pairwise(origins):
        if fingerprint == other and longer[: len(path)] == path:
            raise Malformed(
                "descriptor-key-related", "the origin of a key is another one's, or goes on from it"
            )


def _refuse_fixed_children(keys: tuple[KeyExpression, ...]) -> None:
    """An address key of one member, given as another's only key (rule 5): an accident of exports. A key
    further down would pass, as would any other that its holder calls two members'."""
    fixed = {key.xpub.pubkey for key in keys if not key.branches}
    parents = {
        branch_key(key.xpub, branch)
        for key in keys
        if fixed and isinstance(key.xpub, ExtendedPublicKey)
        for branch in key.branches
    }
    for parent in parents:
        first = map(parent.child_pubkey, range(FIRST_CHILDREN))
        if not fixed.isdisjoint((parent.pubkey, *first)):
            raise Malformed("descriptor-key-related", "a single public key is an xpub's child")


def _is_child(xpub: ExtendedPublicKey, parent: ExtendedPublicKey | None) -> bool:
    if parent is None or xpub.child_number >= HARDENED:
        return False
    return parent.child_pubkey(xpub.child_number) == xpub.pubkey


def _refuse_void_locks(script: Miniscript) -> None:
    """Consensus ignores the other bits: `older(65536)` would lock nothing (rule 4)."""
    for node in script.nodes:
        if node.fragment is Fragment.OLDER and (
            node.number & ~SEQUENCE_MASK or not node.number & SEQUENCE_VALUE
        ):
            raise Malformed(
                "descriptor-timelock",
                f"older({node.number}) is not 1 to 65,535 blocks, nor 4,194,304 and 1 to 65,535 "
                "units of 512 seconds",
            )
