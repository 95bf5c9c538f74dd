"""Spends, words and records that are only described: what a policy would say to them.

1. A described spend answers the predicates and the universal rules as a verified one does; `approve` consents
   to none (it is no VerifiedSpend).
2. Its verdict is `signer.core.approve`'s own: `sign` without an objection, `pending` when approvals or time
   alone are missing, else `refuse`, with every code in the kernel's order.
3. What is not described stands in no rule's way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policies.analysis.described_chain import DEEP, DescribedChain
from policies.analysis.described_record import DescribedRecord, recorded_payments
from policies.analysis.described_spend import FAR, DescribedSpend, described_coins, payments_of
from policies.example import Verdict
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.anchors import anchor_statements
from signer.core.approve import objections, settle, waiting
from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms, Attestation, CoinTerms, Statement, SweepTerms
from signer.core.opreturn import Anchor
from signer.core.pins import Binding
from signer.core.question import Policy, Question
from signer.core.sweeps import SWEEP_KINDS, sweep_statements

__all__ = [
    "Circumstances",
    "DescribedChain",
    "DescribedRecord",
    "DescribedSpend",
    "DescribedWords",
    "ExpectedVerdict",
    "Verdict",
    "anchor_terms",
    "described_coins",
    "move_terms",
    "payments_of",
    "question_of",
    "recorded_payments",
    "statements_of",
    "verdict_of",
    "words_about",
]

_HEIGHT, _NONCE, _ROOT_BEFORE = Height(1), bytes(16), b"\x01" * 32


@dataclass(frozen=True, slots=True)
class DescribedWords:
    """Who says what (`signer.core.evidence.Words`). Nothing expires: who is not to count is left out."""

    said_by: Mapping[Statement, frozenset[bytes]] = field(default_factory=dict)
    """Attestors by statement, coins' aside."""
    coin_keys: frozenset[bytes] = frozenset()
    """Attestors who saw every coin."""

    @property
    def said(self) -> Mapping[Statement, tuple[tuple[bytes, int], ...]]:
        """Statement -> (attestor, expiry), coins' aside."""
        return {
            statement: tuple((key, FAR) for key in sorted(keys))
            for statement, keys in self.said_by.items()
        }

    @property
    def coins(self) -> Mapping[OutPoint, tuple[CoinTerms, ...]]:
        """None by outpoint: see `coin_statements`."""
        return {}

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """None: nobody signed."""
        return ()

    def coin_statements(self, outpoint: OutPoint, prevout: TxOut) -> tuple[CoinTerms, ...]:
        """The one statement that `coin_keys` make about every coin."""
        return (CoinTerms(outpoint, prevout.amount, _HEIGHT, prevout.script_pubkey),)

    def attestors(self, statement: Statement, now: int, beyond: int = 0) -> frozenset[bytes]:
        """The attestors of exactly this statement, whenever they said it."""
        if isinstance(statement, CoinTerms):
            return self.coin_keys
        return self.said_by.get(statement, frozenset())


def statements_of(spend: DescribedSpend) -> tuple[Statement, ...]:
    """What attestors would say of it: its payments; that its anchor follows the batch one below, of some
    root; or that it may move coins for exactly its fee."""
    if spend.anchor is not None:
        return (anchor_terms(spend.anchor, spend.anchor.batch_id - 1, _ROOT_BEFORE),)
    if spend.to is not None:
        return (move_terms(spend),)
    return tuple(payment.terms for payment in spend.payments)


def anchor_terms(anchor: Anchor, previous_batch: int, previous_root: bytes) -> AnchorTerms:
    """That the anchor follows that batch."""
    return AnchorTerms(
        anchor.magic,
        previous_batch,
        previous_root,
        anchor.batch_id,
        anchor.state_root,
        anchor.eth_tx_hash,
    )


def move_terms(spend: DescribedSpend) -> SweepTerms:
    """That the sweep or rotation may be, for exactly its fee."""
    to = spend.vault if spend.to is None else spend.to
    kind = SWEEP_KINDS[spend.kind]
    return SweepTerms(kind, to.fingerprint, spend.path_index, spend.fee, _NONCE)


def words_about(
    spend: DescribedSpend, keys: Iterable[bytes], coin_keys: Iterable[bytes]
) -> DescribedWords:
    """Words in which `keys` say all that is asked of the spend, and `coin_keys` saw its coins."""
    said = frozenset(keys)
    return DescribedWords(dict.fromkeys(statements_of(spend), said), frozenset(coin_keys))


_SILENCE, _BLANK = DescribedWords(), DescribedRecord()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a verdict depends on besides the spend."""

    now: int
    """Unix seconds."""
    words: DescribedWords = _SILENCE
    record: DescribedRecord = _BLANK
    caller: str = ""
    chain: DescribedChain = DEEP


def question_of(spend: DescribedSpend, around: Circumstances) -> Question:
    """The question that the kernel would ask its policy. What it charges follows from the record; every coin
    needs its proof."""
    record, words, now = around.record, around.words, around.now
    new = tuple(each for each in spend.payments if each.withdrawal_id not in record.withdrawals)
    coins = spend.coins
    pin = coins[0].outpoint if spend.payments else None
    charged = record.dearest_fee(pin) if pin is not None else 0
    charge = sum(each.amount for each in new) + spend.moved + max(0, spend.fee - charged)
    new_pins = tuple((each.withdrawal_id, coins[0].outpoint) for each in new)
    unproven = frozenset(coin.outpoint for coin in coins)
    return Question(
        spend=spend,
        authorized=words,
        binding=Binding(
            new=new,
            unpinned=new,
            new_pins=new_pins,
            loose=(),
            relied=(),
            first_pin=pin,
            charge=Sats(charge),
            unproven=unproven,
        ),
        view=record,
        now=now,
        caller=around.caller,
        chain=around.chain.word(spend, now),
        anchored=next(iter(anchor_statements(spend, words, now)), None),
        swept=next(iter(sweep_statements(spend, words, record, now)), None),
    )


@dataclass(frozen=True, slots=True)
class ExpectedVerdict:
    """A verdict, and why."""

    verdict: Verdict
    objections: tuple[Objection, ...]
    """What is missing when it is pending; every reason when it is refused."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The objections' codes, in the kernel's order; the first is the refusal's."""
        return tuple(each.code for each in self.objections)


def verdict_of(policy: Policy, question: Question) -> ExpectedVerdict:
    """What `approve` would answer, universal rules included."""
    question = settle(question, policy)
    reasons = tuple(objections(question, policy))
    if not reasons:
        return ExpectedVerdict(Verdict.SIGN, ())
    missing = waiting(question, policy)
    if missing:
        return ExpectedVerdict(Verdict.PENDING, missing)
    return ExpectedVerdict(Verdict.REFUSE, reasons)
