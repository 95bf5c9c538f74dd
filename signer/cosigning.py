"""Cosignatures between members: ours on heads that we followed, the others' on ours (C2SP cosignature/v1).

1. We cosign the head at which our copy of that log ends, and no other.
2. Kept is what a member's log key signed, on a head that is of our own log.
"""

from contextlib import suppress
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.journal import members
from signer.journal.cosignature import Cosigner, Witness, cosign, cosigned_at, line_of
from signer.journal.decide import Session
from signer.journal.journal import Journal
from signer.journal.note import origin_of, read_head, read_note


class Cosigned(NamedTuple):
    """A line of another member's on a head of ours."""

    member: bytes
    size: int
    line: str


def cosigned(head: str, now: int, genesis_hash: bytes, signer: Cosigner) -> str:
    """Our line on a head at which our copy ends."""
    name = origin_of(genesis_hash, signer.log_key)
    return cosign(read_note(head).text, now, name, signer)


def cosignatures_on(journal: Journal, note: str, others: frozenset[bytes]) -> tuple[Cosigned, ...]:
    """Of the members that cosigned this head of ours. Raises Refusal where it is none."""
    journal.confirm_head(note)
    size, found = read_head(read_note(note).text).size, []
    for member in others:
        witness = Witness(origin_of(journal.genesis_hash, member), member)
        with suppress(Malformed):  # that member has not
            cosigned_at(note, witness)
            found.append(Cosigned(member, size, line_of(note, witness)))
    return tuple(found)


def keep_cosignatures(found: tuple[Cosigned, ...], session: Session) -> None:
    """The newest of each."""
    for each in found:
        members.keep_cosignature(session.tables, *each)
