"""A policy file to change at one place, and a spend, evidence and record to ask it about."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route, route_of
from policies.predicates.aged import clock_of
from policies.predicates.attested import Attested
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Height, Sats, Weight
from signer.core.acts import move_subject, withdrawal_subject
from signer.core.control import ControlState
from signer.core.evidence import (
    AnchorTerms,
    Authorized,
    CoinTerms,
    Statement,
    StatementKind,
    SweepTerms,
)
from signer.core.opreturn import Anchor
from signer.core.payment import Payment, WithdrawalId, WithdrawalTerms
from signer.core.question import Question, ask
from signer.core.spend import Change, Kind, Rotation, SpentCoin, VerifiedSpend
from signer.core.sweeps import SWEEP_KINDS
from signer.core.vault import Vault
from signer.core.view import RecordedVersion, RecordedWithdrawal, WithdrawalState

EXAMPLES = Path(__file__).parents[2] / "policies" / "examples"
TEXT = (EXAMPLES / "federation.toml").read_text().partition('\n[[allow]]\nspend = "anchor"')[0]
"""The small federation, its withdrawals alone."""
BRIDGE_TEXT = (EXAMPLES / "bridge.toml").read_text().partition("\n# What is meant.")[0]
"""The bridge without its examples."""
HEAD, WHEN, TAIL = TEXT.partition('when = """\n')[0], 'when = """\n', '"""\n'

NOW = 1_800_000_000
NOTHING = Sats(0)
P2WPKH = b"\x00\x14" + b"\x22" * 20
P2PKH = b"\x76\xa9\x14" + b"\x22" * 20 + b"\x88\xac"


def policy_text(when: str, text: str = TEXT) -> str:
    """The example with another `when`."""
    return text.partition(WHEN)[0] + WHEN + when + "\n" + TAIL


def policy(when: str) -> LoadedPolicy:
    """The example's policy with `attested(2, watchers)` and that rule."""
    return load_policy(policy_text(f"and(attested(2, watchers), {when})").encode())


def block_text(route: Route, when: str) -> str:
    """An `[[allow]]` block."""
    to = "" if route.to is None else f'to = "{route.to}"\n'
    head = f'[[allow]]\nspend = "{route.kind}"\nfrom = "{route.vault_id}"\n{to}'
    return f"{head}{WHEN}{when}\n{TAIL}"


def bridge_text(*blocks: tuple[Route, str]) -> str:
    """The second example with other blocks."""
    head = BRIDGE_TEXT.partition("[[allow]]")[0]
    return head + "".join(block_text(route, when) for route, when in blocks)


def policy_about(asked: Question, when: str) -> LoadedPolicy:
    """A policy with `attested(2, watchers)` and that rule for what is asked about."""
    if asked.spend.kind is Kind.WITHDRAWAL:
        return policy(when)
    route = route_of(asked.spend)
    return load_policy(bridge_text((route, f"and(attested(2, watchers), {when})")).encode())


FEDERATION = load_policy(TEXT.encode())
BRIDGE = load_policy(BRIDGE_TEXT.encode())
VAULT, NEXT = BRIDGE.vaults
WATCHERS = tuple(sorted(FEDERATION.attestors))


def withdrawal_id(number: int) -> WithdrawalId:
    return number.to_bytes(32, "big")


def payment(number: int = 1, amount: int = 50_000_000, script: bytes = P2WPKH) -> Payment:
    return Payment(withdrawal_id(number), number - 1, Sats(amount), script)


def coin(number: int = 0, amount: int = 300_000_000) -> SpentCoin:
    derived = VAULT.script(0, number)
    outpoint = OutPoint(Txid(bytes((number + 1,)) * 32), 0)
    return SpentCoin(outpoint, TxOut(Sats(amount), derived.script_pubkey), derived)


def spend(
    payments: tuple[Payment, ...] = (payment(),),
    fee: int = 2_000,
    coins: tuple[SpentCoin, ...] = (coin(),),
) -> VerifiedSpend:
    """A withdrawal of 200 vB."""
    outputs = tuple(TxOut(each.amount, each.script_pubkey) for each in payments)
    inputs = tuple(TxIn(each.outpoint, b"", 0xFFFFFFFD) for each in coins)
    transaction = Transaction(2, inputs, outputs, 0)
    psbt = UnverifiedPsbt(0, transaction, (), (), (), (), ())
    return VerifiedSpend(
        vault=VAULT,
        psbt=psbt,
        psbt_bytes=b"",
        kind=Kind.WITHDRAWAL,
        path_index=0,
        coins=coins,
        payments=payments,
        change=None,
        anchor=None,
        rotations=(),
        fee=Sats(fee),
        weight=Weight(800),
        tasks=(),
    )


