"""The phrases of `[[example]]`: `0.5 BTC to exchange`, `9 BTC in 4 withdrawals 3h ago`, `2 watchers`.

1. Numbers and units are those of the policy's expressions; names are names of the policy.
2. What does not fit points at the string it stands in.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from policies.arguments import Names
from policies.document import Item
from policies.example import Owed, Past, Voices
from policies.fields import placed, text_of
from policies.literals import amount_of, duration_of, work_of
from policies.source import PolicyError, Source, near
from signer.bitcoin.address import script_of
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.bitcoin.script import DUST_LIMIT, script_type
from signer.bitcoin.units import Sats

T = TypeVar("T")

_NUMBER = r"([0-9]{1,20}(?:\.[0-9]{1,20})?)"
_AMOUNT = re.compile(rf"{_NUMBER} (BTC|sat)(?: to ([A-Za-z0-9_-]{{1,128}}))?")
_DURATION = re.compile(r"([0-9]{1,20})([smhd])")
_PAST = re.compile(
    rf"{_NUMBER} (BTC|sat)(?: in ([0-9]{{1,6}}) withdrawals?)? ([0-9]{{1,20}})([smhd]) ago"
)
_WORK = re.compile(rf"{_NUMBER} ([kMGTPEZY]?H)")
_VOICES = re.compile(r"([0-9]{1,6}|all) ([A-Za-z][A-Za-z0-9_-]{0,63})")
_NOBODY = "nobody"

_HASH = sha256(b"pegwarden example destination")
_XONLY = bytes.fromhex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
_SOMEWHERE = {
    "p2wpkh": b"\x00\x14" + _HASH[:20],
    "p2pkh": b"\x76\xa9\x14" + _HASH[:20] + b"\x88\xac",
    "p2sh": b"\xa9\x14" + _HASH[:20] + b"\x87",
    "p2wsh": b"\x00\x20" + _HASH,
    "p2tr": b"\x51\x20" + _XONLY,
}
"""An address of each type that nobody listed."""


class Phrases:
    """Reads the strings of examples."""

    def __init__(self, source: Source, network: Network, names: Names) -> None:
        self.source = source
        self.network = network
        self.names = names

    def amount(self, item: Item) -> Sats:
        """`0.5 BTC`."""
        form = "an amount such as 0.5 BTC or 2500 sat"
        match = self._match(_AMOUNT, item, form)
        if match[3]:
            raise self._error(item, form)
        return self._quantity(amount_of(match[1], match[2]), item, form)

    def duration(self, item: Item) -> int:
        """`6h`; `0s` is now."""
        form = "a time such as 0s, 30s, 10m, 6h or 7d, up to 366d"
        match = self._match(_DURATION, item, form)
        return (
            0 if not int(match[1]) else self._quantity(duration_of(match[1], match[2]), item, form)
        )

    def work(self, item: Item) -> int:
        """`5 ZH`; `0 H` is none."""
        form = "work such as 5 ZH or 600 EH"
        match = self._match(_WORK, item, form)
        if not match[1].strip("0."):
            return 0
        return self._quantity(work_of(match[1], match[2]), item, form)

    def payment(self, item: Item) -> Owed:
        """`0.5 BTC to exchange`."""
        form = "a payment such as 0.5 BTC, or 0.5 BTC to an address, a list or p2tr"
        match = self._match(_AMOUNT, item, form)
        amount = self._quantity(amount_of(match[1], match[2]), item, form)
        return Owed(amount, self._destinations(match[3] or "p2wpkh", item))

    def past(self, item: Item) -> Past:
        """`9 BTC in 4 withdrawals 3h ago`."""
        form = "what left the vault, such as 9 BTC 3h ago or 9 BTC in 4 withdrawals 3h ago"
        match = self._match(_PAST, item, form)
        amount = self._quantity(amount_of(match[1], match[2]), item, form)
        ago = self._quantity(duration_of(match[4], match[5]), item, form)
        return Past(ago, amount, int(match[3] or 1))

    def voices(self, items: tuple[Item, ...]) -> tuple[Voices, ...]:
        """`2 watchers` and more, or `nobody` alone."""
        if [item.value for item in items] == [_NOBODY]:
            return ()
        return tuple(self._voices(item) for item in items)

    def _voices(self, item: Item) -> Voices:
        match = self._match(_VOICES, item, "2 watchers, all watchers or nobody")
        group = self._known(self.names.groups, match[2], "group", item)
        count = len(group.keys) if match[1] == "all" else int(match[1])
        if not 1 <= count <= len(group.keys):
            raise self._error(item, f"at most {len(group.keys)} keys in {group.name}")
        return Voices(count, group)

    def _destinations(self, where: str, item: Item) -> tuple[bytes, ...]:
        if where in _SOMEWHERE:
            return (_SOMEWHERE[where],)
        if where in self.names.lists:
            return tuple(sorted(self.names.lists[where].scripts))
        script = placed(self.source, item.offset, partial(script_of, where, self.network))
        if script_type(script) not in DUST_LIMIT:
            raise self._error(item, "a destination that can be paid")
        return (script,)

    def _match(self, pattern: re.Pattern[str], item: Item, form: str) -> re.Match[str]:
        match = pattern.fullmatch(text_of(self.source, item))
        if match is None:
            raise self._error(item, form)
        return match

    def _quantity(self, value: T | None, item: Item, form: str) -> T:
        if value is None:
            raise self._error(item, form)
        return value

    def _known(self, known: Mapping[str, T], word: str, what: str, item: Item) -> T:
        if word not in known:
            detail = f"no {what} {near(word, known)}"
            raise self.source.error("policy-name-unknown", detail, item.offset)
        return known[word]

    def _error(self, item: Item, form: str) -> PolicyError:
        return self.source.error("policy-literal", f"expected {form}", item.offset)
