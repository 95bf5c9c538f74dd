"""A policy file to change at one place, and a spend, evidence and record to ask it about."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Height, Sats, Weight
from signer.core.approve import Question
from signer.core.evidence import Authorized, CoinTerms, Statement
from signer.core.payment import Payment, WithdrawalId, WithdrawalTerms
from signer.core.pins import bind
from signer.core.spend import Kind, SpentCoin, VerifiedSpend
from signer.core.view import RecordedVersion, RecordedWithdrawal, WithdrawalState

EXAMPLE = Path(__file__).parents[2] / "policies" / "examples" / "federation.toml"
TEXT = EXAMPLE.read_text()
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


FEDERATION = load_policy(TEXT.encode())
VAULT = FEDERATION.vaults[0]
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
        path="primary",
        coins=coins,
        payments=payments,
        change=None,
        fee=Sats(fee),
        weight=Weight(800),
        tasks=(),
    )


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

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        found = [each for each in self.withdrawals if each.terms.withdrawal_id == withdrawal_id]
        return found[0] if found else None

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        return tuple(each.terms.withdrawal_id for each in self.withdrawals if each.pin == coin)

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        return ()

    def pays(self, txid: Txid, withdrawal_id: WithdrawalId) -> bool:
        return False

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
        assert vault_fingerprint == VAULT.fingerprint
        return tuple(each for each in self.charges if each[0] > moment)

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        return 0


def on_record(terms: WithdrawalTerms, pin: SpentCoin | None = None) -> RecordedWithdrawal:
    outpoint = (pin or coin()).outpoint
    return RecordedWithdrawal(terms, VAULT.fingerprint, WithdrawalState.OPEN, outpoint)


def question(
    of: VerifiedSpend | None = None,
    evidence: Authorized | None = None,
    view: FixedView = FixedView(),
) -> Question:
    """The spend with two words for each payment, unless told otherwise."""
    of = of or spend()
    if evidence is None:
        evidence = authorized(*((each.terms, WATCHERS[:2]) for each in of.payments))
    return Question(of, evidence, bind(of, view), view, NOW)


def codes(of: LoadedPolicy, asked: Question) -> list[str]:
    """The codes of the objections, in order."""
    return [reason.code for reason in of.spend_objections(asked)]


def later(asked: Question, seconds: int) -> Question:
    return replace(asked, now=asked.now + seconds)
