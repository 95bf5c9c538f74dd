"""The two ends of J1: a withdrawal is closed when its payment is buried, and a pin is struck when the coin is
gone without a payment (design section 8, docs/releases.md).

1. Either is proven by one whole transaction, the killer, and by attestors' `spent` statements, counted as the
   vault's `coins` expression says: that exactly this txid spends exactly an output that bears on the
   question, at one height, `release_depth` deep; or by our own chain (`release_proof`). A coinbase spends
   no output and proves nothing.
2. Close: the killer pays the withdrawal, as an agreed entry of ours says, or such entries of more than f
   other members, one of whom is honest then: a quorum stands behind its label, and no other (ADR 0010).
   Of an entry that waits nobody knows whether the others were told the same. What is not known so, but has
   an output of the withdrawal's amount and script, closes it with the officers' quorum alone.
3. Strike: the killer spends the pin, or an input of a transaction from which the pin descends (that one and
   all that lead to the pin are brought along), and is none of these itself. What might be a payment strikes
   nothing: each of its outputs of the withdrawal's amount and script has paid another one, closed by it.
4. Where the vault has a `release_quorum`, so many officers of [governance] consent to exactly this.
5. So a pin goes only when all versions that spend it are dead, and nothing else was paid in their place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut, display
from signer.core.errors import Objection
from signer.core.evidence import SpentTerms
from signer.core.governance import GovernanceTerms
from signer.core.payment import WithdrawalId
from signer.core.pins import closed
from signer.core.release_proof import BurialTerms, KillerBlock, burial_objections
from signer.core.view import RecordedWithdrawal, WithdrawalState
from signer.core.words import Words

COINBASE = OutPoint(Txid(bytes(32)), 0xFFFFFFFF)
"""What the input of a coinbase names."""
MAX_TRANSACTIONS = 64
"""Of one release: those that lead to a pin, and the killer."""


@dataclass(frozen=True, slots=True)
class Release:
    """What is asked for: a claim."""

    withdrawal_id: WithdrawalId
    pin: OutPoint | None
    """To be struck; None: the withdrawal is to be closed."""
    transactions: tuple[Transaction, ...]
    """At least one. The killer is the last; those before it lead to the pin, each spending the one before."""

    @property
    def killer(self) -> Transaction:
        """What is said to be buried."""
        return self.transactions[-1]

    @property
    def descent(self) -> tuple[Transaction, ...]:
        """From which the pin descends; the last one makes it. Empty where the killer spends the pin."""
        return self.transactions[:-1]


@dataclass(frozen=True, slots=True)
class ReleaseQuestion:
    """All that a release may depend on."""

    release: Release
    recorded: RecordedWithdrawal
    pins: frozenset[OutPoint]
    """That the withdrawal has, or that we hold for another member."""
    is_known: bool
    """Whether an agreed entry of ours says that the killer pays it."""
    labels: tuple[bytes, ...]
    """Names of others' agreed entries that say so, one for each of these members."""
    tolerated: int
    """f: members that may be dishonest."""
    settled: int
    """Other withdrawals of its amount and script that the killer has closed."""
    words: Words
    officers: frozenset[bytes]
    """Who consents to exactly this."""
    now: int
    """Effective time, Unix seconds."""
    block: KillerBlock | None = None
    """Where our own chain has the killer, if that was proven; then no attestor is asked."""

    @property
    def is_paid(self) -> bool:
        """Whether it is known that the killer pays it (2)."""
        return self.is_known or len(self.labels) > max(0, self.tolerated)

    @property
    def is_payment_unknown(self) -> bool:
        """Whether it would be closed by a transaction of which that is not known."""
        return self.release.pin is None and not self.is_paid


class ReleaseTerms(NamedTuple):
    """What a vault asks of releases."""

    depth: int
    """Confirmations."""
    quorum: int
    """Officers of [governance]; 0 for none."""
    work: int | None = None
    """Expected hashes, for a killer that our own chain proves; None: it takes no such proof."""


class ReleasePolicy(Protocol):
    """What the rules need of a policy."""

    @property
    def governance(self) -> GovernanceTerms | None:
        """Whose officers consent."""

    def release_terms(self, vault_fingerprint: bytes) -> ReleaseTerms:
        """Of that vault."""

    def spent_objections(
        self, question: ReleaseQuestion, statements: tuple[SpentTerms, ...]
    ) -> Iterator[Objection]:
        """Why the words for these statements do not prove what all of them say (the vault's `coins`)."""


