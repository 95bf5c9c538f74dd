"""The witness role: what carriers tell this kernel of the other members, and what it says to them (J6).

1. Whoever carries need not be trusted: everything is signed by members, or is entries under their heads. What
   is not meant for us, or known already, changes nothing.
2. First what is said to us: recollections for our start, grants for our pending entries. Then what our own
   log lost. Then the piece of another member's log.
3. Nothing leaves before what it says is durable: a grant leaves when the entry that takes the claim is on
   record, a cosignature when the copy that it speaks of is kept.
4. A message that is not as it should be is counted and dropped alone; a grant that comes before our start is
   complete is let go: the record could not take it, and it must not keep the start from going on.
"""

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from signer import witness_words as words
from signer.bitcoin.errors import Malformed
from signer.core.agreement.messages import (
    Contrary,
    Granted,
    Message,
    MessageSigner,
    Recollection,
    Standing,
    author,
    read_message,
    signed_message,
)
from signer.core.errors import Refusal, malformed, unverified
from signer.cosigning import cosignatures_on, cosigned, keep_cosignatures
from signer.heard_grants import HeardGrants
from signer.journal import members
from signer.journal.cosignature import Cosigner
from signer.journal.following import (
    Read,
    entries_of,
    follow,
)
from signer.journal.journal import Journal
from signer.journal.judging import MAX_JUDGED, Answer, judge_waiting
from signer.journal.note import read_head
from signer.journal.settling import waiting_numbers
from signer.journal.starting import roll_forward
from signer.ports.members import BroughtLog, Replies, Told
from signer.ports.recording import Passage
from signer.start import Start

CONTRADICTIONS = ("member-log-contradicts", "member-forked")
UNREAD = "member unknown"
"""Whose messages are counted that no member signed."""
MAX_MESSAGES = 1_024
"""In one call."""
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
    _heard: HeardGrants = field(init=False)
    _counted: set[tuple[bytes, int]] = field(default_factory=set)
    """Others' entries that are not true and were counted."""
    _guard: threading.Lock = field(default_factory=threading.Lock)
    """Of these; never held while the writer is waited for."""

    def __post_init__(self) -> None:
        self._heard = HeardGrants(self._journal)

    def tell(self, told: Told) -> Replies:
        """See Witnessing (2)."""
        if len(told.messages) > MAX_MESSAGES:
            raise malformed("request-malformed", f"{len(told.messages)} messages in one call")
        others = self._members()
        for signed in told.messages:
            self._hear_alone(signed, others)
        if told.own_tail is not None:
            self._roll_forward(told.own_tail)
        self.start.advance()
        standing = self._standing_of(told, others)
        read = None if told.log is None else self._follow(told, told.log, others)
        self.start.advance()
        answers = () if read is None or told.log is None else self._answers(told.log.log_key)
        if told.cosigned_head:
            found = cosignatures_on(self._journal, told.cosigned_head, others)
            if self.start.is_open:
                self._journal.in_turn(partial(keep_cosignatures, found), Passage.WHILE_LOCKED)
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
        return self._heard.granted(number)

    def refusals(self, number: int) -> tuple[str, ...]:
        """See Witnessing."""
        return self._heard.refusals(number)

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        """See Witnessing."""
        with self._journal.tables() as tables:
            logs = members.followed_logs(tables)
        if self.start.is_complete:
            return logs
        doubted = self.start.importing.doubted
        return tuple((each.member, 0 if each.member in doubted else each.size) for each in logs)

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

    def _hear_alone(self, signed: bytes, others: frozenset[bytes]) -> None:
        """A message that is not as it should be is counted and dropped; it keeps nobody else's from us."""
        said_by = UNREAD
        try:
            message = read_message(signed, self._genesis_hash, others)
            said_by = f"member {author(message).hex()}"
            self._hear(message, signed[-64:])
        except Malformed as error:
            self._journal.count(said_by, error.code)

    def _hear(self, message: Message, signature: bytes) -> None:
        """A recollection or a grant for us; anything else is not for us (1)."""
        if isinstance(message, Recollection):
            self.start.hear(message)
        elif isinstance(message, Granted):
            ours = (self.signer.log_key, self._journal.incarnation)
            if (message.origin, message.incarnation) == ours and self.start.is_complete:
                self._heard.grant(message, signature, self.start.setting.federations())
        elif isinstance(message, Contrary) and message.origin == self.signer.log_key:
            self._heard.refusal(message)

    def _roll_forward(self, tail: BroughtLog) -> None:
        """What our own log lost; not once this start is complete or our log goes on."""
        if self.start.is_open and self._journal.contrary_head() is None:
            return
        if tail.log_key != self.signer.log_key:
            raise malformed("member-log-malformed", "what we lost is of our own log")
        piece = self._piece(tail)
        self._journal.in_turn(lambda session: roll_forward(session, piece), Passage.WHILE_OLD)
        self._journal.settle_heads()

    def _standing_of(self, told: Told, others: frozenset[bytes]) -> Standing | None:
        if not told.standing:
            return None
        standing = read_message(told.standing, self._genesis_hash, others)
        if not isinstance(standing, Standing):
            raise malformed("member-message-malformed", "not a standing")
        if told.log is not None and told.log.log_key != standing.origin:
            raise malformed(
                "member-message-malformed", "a standing of another than whose log it is"
            )
        return standing

    def _follow(self, told: Told, log: BroughtLog, others: frozenset[bytes]) -> Read | None:
        """None while our own log may be an old copy: what we would record could contradict it. Logs of
        witnesses that were replaced are read while a start wants them."""
        start = self.start
        if log.log_key not in others and (
            start.is_complete or not start.importing.wants_former(log.log_key, others)
        ):
            raise unverified("log-unknown", f"no member has the log key {log.log_key.hex()}")
        piece = self._piece(log)
        if not self.start.is_open or self._journal.contrary_head() is not None:
            return None
        federations = self.start.setting.federations()
        with self._journal.tables() as tables:
            entries = entries_of(tables, piece)
        try:
            read = self._journal.in_turn(
                lambda session: follow(session, piece, entries, federations), Passage.WHILE_LOCKED
            )
        except Refusal as refusal:
            if self.start.is_complete or refusal.code not in CONTRADICTIONS:
                raise
            self.start.importing.doubt(piece.member)
            if not self.start.importing.read_beside(piece, told.caller, federations.officers):
                raise
            return Read(piece.head.size, is_newest=False)
        if self.start.is_complete or piece.member not in self.start.importing.doubted:
            return read
        self.start.importing.read_beside(piece, told.caller, federations.officers)
        return Read(min(read.size, piece.head.size), is_newest=False)

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
        federations = self.start.setting.federations()
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
        said, now = list[Message](), self.start.setting.clock.wall()
        if standing is not None:
            said.append(words.recollection(self._journal, self.signer.log_key, standing, now))
            said += words.said(self.signer.log_key, standing, answers)
        signed = [signed_message(each, self._genesis_hash, self.signer) for each in said]
        log_key = standing.origin if standing is not None else b""
        if told.log is not None:
            log_key = told.log.log_key
        with self._journal.tables() as tables:
            size = members.read_edge(tables, log_key).size if read is None else read.size
        cosignature = ""
        if told.log is not None and read is not None and read.is_newest:
            cosignature = cosigned(told.log.head, now, self._genesis_hash, self.signer)
        return Replies(size, words.bounded(signed), cosignature)


def _require_followed(size: int) -> None:
    if not size:
        raise unverified("log-unknown", "nothing of that log was read here")
