"""Text to descriptor and back (BIP-380, 383, 386 to 389). `grammar` reads the functions; here KEY is

1. in a template `@i/**` or `@i/<a;b>/*`: placeholders in order of first appearance, none skipped,
   none repeated unless its branches are disjoint, one for each key, all keys distinct (BIP-388);
2. in a descriptor `[fingerprint/path]xpub/<a;b>/*`, with the same rules about repetition;
3. an xpub without private part and without steps of its own. So every key is compressed (BIP-382);
4. as internal key of `tr` an xpub on BIP-341's H without origin, in a descriptor also H itself, and
   neither of them in a leaf: the key path is proven to be closed, and no leaf counts a dead key.
No refusal repeats key text: it could be private.
"""

import re
from itertools import islice

from signer.bitcoin.descriptor.checksum import MAX_TEXT, strip_checksum
from signer.bitcoin.descriptor.grammar import NUMBER, ScriptText, read_script
from signer.bitcoin.descriptor.model import (
    Descriptor,
    KeyExpression,
    MultiA,
    SortedMulti,
    Tr,
    Wsh,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import (
    HARDENED,
    ExtendedPublicKey,
    KeyOrigin,
    parse_path,
    parse_xpub,
)
from signer.bitcoin.network import Network
from signer.bitcoin.taproot import UNSPENDABLE_H, fold_tree, is_unspendable

_BRANCHES = rf"<{NUMBER};{NUMBER}>/\*"
_PLACEHOLDER = re.compile(rf"@{NUMBER}/(?:\*\*|{_BRANCHES})")
_KEY = re.compile(rf"(.*?)/{_BRANCHES}")
_KEY_INFORMATION = re.compile(r"(?:\[([0-9a-fA-F]{8})((?:/[^\]/]*)*)\])?([1-9A-HJ-NP-Za-km-z]+)")
_RAW_H = UNSPENDABLE_H.hex()


def parse_template(template: str, keys: tuple[str, ...], network: Network) -> Descriptor:
    """The descriptor of a BIP-388 wallet policy.

    Raises Malformed with the codes of `read_script`, `descriptor-placeholder`,
    `descriptor-key-repeated`, `descriptor-internal-key`, `key-malformed` and those of `parse_xpub`.
    """
    script = read_script(template)
    places = [_parse_placeholder(text) for text in script.key_texts()]
    _refuse_disorder([number for number, _ in places], len(keys))
    known = [parse_key_information(key, network) for key in keys]
    if len({xpub.pubkey for _, xpub in known}) != len(known):
        raise Malformed("descriptor-key-repeated", "one key is listed twice (BIP-388)")
    expressions = [KeyExpression(*known[number], branches) for number, branches in places]
    internal = None if script.internal is None else expressions.pop(0)
    return _assemble(script, internal, expressions)


def parse_descriptor(text: str, network: Network) -> Descriptor:
    """The descriptor of a BIP-380 text with checksum.

    Raises Malformed `descriptor-checksum` and what `parse_template` raises.
    """
    script = read_script(strip_checksum(text))
    texts = script.key_texts()
    if script.internal == _RAW_H:
        return _assemble(script, None, [_parse_key(text, network) for text in texts[1:]])
    expressions = [_parse_key(text, network) for text in texts]
    internal = None if script.internal is None else expressions.pop(0)
    return _assemble(script, internal, expressions)


def canonical_text(descriptor: Descriptor, network: Network) -> str:
    """The one text without checksum whose SHA-256 is a vault's fingerprint (design section 5)."""
    inner = descriptor.inner
    if isinstance(descriptor, Wsh):
        return f"wsh(sortedmulti({inner.threshold},{_key_texts(inner.keys, network)}))"
    internal = _RAW_H
    if descriptor.internal is not None:
        internal = _key_texts((descriptor.internal,), network)
    leaves = ((depth, _leaf_text(leaf, network)) for depth, leaf in descriptor.leaves)
    return f"tr({internal},{fold_tree(leaves, _branch_text)})"


def _branch_text(left: str, right: str) -> str:
    return f"{{{left},{right}}}"


def _leaf_text(leaf: MultiA, network: Network) -> str:
    text = f"{leaf.order}({leaf.threshold},{_key_texts(leaf.keys, network)})"
    return text if leaf.older is None else f"and_v(v:older({leaf.older}),{text})"


def _key_texts(keys: tuple[KeyExpression, ...], network: Network) -> str:
    return ",".join(
        f"{key.origin or ''}{key.xpub.text(network)}/<{key.branches[0]};{key.branches[1]}>/*"
        for key in keys
    )


def _parse_placeholder(text: str) -> tuple[int, tuple[int, int]]:
    match = _PLACEHOLDER.fullmatch(text)
    if match is None:
        raise Malformed("descriptor-placeholder", "a key of a template is @i/** or @i/<a;b>/*")
    if match[2] is None:
        return int(match[1]), (0, 1)
    return int(match[1]), _parse_branches(match[2], match[3])


def _parse_branches(receive: str, change: str) -> tuple[int, int]:
    branches = int(receive), int(change)
    if branches[0] == branches[1] or max(branches) >= HARDENED:
        raise Malformed("descriptor-placeholder", "<a;b> is two different numbers below 2^31")
    return branches


def _refuse_disorder(numbers: list[int], keys: int) -> None:
    first_seen = list(dict.fromkeys(numbers))
    if first_seen != list(range(keys)):
        raise Malformed(
            "descriptor-placeholder",
            f"placeholders {first_seen} for {keys} keys: @0, @1, ... in order of first appearance, "
            "none skipped, one for each key (BIP-388)",
        )


def _parse_key(text: str, network: Network) -> KeyExpression:
    match = _KEY.fullmatch(text)
    if match is None:
        raise Malformed("key-malformed", "a key of a descriptor is [origin]xpub/<a;b>/*")
    origin, xpub = parse_key_information(match[1], network)
    return KeyExpression(origin, xpub, _parse_branches(match[2], match[3]))


def parse_key_information(
    text: str, network: Network
) -> tuple[KeyOrigin | None, ExtendedPublicKey]:
    """`[fingerprint/path]xpub` or `xpub` (BIP-388).

    Raises Malformed `key-malformed`, `path-malformed`, `xpub-malformed`, `xpub-wrong-network`.
    """
    match = _KEY_INFORMATION.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        raise Malformed("key-malformed", "a key is [fingerprint/path]xpub, without further steps")
    if match[3].startswith(("xprv", "tprv")):
        raise Malformed("key-malformed", "a private key; only the xpub belongs here")
    origin = None
    if match[1] is not None:
        origin = KeyOrigin(bytes.fromhex(match[1]), parse_path(match[2]))
    return origin, parse_xpub(match[3], network)


def _assemble(
    script: ScriptText, internal: KeyExpression | None, federation: list[KeyExpression]
) -> Descriptor:
    _refuse_repetition(federation)
    if script.internal is None:
        ((_, leaf),) = script.leaves
        return Wsh(SortedMulti(leaf.threshold, tuple(federation)))
    _refuse_spendable(internal)
    if any(is_unspendable(key.xpub) for key in federation):
        raise Malformed("descriptor-internal-key", "the unspendable key stands in a leaf")
    keys = iter(federation)
    return Tr(
        internal,
        tuple(
            (
                depth,
                MultiA(leaf.threshold, tuple(islice(keys, len(leaf.keys))), leaf.order, leaf.older),
            )
            for depth, leaf in script.leaves
        ),
    )


def _refuse_spendable(internal: KeyExpression | None) -> None:
    if internal is None:
        return
    if internal.origin is not None or not is_unspendable(internal.xpub):
        raise Malformed(
            "descriptor-internal-key",
            "the internal key is not an xpub without origin whose public key is BIP-341's H",
        )


def _refuse_repetition(keys: list[KeyExpression]) -> None:
    seen: dict[bytes, tuple[KeyExpression, set[int]]] = {}
    for key in keys:
        first, branches = seen.setdefault(key.xpub.pubkey, (key, set()))
        if (first.xpub, first.origin) != (key.xpub, key.origin):
            raise Malformed("descriptor-key-repeated", "one public key under two descriptions")
        if not branches.isdisjoint(key.branches):
            raise Malformed("descriptor-key-repeated", "one key twice on one branch (BIP-388)")
        branches.update(key.branches)
