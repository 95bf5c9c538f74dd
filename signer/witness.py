"""The witness role: what carriers tell this kernel of the other members, and what it says to them (J6).

1. Whoever carries need not be trusted: everything is signed by members, or is entries under their heads. What
   is not meant for us, or known already, changes nothing.
2. First what is said to us: recollections for our start, grants for our pending entries. Then what our own
   log lost. Then the piece of another member's log.
3. Nothing leaves before what it says is durable: a grant leaves when the entry that takes the claim is on
   record, a cosignature when the copy that it speaks of is kept.
4. Grants are kept in memory until they are a quorum: who brought them can bring them again. Before the start
   is complete they are let go: the record could not take them, and must not keep the start from going on.
"""

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import Protocol

from signer.bitcoin.errors import Malformed
from signer.core.agreement.messages import (
    MAX_CONTRARY,
    MAX_REASON,
    Contrary,
    Granted,
    Message,
    MessageSigner,
    Recollection,
    Standing,
    read_message,
    signed_message,
)
from signer.core.agreement.notices import Grant
from signer.core.errors import malformed, unverified
from signer.core.witnesses import NO_WITNESSES
from signer.journal import members
from signer.journal.cosignature import Cosigner, Witness, cosign, cosigned_at, line_of
from signer.journal.decide import Session
from signer.journal.following import (
    MAX_JUDGED,
    Answer,
    Federations,
    Read,
    entries_of,
    follow,
    judge_waiting,
)
from signer.journal.journal import Journal
from signer.journal.log import read_checkpoint
from signer.journal.note import origin_of, read_head, read_note, verify_head
from signer.journal.settling import awaits, settle, waiting_numbers
from signer.journal.starting import roll_forward
from signer.ports import BroughtLog, Passage, Replies, Told
from signer.start import Start

MAX_MESSAGES = 1_024
"""In one call."""
MAX_REPLY = 1 << 20
"""Bytes of refusals in one answer; grants come first."""
MAX_SHOWN = 4
"""Pins and withdrawals of a refusal that our relayer is told."""
MAX_COUNTED = 10_000
"""Entries that are not true of which each is counted once; more are not counted."""
PAGE = 1 << 20
"""Bytes of entries after which a page of a copy ends."""


class MemberSigner(MessageSigner, Cosigner, Protocol):
    """The keystore's log key."""


