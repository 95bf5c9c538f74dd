"""The one text of a vault's descriptor, whose SHA-256 is its fingerprint (design section 5).

Rule 1: hardened steps are written ', keys `[origin]xpub/<a;b>/*`, fixed ones `[origin]pubkey` in small
        hexadecimal digits, miniscript in its canonical form.
Rule 2: `parse_descriptor` of this text and its checksum gives the descriptor again.
"""

from signer.bitcoin.descriptor.model import Descriptor, KeyExpression, Tr
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.network import Network
from signer.bitcoin.taproot import UNSPENDABLE_H, fold_tree


def canonical_text(descriptor: Descriptor, network: Network) -> str:
    """Without checksum."""
    keys = tuple(_key_text(key, network) for key in descriptor.keys)
    if not isinstance(descriptor, Tr):
        return f"wsh({format_miniscript(descriptor.script, keys)})"
    internal = UNSPENDABLE_H.hex()
    if descriptor.internal is not None:
        internal = _key_text(descriptor.internal, network)
    leaves = ((depth, format_miniscript(leaf, keys)) for depth, leaf in descriptor.leaves)
    return f"tr({internal},{fold_tree(leaves, _branch_text)})"


def _branch_text(left: str, right: str) -> str:
    return f"{{{left},{right}}}"


def _key_text(key: KeyExpression, network: Network) -> str:
    text = f"{key.origin or ''}{key.xpub.text(network)}"
    if not key.branches:
        return text
    receive, change = key.branches
    return f"{text}/<{receive};{change}>/*"
