"""Other witnesses that somebody without keys could write, who has seen one that is valid.

What he has: the witness, all preimages that its spender knew, the scripts, and time. Signatures that were
never published he has not.
"""

from collections.abc import Callable, Iterator
from random import Random

from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.secp import ORDER
from tests.bitcoin.miniscript.spending import Spend, Witness

DER = bytes.fromhex("3006020101020101") + b"\x01"
"""A strict signature with low S, by nobody."""
BOOLEANS = (b"", b"\x00", b"\x80", b"\x01", b"\x02", b"\x81", b"\x01\x00", b"\x00\x00")
TAPSCRIPT_JUNK = (b"\x50", b"\x01" * 64, b"\x01" * 65)
ANNEX = b"\x50annex"


def high_s(signature: bytes) -> bytes:
    """The other S of an ECDSA signature with its type byte: as valid for consensus."""
    r_end = 4 + signature[3]
    r, s = signature[2:r_end], int.from_bytes(signature[r_end + 2 : -1], "big")
    other = (ORDER - s).to_bytes(33, "big").lstrip(b"\x00")
    other = b"\x00" + other if other[0] & 0x80 else other
    body = r + bytes((2, len(other))) + other
    return bytes((0x30, len(body))) + body + signature[-1:]


def alterations(spend: Spend, random: Random) -> Iterator[Witness]:
    """Without end: witnesses, complete with script, that differ from the spend's and from each other."""
    seen = {spend.witness}
    while True:
        witness = random.choice(_WAYS)(spend, random)
        if witness not in seen:
            seen.add(witness)
            yield witness


def _at(spend: Spend, random: Random) -> tuple[list[bytes], int]:
    items = list(spend.items or ())
    return items, random.randrange(len(items))


def _complete(spend: Spend, items: list[bytes]) -> Witness:
    return (*items, *spend.coin.shown)


def _drop(spend: Spend, random: Random) -> Witness:
    items, at = _at(spend, random)
    del items[at]
    return _complete(spend, items)


def _duplicate(spend: Spend, random: Random) -> Witness:
    items, at = _at(spend, random)
    items.insert(random.randrange(len(items) + 1), items[at])
    return _complete(spend, items)


def _swap(spend: Spend, random: Random) -> Witness:
    items, at = _at(spend, random)
    other = random.randrange(len(items))
    items[at], items[other] = items[other], items[at]
    return _complete(spend, items)


def _shuffle(spend: Spend, random: Random) -> Witness:
    items, _ = _at(spend, random)
    random.shuffle(items)
    return _complete(spend, items)


def _insert(spend: Spend, random: Random) -> Witness:
    items, _ = _at(spend, random)
    items.insert(random.randrange(len(items) + 1), random.choice(_material(spend)))
    return _complete(spend, items)


def _replace(spend: Spend, random: Random) -> Witness:
    items, at = _at(spend, random)
    items[at] = random.choice(_material(spend))
    return _complete(spend, items)


def _boolean(spend: Spend, random: Random) -> Witness:
    """Another way to write what a boolean or an empty item says, or its contrary."""
    items, _ = _at(spend, random)
    short = [at for at, item in enumerate(items) if len(item) < 2]
    if short:
        items[random.choice(short)] = random.choice(BOOLEANS)
    return _complete(spend, items)


def _not_null(spend: Spend, random: Random) -> Witness:
    """A signature that fails where an empty one should."""
    items, _ = _at(spend, random)
    empty = [at for at, item in enumerate(items) if not item]
    if empty:
        items[random.choice(empty)] = random.choice((DER, *sorted(spend.published)))
    return _complete(spend, items)


def _bit(spend: Spend, random: Random) -> Witness:
    """One bit of an item: of a preimage, a signature, a key."""
    items, at = _at(spend, random)
    if items[at]:
        byte = random.randrange(len(items[at]))
        changed = bytearray(items[at])
        changed[byte] ^= 1 << random.randrange(8)
        items[at] = bytes(changed)
    return _complete(spend, items)


def _longer(spend: Spend, random: Random) -> Witness:
    items, at = _at(spend, random)
    items[at] = random.choice((items[at] + b"\x00", b"\x00" + items[at], items[at] + b"\x01"))
    return _complete(spend, items)


def _signature(spend: Spend, random: Random) -> Witness:
    """The same signature in another form."""
    items, _ = _at(spend, random)
    at = random.choice([at for at, item in enumerate(items) if item in spend.published])
    if spend.coin.in_tapscript:
        items[at] += bytes((random.choice((0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83)),))
    elif random.random() < 0.5:
        items[at] = high_s(items[at])
    else:
        items[at] = items[at][:-1] + bytes((random.choice((0x00, 0x02, 0x03, 0x81, 0x41)),))
    return _complete(spend, items)


def _around(spend: Spend, random: Random) -> Witness:
    """Another script, control block or annex."""
    witness = list(spend.witness)
    if not spend.coin.in_tapscript:
        witness[-1] += random.choice((b"\x61", b"\x69\x51"))
        return tuple(witness)
    choice = random.randrange(4)
    if choice == 0:
        return (*witness, ANNEX)
    if choice == 1:
        witness[-2] += b"\x61"
    elif choice == 2:
        witness[-1] = bytes((witness[-1][0] ^ 1,)) + witness[-1][1:]
    else:
        witness[-1] += random.randbytes(32)
    return tuple(witness)


def _material(spend: Spend) -> list[bytes]:
    """What there is to put in."""
    keys, preimages = spend.coin.generated.keys, spend.assets.preimages.values()
    junk = TAPSCRIPT_JUNK if spend.coin.generated.script.context is Context.TAPSCRIPT else (DER,)
    return [*BOOLEANS, *junk, bytes(32), *keys, *preimages, *sorted(spend.published)]


_WAYS: tuple[Callable[[Spend, Random], Witness], ...] = (
    _drop,
    _duplicate,
    _swap,
    _shuffle,
    _insert,
    _replace,
    _boolean,
    _not_null,
    _bit,
    _longer,
    _signature,
    _around,
)