@dataclass(slots=True)
class WitnessRole:
    """signer.ports.Witnessing. Thread-safe."""

    start: Start
    signer: MemberSigner
    _grants: dict[int, dict[bytes, Grant]] = field(default_factory=dict)
    """Of our pending entries: by number, by witness."""
    _refusals: dict[int, dict[bytes, str]] = field(default_factory=dict)
    """Of our pending entries: by number, by witness."""
    _counted: set[tuple[bytes, int]] = field(default_factory=set)
    """Others' entries that are not true and were counted."""
    _guard: threading.Lock = field(default_factory=threading.Lock)
    """Of these; never held while the writer is waited for."""

    def tell(self, told: Told) -> Replies:
        """See Witnessing (2)."""
        if len(told.messages) > MAX_MESSAGES:
            raise malformed("request-malformed", f"{len(told.messages)} messages in one call")
        for message in self._read_all(told.messages):
            self._hear(message)
        if told.own_tail is not None:
            self._roll_forward(told.own_tail)
        self.start.advance()
        standing = self._standing_of(told)
        read = None if told.log is None else self._follow(told.log)
        self.start.advance()
        answers = () if read is None or told.log is None else self._answers(told.log.log_key)
        if told.cosigned_head:
            self._keep_cosignatures(told.cosigned_head)
        return self._replies(told, standing, read, answers)

    def standing(self) -> bytes:
        """See Witnessing."""
        return self.start.standing

    def waiting_for(self) -> tuple[str, ...]:
        """See Witnessing."""
        return self.start.waiting_for()

    def pending_entries(self) -> tuple[int, ...]:
        """See Witnessing."""
        with self._journal.tables() as tables:
            return waiting_numbers(tables)

    def granted(self, number: int) -> frozenset[bytes]:
        """See Witnessing."""
        return frozenset(self._grants.get(number, ()))

    def refusals(self, number: int) -> tuple[str, ...]:
        """See Witnessing."""
        said = self._refusals.get(number, {})
        return tuple(f"{member.hex()}: {said[member]}" for member in sorted(said))

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        """See Witnessing."""
        with self._journal.tables() as tables:
            return members.followed_logs(tables)

    def followed_head(self, log_key: bytes, size: int) -> str:
        """See Witnessing."""
        with self._journal.tables() as tables:
            _require_followed(members.read_edge(tables, log_key).size)
            note = members.followed_head(tables, log_key, size)
        if not note:
            raise unverified("head-size-unknown", "no such head of that log was brought here")
        return note

    def followed_records(self, log_key: bytes, start: int, limit: int) -> tuple[bytes, ...]:
        """See Witnessing."""
        with self._journal.tables() as tables:
            _require_followed(members.read_edge(tables, log_key).size)
            return members.followed_records(tables, log_key, start, (limit, PAGE))

    def cosignatures(self, text: str) -> tuple[str, ...]:
        """See Witnessing."""
        with self._journal.tables() as tables:
            return members.cosignatures(tables, read_head(text).size)

    @property
    def _journal(self) -> Journal:
        return self.start.setting.journal

    @property
    def _genesis_hash(self) -> bytes:
        return self._journal.genesis_hash

    def _members(self) -> frozenset[bytes]:
        """The others."""
        every = (vault.witnesses.log_keys for vault in self.start.setting.vaults())
        return frozenset().union(*every) - {self.signer.log_key}

    def _federations(self) -> Federations:
        with self._journal.reading() as reading:
            policy = self.start.setting.vouching.shelf.in_force(reading)
        known = {vault.fingerprint: vault.witnesses for vault in policy.vaults}
        return Federations(
            self._genesis_hash,
            lambda vault: known.get(vault, NO_WITNESSES),
            policy.network,
            policy.governance,
        )

    def _read_all(self, signed: Iterable[bytes]) -> list[tuple[Message, bytes]]:
        others = self._members()
        return [(read_message(each, self._genesis_hash, others), each[-64:]) for each in signed]

    def _hear(self, said: tuple[Message, bytes]) -> None:
        """A recollection or a grant for us; anything else is not for us (1)."""
        message, signature = said
        if isinstance(message, Recollection):
            self.start.hear(message)
        elif isinstance(message, Granted):
            ours = (self.signer.log_key, self._journal.incarnation)
            if (message.origin, message.incarnation) == ours and self.start.is_complete:
                self._hear_grant(message, signature)
        elif isinstance(message, Contrary) and message.origin == self.signer.log_key:
            self._hear_refusal(message)

    def _hear_grant(self, said: Granted, signature: bytes) -> None:
        """Keep it (4); record that our entry is agreed when these are its quorum. A word about another entry
        than the one that waits touches nothing: it would take the others' words along."""
        with self._journal.tables() as tables:
            if not awaits(tables, said.number, said.leaf):
                return
        grant = Grant(said.witness, said.incarnation, signature)
        with self._guard:
            known = self._grants.get(said.number, {}) | {said.witness: grant}
            self._grants[said.number] = known
        entry = (said.number, said.leaf)
        work = partial(settle, entry, tuple(known.values()), self._federations())
        if not self._journal.in_turn(work, Passage.WHILE_LOCKED):
            with self._guard:
                self._grants.pop(said.number, None)

    def _hear_refusal(self, said: Contrary) -> None:
        """Keep it for whoever asks why our entry waits, as long as it does."""
        with self._journal.tables() as tables:
            waiting = frozenset(waiting_numbers(tables))
        with self._guard:
            if said.number in waiting:
                known = self._refusals.get(said.number, {})
                self._refusals[said.number] = known | {said.witness: _reason(said)}
            for number in self._refusals.keys() - waiting:
                del self._refusals[number]

    def _roll_forward(self, tail: BroughtLog) -> None:
        """What our own log lost; not once this start is complete or our log goes on."""
        if self.start.is_open and self._journal.contrary_head() is None:
            return
        if tail.log_key != self.signer.log_key:
            raise malformed("member-log-malformed", "what we lost is of our own log")
        piece = self._piece(tail)
        self._journal.in_turn(lambda session: roll_forward(session, piece), Passage.WHILE_OLD)
        self._journal.settle_heads()

    def _standing_of(self, told: Told) -> Standing | None:
        if not told.standing:
            return None
        ((standing, _),) = self._read_all((told.standing,))
        if not isinstance(standing, Standing):
            raise malformed("member-message-malformed", "not a standing")
        if told.log is not None and told.log.log_key != standing.origin:
            raise malformed(
                "member-message-malformed", "a standing of another than whose log it is"
            )
        return standing

    def _follow(self, log: BroughtLog) -> Read | None:
        """None while our own log may be an old copy: what we would record could contradict it."""
        if log.log_key not in self._members():
            raise unverified("log-unknown", f"no member has the log key {log.log_key.hex()}")
        piece = self._piece(log)
        if not self.start.is_open or self._journal.contrary_head() is not None:
            return None
        federations = self._federations()
        with self._journal.tables() as tables:
            entries = entries_of(tables, piece)
        return self._journal.in_turn(
            lambda session: follow(session, piece, entries, federations), Passage.WHILE_LOCKED
        )

    def _answers(self, member: bytes) -> tuple[Answer, ...]:
        """What we say to that member's entries that wait, once the start is complete: they are verified
        outside of the writer's turn, and judged in it."""
        if not self.start.is_complete:
            return ()
        vouching = self.start.setting.vouching
        with self._journal.reading() as reading, self._journal.tables() as tables:
            verdicts = vouching.before_grants(tables, reading.now(), member, MAX_JUDGED)
        if not verdicts:
            return ()
        federations = self._federations()
        answers = self._journal.in_turn(
            lambda session: judge_waiting(session, federations, member, verdicts),
            Passage.WHILE_LOCKED,
        )
        for answer in answers:
            self._count(answer)
        return answers

    def _count(self, answer: Answer) -> None:
        """An entry that is not true is counted, under the name of whose it is; each once."""
        name, objection = answer.claim.name, answer.unvouched
        with self._guard:
            if objection is None or name in self._counted or len(self._counted) >= MAX_COUNTED:
                return
            self._counted.add(name)
        self._journal.count(f"member {name[0].hex()}", objection.code)

    def _piece(self, log: BroughtLog) -> members.Piece:
        brought = (log.head, log.start, log.records)
        return members.read_piece(log.log_key, *brought, self._genesis_hash)

    def _replies(
        self,
        told: Told,
        standing: Standing | None,
        read: Read | None,
        answers: tuple[Answer, ...],
    ) -> Replies:
        """What we say to the member whose log it is (3)."""
        said: list[Message] = []
        if standing is not None:
            said.append(self._recollection(standing))
            said += _said(self.signer.log_key, standing, answers)
        signed = [signed_message(each, self._genesis_hash, self.signer) for each in said]
        log_key = standing.origin if standing is not None else b""
        if told.log is not None:
            log_key = told.log.log_key
        with self._journal.tables() as tables:
            size = members.read_edge(tables, log_key).size
        return Replies(size, _bounded(signed), self._cosignature(told, read))

    def _recollection(self, standing: Standing) -> Recollection:
        """What we know, of one look at the record."""
        with self._journal.tables() as tables:
            head = verify_head(read_checkpoint(tables).note, self.signer.log_key)
            known = members.followed_head(tables, standing.origin)
        return Recollection(
            witness=self.signer.log_key,
            origin=standing.origin,
            incarnation=standing.incarnation,
            size=head.size,
            root=head.root,
            known_head=known,
            clock=self.start.setting.clock.wall(),
        )

    def _cosignature(self, told: Told, read: Read | None) -> str:
        """Over the head that was brought, if our copy ends there."""
        if told.log is None or read is None or not read.is_newest:
            return ""
        name = origin_of(self._genesis_hash, self.signer.log_key)
        text = read_note(told.log.head).text
        return cosign(text, self.start.setting.clock.wall(), name, self.signer)

    def _keep_cosignatures(self, note: str) -> None:
        """Of the members that cosigned this head of ours. Raises Refusal where it is none."""
        self._journal.confirm_head(note)
        size, found = read_head(read_note(note).text).size, []
        for member in self._members():
            witness = Witness(origin_of(self._genesis_hash, member), member)
            with suppress(Malformed):  # that member has not
                cosigned_at(note, witness)
                found.append((member, size, line_of(note, witness)))
        if self.start.is_open:
            self._journal.in_turn(lambda session: _keep(session, found), Passage.WHILE_LOCKED)


