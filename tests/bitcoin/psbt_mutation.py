"""Deterministic, structure-aware mutations of PSBTs. The seeds are the public vectors and one draft.

Rule 1: the same (seed, count) gives the same mutants.
Rule 2: no code of the reader under test splits the seeds.
"""

from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from coincurve import PublicKey

from signer.bitcoin.codec import compact_size, var_bytes
from signer.bitcoin.hashes import sha256
from signer.bitcoin.psbt.convert import as_version_2
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import InputDraft, OutputDraft, draft_psbt
from signer.bitcoin.script import p2wsh
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from tests.bitcoin.multisigs import multisig_script
from tests.vectors import load_json

Maps = list[list[tuple[bytes, bytes]]]
"""The global map, then the others, each a list of (key, value)."""

MAGIC = b"psbt\xff"
LARGE = 0.0005
"""The share of mutants of a large seed."""


def split(psbt: bytes) -> Maps:
    """The maps of a well-formed PSBT."""
    maps: Maps = [[]]
    at = len(MAGIC)
    while at < len(psbt):
        key, at = _string(psbt, at)
        if not key:
            maps.append([])
            continue
        value, at = _string(psbt, at)
        maps[-1].append((key, value))
    return maps[:-1]


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    width = {0xFD: 2, 0xFE: 4, 0xFF: 8}.get(data[at], 0)
    size = int.from_bytes(data[at + 1 : at + 1 + width], "little") if width else data[at]
    start = at + 1 + width
    return data[start : start + size], start + size


def join(maps: Maps) -> bytes:
    """The PSBT with these maps."""
    parts = [MAGIC]
    for pairs in maps:
        parts.extend(var_bytes(key) + var_bytes(value) for key, value in pairs)
        parts.append(b"\x00")
    return b"".join(parts)


def pubkey(number: int) -> bytes:
    """The public key number * G."""
    return PublicKey.from_secret(number.to_bytes(32, "big")).format()


def multisig_draft(inputs: int = 2, members: int = 3) -> bytes:
    """A PSBT as the kernel drafts it: P2WSH multisig inputs with full previous transactions."""
    drafts = []
    for index in range(inputs):
        keys = tuple(pubkey(1 + index * members + member) for member in range(members))
        script = multisig_script(members // 2 + 1, keys)
        prevout = TxOut(Sats(100_000 + index), p2wsh(script))
        funding = OutPoint(Txid(sha256(index.to_bytes(4, "big"))), 0)
        previous = Transaction(2, (TxIn(funding, b"", 0xFFFFFFFD),), (prevout, prevout), 0)
        drafts.append(
            InputDraft(
                OutPoint(previous.txid, index % 2),
                0xFFFFFFFD,
                non_witness_utxo=previous.serialize(),
                witness_utxo=prevout,
                witness_script=script,
                bip32_derivations=tuple(
                    Bip32Derivation(key, b"\x01\x02\x03" + bytes((member,)), (0x80000030, 0, index))
                    for member, key in enumerate(keys)
                ),
                sighash_type=1,
            )
        )
    change = OutputDraft(TxOut(Sats(90_000), p2wsh(b"\x51")), b"\x51")
    return draft_psbt(2, 0, tuple(drafts), (change, OutputDraft(TxOut(Sats(1_000), b"\x6a"))))


@cache
def seeds() -> tuple[bytes, ...]:
    """What mutation starts from."""
    found = [multisig_draft(), as_version_2(parse_psbt(multisig_draft()))]
    for bip in ("bip174", "bip370", "bip371", "bip373"):
        for vector in load_json(f"bips/{bip}/psbt_vectors.json")["vectors"]:
            if vector["section"] in ("valid", "fails_signer", "locktime"):
                found.append(psbt_from_base64(vector["base64"]))
    return tuple(found)


@cache
def large_seeds() -> tuple[bytes, ...]:
    """A hundred inputs of a 15-key vault: what time and memory are measured on."""
    draft = multisig_draft(100, 15)
    return draft, as_version_2(parse_psbt(draft))


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """`count` mutants, one to three mutations away from a seed."""
    random = Random(seed)
    for _ in range(count):
        mutant = random.choice(large_seeds() if random.random() < LARGE else seeds())
        for _ in range(random.randint(1, 3)):
            mutant = mutate(random, mutant)
        yield mutant


def mutate(random: Random, psbt: bytes) -> bytes:
    """One mutation."""
    if random.random() < 0.3:
        return random.choice(_BYTE_MUTATIONS)(random, psbt)
    try:
        maps = split(psbt)
    except IndexError:
        return random.choice(_BYTE_MUTATIONS)(random, psbt)
    full = [pairs for pairs in maps if pairs]
    if not full:
        return psbt + b"\x00"
    random.choice(_PAIR_MUTATIONS)(random, maps, random.choice(full))
    return join(maps)


def _place(random: Random, psbt: bytes) -> int:
    return random.randrange(len(psbt)) if psbt else 0


def _flip(random: Random, psbt: bytes) -> bytes:
    at = _place(random, psbt)
    return (
        psbt[:at]
        + bytes(byte ^ (1 << random.randrange(8)) for byte in psbt[at : at + 1])
        + (psbt[at + 1 :])
    )


def _truncate(random: Random, psbt: bytes) -> bytes:
    return psbt[: _place(random, psbt)]


def _insert(random: Random, psbt: bytes) -> bytes:
    at = _place(random, psbt)
    return psbt[:at] + random.randbytes(random.randint(1, 4)) + psbt[at:]


def _delete(random: Random, psbt: bytes) -> bytes:
    at = _place(random, psbt)
    return psbt[:at] + psbt[at + random.randint(1, 4) :]


def _lie_about_length(random: Random, psbt: bytes) -> bytes:
    at = _place(random, psbt)
    lie = random.choice(
        (b"\xff" * 9, b"\xfe\xff\xff\xff\xff", b"\xfd\xff\xff", b"\xfd\x01\x00", b"\xfe\x01\0\0\0")
    )
    return psbt[:at] + lie + psbt[at + 1 :]


def _splice(random: Random, psbt: bytes) -> bytes:
    other = random.choice(seeds())
    return psbt[: _place(random, psbt)] + other[_place(random, other) :]


_BYTE_MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flip,
    _truncate,
    _insert,
    _delete,
    _lie_about_length,
    _splice,
)