def anchor(batch: int = 5, magic: bytes = b"PGWD") -> VerifiedSpend:
    """An anchor of that batch."""
    written = Anchor(magic, batch, root(batch), b"\xee" * 32)
    return replace(spend(()), kind=Kind.ANCHOR, anchor=written)


def root(batch: int) -> bytes:
    return batch.to_bytes(32, "little")


def sweep(vault: Vault = NEXT, path_index: int = 0) -> VerifiedSpend:
    """A sweep of that vault by that path."""
    change = Change(0, Sats(1_000), 0)
    return replace(spend(()), kind=Kind.SWEEP, vault=vault, path_index=path_index, change=change)


def rotation(vault: Vault = VAULT, to: Vault = NEXT, amount: int = 50_000_000) -> VerifiedSpend:
    """A rotation from one vault to the other."""
    moved = Rotation(0, Sats(amount), to, 0)
    return replace(spend(()), kind=Kind.ROTATION, vault=vault, rotations=(moved,))


def anchor_terms(of: VerifiedSpend) -> AnchorTerms:
    """That this anchor follows the batch below it."""
    seen = of.anchor
    assert seen is not None
    before = seen.batch_id - 1
    return AnchorTerms(
        seen.magic, before, root(before), seen.batch_id, seen.state_root, seen.eth_tx_hash
    )


def sweep_terms(of: VerifiedSpend) -> SweepTerms:
    """That this sweep or rotation may be, for a fee of at most 10,000 sat."""
    assert of.to is not None
    kind, to = SWEEP_KINDS[of.kind], of.to.fingerprint
    return SweepTerms(kind, to, of.path_index, Sats(10_000), bytes(16))


def terms_of(of: VerifiedSpend) -> list[Statement]:
    """What is to be attested."""
    if of.anchor is not None:
        return [anchor_terms(of)]
    if of.to is not None:
        return [sweep_terms(of)]
    return [each.terms for each in of.payments]


def authorized(*words: tuple[Statement, Iterable[bytes]], expiry: int = NOW + 1_800) -> Authorized:
    """Evidence in which these attestors say these statements."""
    said = {terms: tuple((key, expiry) for key in keys) for terms, keys in words}
    coins: dict[OutPoint, tuple[CoinTerms, ...]] = {}
    for terms in said:
        if isinstance(terms, CoinTerms):
            coins[terms.outpoint] = (*coins.get(terms.outpoint, ()), terms)
    return Authorized(said, coins, ())


def coin_terms(of: SpentCoin, height: int = 100) -> CoinTerms:
    return CoinTerms(of.outpoint, of.prevout.amount, Height(height), of.prevout.script_pubkey)


