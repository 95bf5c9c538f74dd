"""The start of a member's process: every start is treated as a restore (design J6, docs/agreement.md).

1. An incarnation is drawn; our standing, which names it, asks the other members what they know.
2. Until enough of them have answered nothing extends our log: it may be an old copy, and what it lost must
   come back first (`state-rolled-back` until it has).
3. Then their logs are read as far as they said. When enough are imported the start is complete, and their
   clocks judge ours; until then nothing is granted, and nothing is signed, released or attested, for vaults
   without witnesses neither: effective time lags by all that we were down. Officers may change the policy,
   which replaces a witness that is silent for ever: one that comes into force meanwhile says who is waited
   for. Where it has no witnesses for a vault any more, those of the beginning are waited for all the same.
4. Enough is `Vault.importers`, for each vault with witnesses. Without such a vault nothing is waited for.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from signer.bitcoin.errors import Malformed
from signer.core.agreement.messages import MessageSigner, Recollection, Standing, signed_message
from signer.core.agreement.notices import Heard
from signer.core.errors import Objection, Refusal
from signer.core.vault import Vault
from signer.core.witnesses import NO_WITNESSES
from signer.importing import Importing
from signer.journal.following import Federations
from signer.journal.journal import Journal
from signer.journal.note import verify_head
from signer.journal.reopening import Officers
from signer.ports.recording import Passage
from signer.vouching import Vouching

STARTING = "agreement-starting"


class WitnessedClock(Protocol):
    """What the start tells the clock (design J7)."""

    def wall(self) -> int:
        """What the machine's clock shows, Unix seconds."""

    def heard(self, member: bytes, wall: int) -> None:
        """A witness has just said what its wall clock shows."""

    def others_time(self) -> int:
        """Unix seconds until which other members may have written."""

    def judge_by_witnesses(self) -> None:
        """Enough were heard."""


@dataclass(frozen=True, slots=True)
class StartSetting:
    """What a start works with."""

    journal: Journal
    signer: MessageSigner
    vaults: Callable[[], tuple[Vault, ...]]
    """Of the policy in force."""
    clock: WitnessedClock
    vouching: Vouching

    def federations(self) -> Federations:
        """As the policy in force says."""
        with self.journal.reading() as reading:
            policy = self.vouching.shelf.in_force(reading)
        known = {vault.fingerprint: vault.witnesses for vault in policy.vaults}
        return Federations(
            self.journal.genesis_hash,
            lambda vault: known.get(vault, NO_WITNESSES),
            Officers(policy.governance, policy.network),
            self.clock.others_time(),
        )