Pairs = list[tuple[bytes, bytes]]


def _duplicate(random: Random, maps: Maps, pairs: Pairs) -> None:
    pairs.insert(random.randint(0, len(pairs)), random.choice(pairs))


def _drop(random: Random, maps: Maps, pairs: Pairs) -> None:
    pairs.pop(random.randrange(len(pairs)))


def _permute(random: Random, maps: Maps, pairs: Pairs) -> None:
    random.shuffle(pairs)


def _swap_type(random: Random, maps: Maps, pairs: Pairs) -> None:
    at = random.randrange(len(pairs))
    key, value = pairs[at]
    kind = random.choice((random.randrange(0x20), 0xFB, 0xFC, 0xFD, random.randrange(256)))
    pairs[at] = (bytes((kind,)) + key[1:], value)


def _change_key_size(random: Random, maps: Maps, pairs: Pairs) -> None:
    at = random.randrange(len(pairs))
    key, value = pairs[at]
    longer = key + random.randbytes(random.randint(1, 33))
    pairs[at] = (random.choice((longer, key[:1], key[:-1] or key)), value)


def _change_value(random: Random, maps: Maps, pairs: Pairs) -> None:
    at = random.randrange(len(pairs))
    key, value = pairs[at]
    other = random.choice(random.choice([each for each in maps if each]))[1]
    cut = random.randint(0, len(value))
    changed = (b"", other, value[:cut], value + other[:4], _flip(random, value))
    pairs[at] = (key, random.choice(changed))


def _move(random: Random, maps: Maps, pairs: Pairs) -> None:
    random.choice(maps).append(pairs.pop(random.randrange(len(pairs))))


def _add(random: Random, maps: Maps, pairs: Pairs) -> None:
    kind = random.choice((0x02, 0x03, 0x05, 0x06, 0x0E, 0x10, 0x11, 0x12, 0xFB, 0xFC, 0x7F))
    value = random.choice((b"", compact_size(random.getrandbits(40)), bytes(4), b"\x02\0\0\0"))
    pairs.append((bytes((kind,)), random.choice((value, random.randbytes(4), b"\x01"))))


def _replace(random: Random, maps: Maps, pairs: Pairs) -> None:
    """A pair of another seed's like map: another amount, script, count, locktime or signature."""
    other = random.choice(split(random.choice(seeds())))
    if other:
        key, value = random.choice(other)
        pairs[:] = [pair for pair in pairs if pair[0] != key]
        pairs.insert(random.randint(0, len(pairs)), (key, value))


def _change_maps(random: Random, maps: Maps, pairs: Pairs) -> None:
    at = random.randrange(len(maps))
    change = random.choice((lambda: maps.insert(at, list(pairs)), lambda: maps.pop(at)))
    change()


_PAIR_MUTATIONS: tuple[Callable[[Random, Maps, Pairs], None], ...] = (
    _duplicate,
    _drop,
    _permute,
    _swap_type,
    _change_key_size,
    _change_value,
    _change_value,
    _move,
    _add,
    _replace,
    _change_maps,
)
