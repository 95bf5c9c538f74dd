"""The keys that stand in a descriptor (BIP-380, BIP-389).

    KEY = [ORIGIN]PUBKEY | [ORIGIN]XPUB{/STEP}[/*]        ORIGIN = "[" fingerprint {/STEP} "]"

1. One STEP may be `<a;b;...>`, two to ten different numbers: the key has that many alternatives.
2. PUBKEY is 33 bytes compressed, in tr also 32 bytes x-only. Others are refused by what they are.
3. Private keys are refused, and so are hardened steps below an xpub, which need one.
4. No refusal repeats key text: it could be private.
"""

import re
from dataclasses import dataclass

from signer.bitcoin.descriptor.checksum import MAX_TEXT
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import (
    HARDENED,
    ExtendedPublicKey,
    FixedKey,
    KeyOrigin,
    KeyPath,
    MemberKey,
    branch_key,
    parse_path,
    parse_xpub,
)
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.network import Network
from signer.bitcoin.secp import parse_pubkey

MAX_ALTERNATIVES = 10

_KEY = re.compile(r"(?:\[([0-9a-fA-F]{8})((?:/[^\]/]*)*)\])?([0-9A-Za-z]+)((?:/[^/]*)*)")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_PRIVATE = re.compile(r"[xt]prv.*|[59KLc][1-9A-HJ-NP-Za-km-z]{50,51}")


@dataclass(frozen=True, slots=True)
class DescriptorKey:
    """A key expression of any descriptor. A vault's are `KeyExpression`s."""

    text: str
    """As written."""
    origin: KeyOrigin | None
    key: ExtendedPublicKey | bytes
    """An xpub, or 33 bytes: x-only ones with 02 in front, as BIP-340 lifts them."""
    paths: tuple[KeyPath, ...] = ((),)
    """The steps below the xpub, for each alternative."""
    ranged: bool = False
    """Whether `/*` follows."""

    def pubkey(self, alternative: int, index: int) -> bytes:
        """33 bytes. Raises Malformed `derivation-impossible`."""
        if isinstance(self.key, bytes):
            return self.key
        xpub = self.key
        for step in self.paths[alternative % len(self.paths)]:
            xpub = branch_key(xpub, step)
        return xpub.child_pubkey(index) if self.ranged else xpub.pubkey


def read_key(text: str, network: Network, context: Context) -> DescriptorKey:
    """The key of that text.

    Raises Malformed `key-malformed`, `key-private`, `key-unsupported`, `path-malformed`,
    `pubkey-malformed`, `xpub-malformed`, `xpub-wrong-network`.
    """
    origin, key, steps = _split(text)
    if _HEX.fullmatch(key):
        if steps:
            raise Malformed("key-malformed", "a single public key has no children")
        return DescriptorKey(text, origin, _read_pubkey(bytes.fromhex(key), context))
    xpub = parse_xpub(key, network)
    names = steps.split("/")[1:]
    children = names.pop() if names and names[-1] in ("*", "*'", "*h") else ""
    paths = _paths(names)
    if len(children) == 2 or any(step >= HARDENED for path in paths for step in path):
        raise Malformed("key-unsupported", "hardened steps below an xpub need the private key")
    return DescriptorKey(text, origin, xpub, paths, children == "*")


def parse_key_information(text: str, network: Network) -> tuple[KeyOrigin | None, MemberKey]:
    """`[fingerprint/path]xpub` or `xpub` (BIP-388); the same with 33 bytes in hexadecimal: a fixed key.

    Raises Malformed as `read_key` does.
    """
    origin, key, steps = _split(text)
    if steps:
        raise Malformed("key-malformed", "a key is [fingerprint/path]xpub, without further steps")
    if _HEX.fullmatch(key):
        return origin, FixedKey(_read_pubkey(bytes.fromhex(key), Context.P2WSH))
    return origin, parse_xpub(key, network)


def _split(text: str) -> tuple[KeyOrigin | None, str, str]:
    """(origin, key, steps), the key being public as far as its form tells."""
    match = _KEY.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        raise Malformed("key-malformed", "a key is [fingerprint/path] and a public key")
    if _PRIVATE.fullmatch(match[3]):
        raise Malformed("key-private", "a private key; only public ones belong here")
    origin = None
    if match[1] is not None:
        origin = KeyOrigin(bytes.fromhex(match[1]), parse_path(match[2]))
    return origin, match[3], match[4]


def _read_pubkey(key: bytes, context: Context) -> bytes:
    if len(key) == 65:
        raise Malformed("key-unsupported", "uncompressed keys do not exist in segwit scripts")
    if len(key) == 32 and context is Context.TAPSCRIPT:
        key = b"\x02" + key
    parse_pubkey(key)
    return key


def _paths(steps: list[str]) -> tuple[KeyPath, ...]:
    alternatives = [_alternatives(step) for step in steps]
    count = max(map(len, alternatives), default=1)
    if sum(len(each) > 1 for each in alternatives) > 1 or count > MAX_ALTERNATIVES:
        raise Malformed(
            "key-malformed", f"one step is <a;b;...>, of {MAX_ALTERNATIVES} numbers at most"
        )
    paths = tuple(
        parse_path("".join(f"/{each[number % len(each)]}" for each in alternatives))
        for number in range(count)
    )
    if len(set(paths)) != count:
        raise Malformed("key-malformed", "<a;b;...> repeats a number")
    return paths


def _alternatives(step: str) -> list[str]:
    """The numbers of `<a;b;...>`; any other step is its only alternative."""
    if step[:1] == "<" and step[-1:] == ">" and ";" in step:
        return step[1:-1].split(";")
    return [step]
