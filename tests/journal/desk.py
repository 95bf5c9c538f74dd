"""A journal on a test's own file, and deliberations about real spends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.approve import Question, approve, ask
from signer.core.errors import Objection
from signer.core.evidence import Authorized
from signer.core.spend import ApprovedSpend, RecordedSpend, SpentCoin, VerifiedSpend
from signer.core.view import View
from signer.journal.codec import encode_entry
from signer.journal.decide import DEFAULT_BUDGET, RefusalBudget
from signer.journal.entry import GenesisEntry
from signer.journal.journal import JournalSetting, SqliteJournal
from signer.journal.merkle import leaf_hash
from signer.journal.store import create_journal
from signer.ports import Deliberation
from tests import federation
from tests.core.spends import NOW, Case, Coin, authorized, good_case

POLICY_ID = sha256(b"the policy of these tests")


@dataclass
class Signer:
    """A log key whose secret is known."""

    key: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)
    )

    @property
    def log_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def sign_head(self, text: bytes) -> bytes:
        return self.key.sign(text)


@dataclass
class ManualClock:
    """A clock that tests set; it may go back."""

    moment: int = NOW

    def now(self) -> int:
        return self.moment


@dataclass
class Policy:
    """Consents to all that J1 and the coin rule allow, up to an outflow per hour."""

    outflow: int = 2**60
    coins_proven: bool = True
    policy_id: bytes = POLICY_ID

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        if not self.coins_proven:
            yield Objection("coin-unproven", "no statement")

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        since = question.view.outflow_since(question.spend.vault.fingerprint, question.now - 3_600)
        if since + question.binding.charge > self.outflow and question.binding.charge:
            yield Objection("outflow-exceeded", "too much", f"{since} sat", f"{self.outflow} sat")


GENESIS = GenesisEntry(
    clock=NOW - 100,
    network="regtest",
    genesis_hash=REGTEST.genesis_hash,
    policy_id=POLICY_ID,
    vaults=(federation.vault().fingerprint,),
    log_key=Signer().log_key,
    statement_key=b"\x06" * 32,
    salt=b"\x07" * 16,
)
FIRST_LEAF = leaf_hash(encode_entry(GENESIS))


def open_desk(
    path: Path, clock: ManualClock | None = None, budget: RefusalBudget = DEFAULT_BUDGET
) -> SqliteJournal:
    """The journal at that path, created if it is not there."""
    if not path.exists():
        create_journal(path, GENESIS, Signer())
    setting = JournalSetting(Signer(), clock or ManualClock(), FIRST_LEAF, budget)
    return SqliteJournal(path, setting)


@contextmanager
def desk(
    path: Path, clock: ManualClock | None = None, budget: RefusalBudget = DEFAULT_BUDGET
) -> Iterator[SqliteJournal]:
    journal = open_desk(path, clock, budget)
    try:
        yield journal
    finally:
        journal.close()


def deliberation(
    spend: VerifiedSpend,
    evidence: Authorized | None = None,
    policy: Policy | None = None,
    caller: str = "relayer",
) -> Deliberation:
    word = evidence or Authorized({}, {}, ())

    def decide(view: View, now: int) -> ApprovedSpend:
        return approve(ask(spend, word, view, now), policy or Policy())

    request = b"request " + spend.psbt_bytes
    return Deliberation(spend, caller, sha256(request), decide, request, POLICY_ID)


def pay(
    journal: SqliteJournal, case: Case, policy: Policy | None = None, caller: str = "relayer"
) -> RecordedSpend:
    """Record a withdrawal with the watchers' word for it."""
    return journal.record(deliberation(case.verify(), authorized(case), policy, caller))


def case_number(number: int, amount: int = 60_000_000, fee: int = 10_000) -> Case:
    """Withdrawal `number`, paid from a coin of its own."""
    return good_case((Coin(salt=number),), ((number, amount),), fee)
