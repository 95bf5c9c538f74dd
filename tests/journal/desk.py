"""A journal on a test's own file, and deliberations about real spends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.approve import approve
from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms, Authorized, Statement, SweepTerms, authorize
from signer.core.notices import Notice
from signer.core.opreturn import Anchor, encode_payload, op_return_script
from signer.core.question import Question, ask
from signer.core.spend import ApprovedSpend, RecordedSpend, SpentCoin, VerifiedSpend
from signer.core.sweeps import SWEEP_KINDS
from signer.core.vault import RECEIVE
from signer.core.view import View
from signer.journal.budget import DEFAULT_BUDGET, CallerBudget
from signer.journal.codec import encode_entry
from signer.journal.entry import GenesisEntry
from signer.journal.journal import Journal, JournalSetting
from signer.journal.merkle import leaf_hash
from signer.journal.noting import Noting
from signer.journal.place import Place
from signer.journal.store import create_journal, store_at
from signer.ports.reading import Reading
from signer.ports.recording import Deliberation
from tests import federation
from tests.core.spends import (
    NOW,
    Case,
    Coin,
    authorized,
    change_draft,
    good_case,
    payment_draft,
)

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
    waits: bool = False
    """Whether consent waits for officers."""

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        if not self.coins_proven:
            yield Objection("coin-unproven", "no statement")

    def lets_pins_go(self, question: Question) -> bool:
        return False

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        yield from self.waiting(question)
        since = question.view.outflow_since(question.spend.vault.fingerprint, question.now - 3_600)
        if since + question.binding.charge > self.outflow and question.binding.charge:
            yield Objection("outflow-exceeded", "too much", f"{since} sat", f"{self.outflow} sat")

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        return (Objection("approval-missing", "no officer approved"),) if self.waits else ()


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


def nothing_due(_: Reading, __: int) -> tuple[Notice, ...]:
    return ()


def open_desk(
    place: Place,
    clock: ManualClock | None = None,
    budget: CallerBudget = DEFAULT_BUDGET,
    due: Noting = nothing_due,
) -> Journal:
    """The journal at that place, created if it is not there."""
    if not store_at(place).exists():
        create_journal(place, GENESIS, Signer())
    setting = JournalSetting(Signer(), clock or ManualClock(), FIRST_LEAF, budget, due)
    return Journal(place, setting)


@contextmanager
def desk(
    place: Place,
    clock: ManualClock | None = None,
    budget: CallerBudget = DEFAULT_BUDGET,
    due: Noting = nothing_due,
) -> Iterator[Journal]:
    journal = open_desk(place, clock, budget, due)
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
    journal: Journal, case: Case, policy: Policy | None = None, caller: str = "relayer"
) -> RecordedSpend:
    """Record a withdrawal with the watchers' word for it."""
    return journal.record(deliberation(case.verify(), authorized(case), policy, caller))


def case_number(number: int, amount: int = 60_000_000, fee: int = 10_000) -> Case:
    """Withdrawal `number`, paid to a user of its own from a coin of its own."""
    case = good_case((Coin(salt=number),), ((number, amount),), fee)
    script = b"\x00\x14" + sha256(b"user %d" % number)[:20]
    return case.but(outputs=(payment_draft(amount, script), *case.outputs[1:]))


def rivals(count: int, number: int = 1) -> list[Case]:
    """That many ways to pay one withdrawal, each from another coin."""
    return [good_case((Coin(salt=salt),), ((number, 60_000_000),)) for salt in range(count)]


MAGIC = b"PGWD"
ROOT = b"\x21" * 32
NEXT_VAULT = federation.vault(first=3, name="next")


def anchor_terms(batch: int = 1, root: bytes = ROOT, magic: bytes = MAGIC) -> AnchorTerms:
    """An attested anchor; what was before it has a root of its own."""
    return AnchorTerms(magic, batch - 1, sha256(b"%d" % (batch - 1)), batch, root, b"\x22" * 32)


def anchor_case(terms: AnchorTerms, coin: Coin, fee: int = 10_000) -> Case:
    """Writes that anchor, with change."""
    payload = Anchor(terms.magic, terms.batch, terms.root, terms.eth_tx_hash)
    anchor = payment_draft(0, op_return_script(encode_payload(payload)))
    outputs = (anchor, change_draft(coin.vault, coin.amount - fee))
    return Case(coin.vault, (coin.draft(),), outputs, ())


def sweep_case(coin: Coin, fee: int = 10_000) -> Case:
    """Moves the coin to change."""
    outputs = (change_draft(coin.vault, coin.amount - fee),)
    return Case(coin.vault, (coin.draft(),), outputs, ())


def rotation_case(coin: Coin, fee: int = 10_000, index: int = 3) -> Case:
    """Moves the coin to the next vault."""
    outputs = (change_draft(NEXT_VAULT, coin.amount - fee, index, RECEIVE),)
    return Case(coin.vault, (coin.draft(),), outputs, (), others=(NEXT_VAULT,))


def sweep_terms(spend: VerifiedSpend, nonce: bytes = b"n" * 16) -> SweepTerms:
    """A statement that allows exactly this sweep or rotation."""
    to = spend.to or spend.vault
    return SweepTerms(SWEEP_KINDS[spend.kind], to.fingerprint, spend.path_index, spend.fee, nonce)


def move(
    journal: Journal, spend: VerifiedSpend, *terms: Statement, caller: str = "relayer"
) -> RecordedSpend:
    """Record a spend that pays nobody, with two watchers' word for each statement."""
    words = tuple(
        watcher.attest(spend.vault.realm, NOW + 1_800, each)
        for watcher in federation.WATCHERS[:2]
        for each in terms
    )
    keys = frozenset(watcher.key for watcher in federation.WATCHERS)
    evidence = authorize(words, spend.vault.realm, keys)
    return journal.record(deliberation(spend, evidence, caller=caller))