@dataclass(slots=True)
class Start:
    """One start, from the first standing until it is complete. Thread-safe."""

    setting: StartSetting
    standing: bytes = field(init=False)
    """Signed (1)."""
    is_open: bool = field(init=False, default=False)
    """Whether our log may be extended (2)."""
    when_complete: Callable[[], None] = field(default=lambda: None)
    """Told so, once. Raises nothing."""
    _alone: bool = field(init=False, default=False)
    """It began with nobody to wait for (4)."""
    _recollected: dict[bytes, Recollection] = field(default_factory=dict)
    importing: Importing = field(init=False)
    _enough: tuple[Heard, ...] = ()
    """The members that were imported when they were enough."""
    _imported: frozenset[bytes] | None = None
    _begun: tuple[Vault, ...] = field(init=False)
    """The vaults with witnesses of the policy that was in force at the beginning (3)."""
    _advancing: threading.Lock = field(default_factory=threading.Lock)
    """Never waited for: the journal's writer may ask `waiting_for`."""

    def __post_init__(self) -> None:
        journal, signer = self.setting.journal, self.setting.signer
        self.importing = Importing(journal, self.setting.vouching, signer.log_key)
        with journal.reading() as reading:
            head = verify_head(reading.head(), signer.log_key)
        said = (head.size, head.root, self.setting.clock.wall())
        standing = Standing(signer.log_key, journal.incarnation, *said)
        self.standing = signed_message(standing, journal.genesis_hash, signer)
        self._begun = self._in_force()
        if self._begun:
            detail = "the other members have not said yet how far they know this kernel's log"
            journal.gate.shut(Objection(STARTING, detail), Passage.WHILE_OLD)
        else:
            self.is_open = self._alone = True

    def hear(self, said: Recollection) -> None:
        """A member's answer to a standing; nothing happens unless it is ours. Raises Malformed
        `head-malformed` where what it says of our own log is not signed by us."""
        ours = (self.setting.signer.log_key, self.setting.journal.incarnation)
        if (said.origin, said.incarnation) != ours:
            return
        if said.known_head:
            self._confirm(said.known_head)
        self.setting.clock.heard(said.witness, said.clock)
        self._recollected = {said.witness: said} | self._recollected

    def advance(self) -> None:
        """Go as far as what was heard and read allows (2, 3)."""
        if not self._advancing.acquire(blocking=False):
            return
        try:
            if self._imported is None and (vaults := self._witnessed()):
                self._advance(vaults)
        finally:
            self._advancing.release()

    @property
    def is_complete(self) -> bool:
        """Whether we grant and sign (3)."""
        return self._imported is not None

    def unfinished(self) -> tuple[str, ...]:
        """Why it is not complete, one sentence each; nothing where it is, or where nobody is waited for."""
        if self._alone or self.is_complete:
            return ()
        return self.waiting_for() or ("what was imported is not judged yet",)

    def waiting_for(self) -> tuple[str, ...]:
        """Why we neither grant nor sign, one sentence each; nothing when we do."""
        vaults, heard = self._witnessed(), frozenset(self._recollected)
        if self._imported is not None:
            return self._lacking(self._imported, vaults, "restart to import the claims of")
        waits = self._lacking(heard, vaults)
        if self._is_old():
            return (
                "this journal is an old copy: what it lost must be brought from the other members",
                *waits,
            )
        if not waits and vaults:
            return (f"reads the logs of members {_names(heard)}",)
        return waits

    def _confirm(self, head: str) -> None:
        """Our own head, as another member kept it: the gate shuts where our log does not have it."""
        try:
            self.setting.journal.confirm_head(head)
        except Refusal as refusal:
            if refusal.code == "head-malformed":
                raise Malformed(refusal.code, refusal.objections[0].detail) from None
            if refusal.code not in ("state-rolled-back", "head-abandoned"):
                raise

    def _is_old(self) -> bool:
        return self.setting.journal.contrary_head() is not None

    def _witnessed(self) -> tuple[Vault, ...]:
        """For which others are waited for (3)."""
        now, begun = self._in_force(), () if self.is_complete else self._begun
        named = {vault.fingerprint for vault in now}
        return (*now, *(vault for vault in begun if vault.fingerprint not in named))

    def _in_force(self) -> tuple[Vault, ...]:
        return tuple(vault for vault in self.setting.vaults() if vault.witnesses.quorum)

    def _lacking(
        self, members: frozenset[bytes], vaults: tuple[Vault, ...], verb: str = "waits for"
    ) -> tuple[str, ...]:
        """For which vaults these members are too few (4)."""
        sentences = []
        for vault in vaults:
            others = frozenset(vault.witnesses.log_keys) - {self.setting.signer.log_key}
            more = vault.importers - len(others & members)
            if more > 0:
                names = _names(others - members)
                sentences.append(
                    f"{verb} members {names}: {more} of {vault.importers} more needed "
                    f"(vault {vault.vault_id})"
                )
        return tuple(sentences)

    def _advance(self, vaults: tuple[Vault, ...]) -> None:
        """The next steps that can be done now."""
        recollected = self._recollected
        if self._lacking(frozenset(recollected), vaults) or self._is_old():
            return
        gate = self.setting.journal.gate
        if not self.is_open:
            detail = "the other members' logs are read; this machine's clock is compared with theirs then"
            gate.shut(Objection(STARTING, detail), Passage.ORDINARY)
            self.is_open = True
        said = [Heard(each.witness, each.size, each.root) for each in recollected.values()]
        if self._lacking(_members(self._enough), vaults):
            self._enough = self.importing.imported(said)
        members = _members(self._enough)
        if not self._lacking(members, vaults) and self.importing.end(self._enough):
            self.setting.clock.judge_by_witnesses()
            gate.reopen(STARTING)
            self._imported = members
            self.when_complete()


def _members(heard: tuple[Heard, ...]) -> frozenset[bytes]:
    return frozenset(each.member for each in heard)


def _names(members: frozenset[bytes]) -> str:
    return ", ".join(sorted(member.hex()[:16] for member in members))