def release_objections(question: ReleaseQuestion, policy: ReleasePolicy) -> Iterator[Objection]:
    """Every reason against the release."""
    if question.recorded.state is WithdrawalState.CLOSED:
        yield closed(question.release.withdrawal_id)
        return
    release = question.release
    taken = {txin.previous for txin in release.killer.inputs}
    if COINBASE in taken:  # 1
        yield Objection("release-coinbase", "a coinbase spends no output", _named(release.killer))
        return
    if release.pin is None:
        yield from _closing_objections(question)
    else:
        yield from _striking_objections(question, release.pin)
        taken &= _needed_for(release.pin, release.descent)
    if taken:
        yield from _proof_objections(question, taken, policy)
    yield from _consent_objections(question, policy)


def _closing_objections(question: ReleaseQuestion) -> Iterator[Objection]:
    release = question.release
    if release.descent:
        yield _broken("a withdrawal is closed by one transaction")
    outputs = _outputs_for(question)
    if outputs <= question.settled:
        yield Objection(
            "release-not-paid",
            "no output of the withdrawal's amount and script is left beside those of the equal withdrawals "
            "that the transaction closed here",
            f"{_named(release.killer)}: {outputs} outputs",
            f"{question.settled} closed by it",
        )


def _striking_objections(question: ReleaseQuestion, pin: OutPoint) -> Iterator[Objection]:
    release = question.release
    if pin not in question.pins:
        known = ", ".join(map(str, sorted(question.pins))) or "none"
        yield Objection(
            "release-pin-unknown", "the withdrawal has no such pin", f"{pin}", f"pins: {known}"
        )
    outputs = _outputs_for(question)
    if question.is_paid or outputs > question.settled:
        yield Objection(
            "release-pays",
            "the transaction has more outputs of the withdrawal's amount and script than it closed equal "
            "withdrawals here: it may be its payment",
            f"{_named(release.killer)}: {outputs} outputs",
            f"{question.settled} closed by it",
        )
    yield from _descent_objections(release.descent, pin)
    taken = {txin.previous for txin in release.killer.inputs}
    led = {
        each.txid for each in release.descent
    }  # by txid: another witness is the same transaction
    if release.killer.txid in led or not taken & _needed_for(pin, release.descent):
        yield Objection(
            "release-kills-nothing",
            "the last transaction spends neither the pin nor an input of the first one that leads to it, "
            "or it is one of these",
            _named(release.killer),
        )


def _descent_objections(descent: tuple[Transaction, ...], pin: OutPoint) -> Iterator[Objection]:
    for parent, child in pairwise(descent):
        if all(txin.previous.txid != parent.txid for txin in child.inputs):
            yield _broken(f"{_named(child)} spends no output of {_named(parent)}")
    if descent and descent[-1].txid != pin.txid:
        yield _broken(f"{_named(descent[-1])} does not make {pin}")


def _needed_for(pin: OutPoint, descent: tuple[Transaction, ...]) -> set[OutPoint]:
    """Of these outputs each must be spent by what leads to the pin, or the pin never exists; or the pin."""
    return {txin.previous for txin in descent[0].inputs} if descent else {pin}


def _outputs_for(question: ReleaseQuestion) -> int:
    """How many outputs of the killer have the withdrawal's amount and script."""
    terms = question.recorded.terms
    return question.release.killer.outputs.count(TxOut(terms.amount, terms.script_pubkey))


def _proof_objections(
    question: ReleaseQuestion, taken: set[OutPoint], policy: ReleasePolicy
) -> Iterator[Objection]:
    """Rule 1. `taken`: the outputs of which it must be said that the killer spends one."""
    killer = question.release.killer.txid
    terms = policy.release_terms(question.recorded.vault_fingerprint)
    depth = terms.depth
    if question.block is not None:
        asked = BurialTerms(depth, terms.work)
        yield from burial_objections(question.block, asked)
        return
    said = tuple(
        each
        for each in question.words.said
        if isinstance(each, SpentTerms) and each.spender == killer and each.outpoint in taken
    )
    deep = tuple(each for each in said if each.depth >= depth)
    if said and not deep:
        yield Objection(
            "release-too-shallow",
            "the transaction is not buried deep enough",
            f"{max(each.depth for each in said)} confirmations",
            f"{depth} confirmations",
        )
        return
    yield from policy.spent_objections(question, deep)


def _consent_objections(question: ReleaseQuestion, policy: ReleasePolicy) -> Iterator[Objection]:
    """Rules 2 and 4."""
    governance = policy.governance
    needed = policy.release_terms(question.recorded.vault_fingerprint).quorum
    if question.is_payment_unknown:
        if governance is None:
            yield _too_few(0, "a policy with [governance]")
            return
        needed = max(needed, governance.quorum)
    if len(question.officers) < needed:
        yield _too_few(len(question.officers), f"{needed} officers of [governance]")


def _too_few(count: int, limit: str) -> Objection:
    detail = "officers must consent to exactly this release"
    return Objection("release-officers-missing", detail, f"{count} officers", limit)


def _broken(detail: str) -> Objection:
    return Objection("release-descent-broken", detail)


def _named(transaction: Transaction) -> str:
    return display(transaction.txid)
