"""A vault key with caps, its ledger on disk, the journal of its core, and the machine that they live on.

1. The journal is durable before anything is charged, and holds what the core says leaves.
2. The machine's date goes with the true time, or behind it. The kernel's time begins with it where it fits
   what the journal was last served at; else the clock has stepped, until the officers state the true time.
3. What the ledger's file says is read here again, by its layout alone.
"""

from dataclasses import dataclass, field
from pathlib import Path

from keystore.file_keystore import FileKeystore
from keystore.header import LEAST_COST, Binding, Header, Limits, Role
from keystore.identity import Identity
from keystore.ledger import create_ledger, ledger_files
from keystore.sealed import OpenedKey
from keystore.secret import Secret
from keystore.vault_key import VaultKey
from signer.bitcoin.network import REGTEST
from signer.charged import Counting
from signer.clock import MAX_DIFFERENCE, MAX_DOWNTIME
from signer.core.errors import Objection
from signer.core.spend import RecordedSpend, SignedSpend, VerifiedSpend
from tests import federation
from tests.custody.canaries import Watch
from tests.custody.journal import Journal
from tests.custody.lies import outflow
from tests.keystore.vaultroom import SEED

START, RECORD, GROWTH = 32, 92, slice(52, 60)
"""Bytes of the ledger's start, of a record, and of the growth in it (3)."""


@dataclass
class Machine:
    """Its clocks, in seconds."""

    true: int = 1_800_000_000
    behind: int = 0
    """The machine's date is that much behind the true time."""
    booted: int = 0
    """True time of the last boot."""

    def __post_init__(self) -> None:
        self.booted = self.true - 1_000

    @property
    def date(self) -> int:
        return self.true - self.behind

    def since_boot(self) -> float:
        return self.true - self.booted


@dataclass
class Member:
    """The key, and a core without a policy."""

    folder: Path
    identity: Identity
    binding: Binding
    limits: Limits
    ledger_key: bytes
    watch: Watch
    machine: Machine = field(default_factory=Machine)
    starting: tuple[str, ...] = ()
    """Why the start is not complete."""
    served: int = 0
    """Effective time at which the journal was last served."""

    def __post_init__(self) -> None:
        with Secret(self.ledger_key) as key:
            create_ledger(self.ledger, key, self.binding.vault_fingerprint)
        self.served = self.machine.date
        self.begun = float(self.served - self.machine.since_boot())
        self.journal = Journal(self.binding.vault_fingerprint, self.clock)
        self.start()

    @property
    def ledger(self) -> Path:
        return self.folder / self.binding.vault_fingerprint.hex()

    def clock(self) -> int:
        """The kernel's, which goes as the boot clock does (2)."""
        return int(self.begun + self.machine.since_boot())

    def stop(self) -> None:
        """The kernel ends."""
        self.served = max(self.served, self.journal.effective)
        self.keystore.close()

    def start(self, *starting: str) -> None:
        """As `signer.compose`: alone, or with others of which these sentences are waited for."""
        self.keystore, self.starting = self.opened(), starting
        self.counting = Counting(self.keystore, self.journal, lambda: self.starting)
        self.begun = max(self.served, self.journal.last) - self.machine.since_boot()
        self.journal.stopped = ()
        if not starting:
            self.judge(MAX_DOWNTIME)

    def judge(self, downtime: int) -> None:
        """Of the clock, as `signer.clock` does: alone, or (then no downtime is too long) by the others'. A
        date that is behind by no more than the downtime would be believed alone: that is not in the
        campaign, see docs/keystore.md."""
        after = self.machine.date - self.clock()
        fits = not downtime or -MAX_DIFFERENCE <= after <= downtime
        if fits and self.machine.behind <= MAX_DIFFERENCE:
            self.begun = self.machine.date - self.machine.since_boot()
        else:
            self.journal.stopped = (Objection("clock-stepped", "it does not fit"),)
        self.starting = ()
        self.counting.if_possible()

    def unlock(self) -> None:
        """The officers state the true time."""
        self.begun = self.machine.true - self.machine.since_boot()
        self.journal.stopped = ()

    def opened(self) -> FileKeystore:
        """The keystore of a new start, its ledger open, not caught up. Raises what a ledger refuses."""
        public = federation.MEMBERS[0].key_text
        none = bytes(32)
        header = Header(
            Role.VAULT, REGTEST, public, none, none[:12], LEAST_COST, self.binding, self.limits
        )
        key = VaultKey(OpenedKey(header, Secret(SEED + self.ledger_key)))
        made = FileKeystore(self.identity, (key,))
        self.watch.show(made, key, header, key.ledger_key, vars(made))
        made.open_ledgers(ledger_files(self.folder), self.machine.since_boot)
        return made

    def record(self, spend: VerifiedSpend) -> RecordedSpend:
        """An entry more (1, 2)."""
        inputs = tuple(each.previous for each in spend.transaction.inputs)
        leaving = outflow(spend, self.limits.successor)
        clock = self.journal.append(spend.transaction.txid, inputs, leaving)
        head = f"pegwarden/a/b\n{len(self.journal.entries)}\n{'A' * 43}=\n\n- signature\n"
        return RecordedSpend(spend, b"\x04" * 32, head, clock)

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """As the kernel does. Raises Refusal and Fault."""
        self.counting()
        return self.keystore.sign(recorded)

    def pass_(self, seconds: int) -> None:
        self.machine.true += seconds


def records(ledger: bytes) -> list[tuple[int, int]]:
    """(moment, growth in sats) of each record."""
    starts = range(START, len(ledger) - RECORD + 1, RECORD)
    found = (ledger[at : at + RECORD] for at in starts)
    return [(int.from_bytes(each[:8]), int.from_bytes(each[GROWTH])) for each in found]


def grown(ledger: bytes) -> int:
    """By how much all accounts grew."""
    return sum(growth for _, growth in records(ledger))
