"""Any descriptor of the functions that we know (BIP-379 to 383, 386, 387, 389), not only a vault's.

1. Keys may be single public keys or xpubs with any path, with `/*` and `<a;b;...>` or without.
2. All keys with alternatives have equally many; the descriptor stands for that many (BIP-389).
3. Every script is well-typed. Whether it is sane, and could be a vault's, is for the caller to say.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor.checksum import strip_checksum
from signer.bitcoin.descriptor.grammar import Form, read_script
from signer.bitcoin.descriptor.keys import DescriptorKey, read_key
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Miniscript
from signer.bitcoin.miniscript.types import verify_top_level
from signer.bitcoin.network import Network
from signer.bitcoin.script import p2sh, p2wsh, witness_script_pubkey
from signer.bitcoin.taproot import TapLeaf, tap_tree, tweak


@dataclass(frozen=True, slots=True)
class ReadScript:
    """What a descriptor gives for one alternative and index."""

    script_pubkey: bytes
    scripts: tuple[bytes, ...]
    """The witness script; in tr the leaves in depth-first order."""


@dataclass(frozen=True, slots=True)
class ReadDescriptor:
    """A descriptor. Its scripts are well-typed, and no more (rule 3)."""

    form: Form
    internal: DescriptorKey | None
    """None outside tr."""
    leaves: tuple[tuple[int, Miniscript], ...]
    """(depth, script) in depth-first order; outside tr one, of depth 0; none in tr(KEY)."""
    keys: tuple[DescriptorKey, ...]
    """By place; the places go on from leaf to leaf."""

    @property
    def alternatives(self) -> int:
        """How many descriptors it stands for (rule 2)."""
        return max((len(key.paths) for key in _all_keys(self.internal, self.keys)), default=1)

    def pubkeys_at(self, alternative: int, index: int) -> tuple[bytes, ...]:
        """By place: 33 bytes, in tr 32. Raises Malformed `derivation-impossible`."""
        cut = 1 if self.form is Form.TR else 0
        return tuple(key.pubkey(alternative, index)[cut:] for key in self.keys)

    def scripts_at(self, index: int) -> tuple[ReadScript, ...]:
        """One for each alternative. Raises Malformed `derivation-impossible`."""
        return tuple(self._script(number, index) for number in range(self.alternatives))

    def _script(self, alternative: int, index: int) -> ReadScript:
        pubkeys = self.pubkeys_at(alternative, index)
        scripts = tuple(script_bytes(leaf, pubkeys) for _, leaf in self.leaves)
        if self.internal is None:
            output = p2wsh(scripts[0])
            return ReadScript(output if self.form is Form.WSH else p2sh(hash160(output)), scripts)
        depths = (depth for depth, _ in self.leaves)
        drafts = tuple(TapLeaf(*draft) for draft in zip(depths, scripts, strict=True))
        root = tap_tree(drafts).merkle_root if drafts else b""
        output, _ = tweak(self.internal.pubkey(alternative, index)[1:], root)
        return ReadScript(witness_script_pubkey(1, output), scripts)


def read_descriptor(text: str, network: Network) -> ReadDescriptor:
    """The descriptor of a BIP-380 text with checksum.

    Raises Malformed `descriptor-checksum` and what `read_descriptor_body` raises.
    """
    return read_descriptor_body(strip_checksum(text), network)


def read_descriptor_body(text: str, network: Network) -> ReadDescriptor:
    """The descriptor of that text, whose checksum is cut off or was never needed.

    Raises Malformed with the codes of `read_script`, `read_key`, `descriptor-alternatives` and
    `miniscript-type`.
    """
    script = read_script(text)
    keys = tuple(read_key(key, network, script.context) for key in script.keys)
    internal = None
    if script.internal is not None:
        internal = read_key(script.internal, network, script.context)
    counts = {len(key.paths) for key in _all_keys(internal, keys)} - {1}
    if len(counts) > 1:
        raise Malformed(
            "descriptor-alternatives", "keys with <a;b;...> of different lengths (BIP-389)"
        )
    for _, leaf in script.leaves:
        verify_top_level(leaf)
    return ReadDescriptor(script.form, internal, script.leaves, keys)


def _all_keys(
    internal: DescriptorKey | None, keys: tuple[DescriptorKey, ...]
) -> tuple[DescriptorKey, ...]:
    return keys if internal is None else (internal, *keys)
