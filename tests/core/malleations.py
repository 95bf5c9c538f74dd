"""Spends of scripts as Miniscript writes them, and what others could make of their witnesses on the way.

A change needs no key: items are replaced by others, left out, doubled, exchanged. Signatures are never new,
except that members may have signed the same transaction for others to see.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from signer.bitcoin.hashes import hash160, sha256
from signer.bitcoin.script import push_data
from signer.bitcoin.secp import ORDER
from signer.bitcoin.transaction import OutPoint, Transaction
from tests.core.standard_cases import (
    ALICE,
    BOB,
    CAROL,
    Candidate,
    Sign,
    Unlock,
    high_s,
    wsh,
)

A, B, C = (push_data(key.public_key.format()) for key in (ALICE, BOB, CAROL))
BOB_HASH = push_data(hash160(BOB.public_key.format()))
PREIMAGE = b"\x07" * 32
HASH = b"\x82\x01\x20\x88\xa8" + push_data(sha256(PREIMAGE)) + b"\x87"

SCRIPTS: dict[str, tuple[bytes, Unlock]] = {
    "multi(2,A,B,C)": (
        b"\x52" + A + B + C + b"\x53\xae",
        lambda sign: (b"", sign(ALICE), sign(CAROL)),
    ),
    "thresh(2,pk(A),s:pk(B),s:pk(C))": (
        A + b"\xac\x7c" + B + b"\xac\x93\x7c" + C + b"\xac\x93\x52\x87",
        lambda sign: (sign(CAROL), b"", sign(ALICE)),
    ),
    "or_b(pk(A),s:pk(B))": (
        A + b"\xac\x7c" + B + b"\xac\x9b",
        lambda sign: (sign(BOB), b""),
    ),
    "or_d(pk(A),pkh(B))": (
        A + b"\xac\x73\x64\x76\xa9" + BOB_HASH + b"\x88\xac\x68",
        lambda sign: (sign(BOB), BOB.public_key.format(), b""),
    ),
    "t:or_c(pk(A),v:pk(B))": (
        A + b"\xac\x64" + B + b"\xad\x68\x51",
        lambda sign: (sign(BOB), b""),
    ),
    "or_i(pk(A),pk(B))": (
        b"\x63" + A + b"\xac\x67" + B + b"\xac\x68",
        lambda sign: (sign(ALICE), b"\x01"),
    ),
    "andor(pk(A),sha256(H),pk(B))": (
        A + b"\xac\x64" + B + b"\xac\x67" + HASH + b"\x68",
        lambda sign: (PREIMAGE, sign(ALICE)),
    ),
    "or_b(j:pk(A),a:pk(B))": (
        b"\x82\x92\x63" + A + b"\xac\x68\x6b" + B + b"\xac\x6c\x9b",
        lambda sign: (sign(BOB), b""),
    ),
    "and_v(v:pk(A),or_b(multi(1,B,C),a:n:pk(C)))": (
        A + b"\xad\x51" + B + C + b"\x52\xae\x6b" + C + b"\xac\x92\x6c\x9b",
        lambda sign: (b"", b"", sign(BOB), sign(ALICE)),
    ),
}
"""Each with one good choice of signers."""


def malleated(script: bytes, unlock: Unlock, random: Random) -> Candidate:
    """A good spend of it with one to two changes of its items."""
    good, place = wsh(script, unlock), random.random()

    def spend(outpoints: tuple[OutPoint, ...]) -> Transaction:
        chance, transaction = Random(place), good.spend(outpoints)
        *items, _ = transaction.witnesses[0]
        seen = list(_seen(script, outpoints))
        for _ in range(chance.randint(1, 2)):
            items = _change(chance, items, chance.choice(seen))
        return replace(transaction, witnesses=((*items, script),))

    return Candidate(good.script_pubkey, spend)


def _seen(script: bytes, outpoints: tuple[OutPoint, ...]) -> Iterator[bytes]:
    """Items that anyone has: constants, and the members' signatures over this transaction."""

    def all_of_them(sign: Sign) -> tuple[bytes, ...]:
        return sign(ALICE), sign(BOB), sign(CAROL)

    *signatures, _ = wsh(script, all_of_them).spend(outpoints).witnesses[0]
    yield from signatures
    yield from map(high_s, signatures)
    yield from (signatures[0][:-1] + b"\x00", signatures[0][:-1])
    yield from (b"", b"\x01", b"\x02", b"\x00", b"\x80", b"\x01\x00", bytes(32), PREIMAGE)
    yield ORDER.to_bytes(32, "big")


def _change(random: Random, items: list[bytes], other: bytes) -> list[bytes]:
    at = random.randrange(len(items)) if items else 0
    return random.choice(
        (
            [*items[:at], other, *items[at + 1 :]],
            [*items[:at], other, *items[at + 1 :]],
            [*items[:at], *items[at + 1 :]],
            [*items[:at], other, *items[at:]],
            [*items[:at], *items[at : at + 1] * 2, *items[at + 1 :]],
            [*items[:at], *items[at : at + 2][::-1], *items[at + 2 :]],
        )
    )