@dataclass(frozen=True)
class FixedView:
    """A record that is what the test says."""

    charges: tuple[tuple[int, Sats, int], ...] = ()
    """(time, charge, new withdrawals), oldest first."""
    withdrawals: tuple[RecordedWithdrawal, ...] = ()
    fee_on_record: Sats = NOTHING
    nonces: frozenset[bytes] = frozenset()
    approvals: tuple[tuple[bytes, bytes, int], ...] = ()
    """(subject, officer, expiry)."""
    moves: tuple[SweepTerms, ...] = ()
    """Sweep statements that some officer approved."""
    clocks: tuple[tuple[WithdrawalTerms, bytes, int], ...] = ()
    """(terms, quorum, when it was first complete)."""
    held: int = 0
    said_of_kernel: ControlState = field(default_factory=ControlState)

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        found = [each for each in self.withdrawals if each.terms.withdrawal_id == withdrawal_id]
        return found[0] if found else None

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        return ()

    def is_closed(self, withdrawal_id: WithdrawalId) -> bool:
        return False

    def pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        recorded = self.withdrawal(withdrawal_id)
        pin = recorded.pin if recorded else None
        return frozenset() if pin is None else frozenset((pin,))

    def terms_of(self, withdrawal_id: WithdrawalId) -> frozenset[WithdrawalTerms]:
        recorded = self.withdrawal(withdrawal_id)
        return frozenset() if recorded is None else frozenset((recorded.terms,))

    def loose_pins_of(self, _: WithdrawalId) -> frozenset[OutPoint]:
        return frozenset()

    def held_payers(self, _: WithdrawalId) -> frozenset[bytes]:
        return frozenset()

    def held_spenders(self, _: OutPoint) -> frozenset[bytes]:
        return frozenset()

    def struck_of(self, _: WithdrawalId) -> frozenset[OutPoint]:
        return frozenset()

    def closing_since(self, _: bytes, __: tuple[WithdrawalTerms, ...]) -> int:
        return 0

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        return tuple(each.terms.withdrawal_id for each in self.withdrawals if each.pin == coin)

    def recorded_coin(self, vault_fingerprint: bytes, coin: OutPoint) -> None:
        return None

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        return ()

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        return frozenset()

    def version(self, txid: Txid) -> RecordedVersion | None:
        return None

    def dearest_fee(self, first_pin: OutPoint) -> Sats:
        return self.fee_on_record

    def outflow_since(self, vault_fingerprint: bytes, moment: int) -> Sats:
        return Sats(sum(each[1] for each in self.charges_since(vault_fingerprint, moment)))

    def withdrawals_since(self, vault_fingerprint: bytes, moment: int) -> int:
        return sum(each[2] for each in self.charges_since(vault_fingerprint, moment))

    def charges_since(
        self, vault_fingerprint: bytes, moment: int
    ) -> tuple[tuple[int, Sats, int], ...]:
        charges = self.charges if vault_fingerprint == VAULT.fingerprint else ()
        return tuple(each for each in charges if each[0] > moment)

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        return 0

    def batch_root(self, magic: bytes, batch: int) -> bytes | None:
        return None

    def highest_batch(self, magic: bytes) -> int | None:
        return None

    def nonce_used(self, nonce: bytes) -> bool:
        return nonce in self.nonces

    def first_attested(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorum: bytes
    ) -> int | None:
        known = {each[:2]: each[2] for each in self.clocks}
        return known.get((terms, quorum)) if vault_fingerprint == VAULT.fingerprint else None

    def approvers(self, subject: bytes) -> tuple[tuple[bytes, int], ...]:
        return tuple(each[1:] for each in self.approvals if each[0] == subject)

    def approved_moves(self, vault_fingerprint: bytes) -> tuple[SweepTerms, ...]:
        return self.moves

    def held_until(self, withdrawal_id: WithdrawalId, script_pubkey: bytes) -> int:
        return self.held

    def control(self) -> ControlState:
        return self.said_of_kernel


WATCHING = FEDERATION.groups[0]
CLOCK = clock_of([frozenset((Attested(2, WATCHING, StatementKind.WITHDRAWAL),))]).digest
"""Of `aged` beside `attested(2, watchers)`."""


def approvals(
    of: VerifiedSpend, officers: Iterable[bytes], expiry: int = NOW + 1
) -> tuple[tuple[bytes, bytes, int], ...]:
    """These officers approve all that the spend does."""
    genesis, vault = of.vault.network.genesis_hash, of.vault.fingerprint
    subjects = [withdrawal_subject(genesis, vault, each.terms) for each in of.payments]
    if of.to is not None:
        subjects = [move_subject(genesis, vault, sweep_terms(of))]
    return tuple((subject, officer, expiry) for subject in subjects for officer in officers)


def final(of: VerifiedSpend) -> VerifiedSpend:
    """The same spend without an input that signals replacement."""
    inputs = tuple(each._replace(sequence=0xFFFFFFFE) for each in of.transaction.inputs)
    return replace(of, psbt=replace(of.psbt, transaction=replace(of.transaction, inputs=inputs)))


def on_record(terms: WithdrawalTerms, pin: SpentCoin | None = None) -> RecordedWithdrawal:
    outpoint = (pin or coin()).outpoint
    return RecordedWithdrawal(terms, VAULT.fingerprint, WithdrawalState.OPEN, outpoint)


def question(
    of: VerifiedSpend | None = None,
    evidence: Authorized | None = None,
    view: FixedView = FixedView(),
) -> Question:
    """The spend with two words for all that is asked of it, unless told otherwise."""
    of = of or spend()
    if evidence is None:
        evidence = authorized(*((terms, WATCHERS[:2]) for terms in terms_of(of)))
    return ask(of, evidence, view, NOW)


def codes(of: LoadedPolicy, asked: Question) -> list[str]:
    """The codes of the objections, in order."""
    return [reason.code for reason in of.spend_objections(asked)]


def later(asked: Question, seconds: int) -> Question:
    return replace(asked, now=asked.now + seconds)