def _said(me: bytes, standing: Standing, answers: Iterable[Answer]) -> Iterable[Message]:
    """Grants, then refusals."""
    for answer in sorted(answers, key=lambda each: not each.granted):
        if answer.claim.origin == standing.origin:
            yield _message(me, standing.incarnation, answer)


def _message(me: bytes, incarnation: bytes, answer: Answer) -> Message:
    claim, judgement, objection = answer
    entry = (me, claim.origin, incarnation, claim.number, claim.leaf)
    if answer.granted:
        return Granted(*entry)
    against = judgement.contrary[:MAX_CONTRARY]
    reason = "" if objection is None else f"{objection.code}: {objection.detail}"[:MAX_REASON]
    return Contrary(*entry, against, tuple(sorted(judgement.closed)), reason)


def _reason(said: Contrary) -> str:
    """What would have to be spent and paid, or what is wrong."""
    pins = {pin for claim in said.claims for pin in claim.pins}
    asked = [f"spend {coin} and pay {each.hex()}" for each, coin in sorted(pins)[:MAX_SHOWN]]
    closed = [f"{each.hex()} is closed" for each in said.closed[:MAX_SHOWN]]
    return ", ".join((*asked, *closed, *filter(None, (said.unvouched,)))) or "refused"


def _bounded(signed: list[bytes]) -> tuple[bytes, ...]:
    """As many as one answer holds."""
    sizes = accumulate(map(len, signed))
    return tuple(each for each, size in zip(signed, sizes, strict=True) if size <= MAX_REPLY)


def _keep(session: Session, found: list[tuple[bytes, int, str]]) -> None:
    for row in found:
        members.keep_cosignature(session.tables, *row)


def _require_followed(size: int) -> None:
    if not size:
        raise unverified("log-unknown", "nothing of that log was read here")
