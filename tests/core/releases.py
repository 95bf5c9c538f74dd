"""One good strike and one good closing, every part of which a test can change."""

from dataclasses import dataclass, replace
from functools import cache

from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import Attestation, SpentTerms, authorize
from signer.core.payment import WithdrawalTerms
from signer.core.release import Release, ReleaseQuestion, release_objections
from signer.core.release_proof import KillerBlock
from signer.core.vault import Vault
from signer.core.view import RecordedWithdrawal, WithdrawalState
from tests.core.spends import NOW, USER_SCRIPT, withdrawal_id
from tests.federation import WATCHERS, Watcher, definition

DEPTH = 6
HEIGHT = 200
OFFICERS = tuple(Watcher(number).key for number in (21, 22, 23))
OTHER_SCRIPT = b"\x00\x14" + b"\x33" * 20
AMOUNT = Sats(60_000_000)


@dataclass(frozen=True)
class PolicyTerms:
    """What a test may change in the policy."""

    quorum: int = 0
    work: str = ""
    """`release_work`; none where it is empty."""
    governed: bool = True
    coins: str = "attested(2, watchers)"
    sweeping: bool = False
    """Whether sweeps are allowed."""
    when: str = "approved(1, officers)"
    """For a sweep."""

    @property
    def text(self) -> str:
        """A policy of the test vault."""
        peg = definition()
        keys = ", ".join(f'"{key}"' for key in peg.keys)
        watchers = ", ".join(f'"{watcher.key.hex()}"' for watcher in WATCHERS)
        officers = ", ".join(f'"{key.hex()}"' for key in OFFICERS)
        blocks = [("withdrawal", "", "attested(2, watchers)")]
        blocks += [("sweep", 'to = "peg"\n', self.when)] if self.sweeping else []
        return (
            'format = "pegwarden-policy/1"\nname = "test"\nversion = 1\nnetwork = "regtest"\n'
            f'[vaults.peg]\ntemplate = "{peg.template}"\nkeys = [{keys}]\nlookahead = 20\n'
            f'coins = "{self.coins}"\nrelease_depth = {DEPTH}\n'
            + (f"release_quorum = {self.quorum}\n" if self.quorum else "")
            + (f'release_work = "{self.work}"\n' if self.work else "")
            + f"[groups]\nwatchers = [{watchers}]\nofficers = [{officers}]\n"
            + (GOVERNANCE if self.governed else "")
            + "".join(
                f'[[allow]]\nspend = "{kind}"\nfrom = "peg"\n{to}when = "{when}"\n'
                for kind, to, when in blocks
            )
        )


GOVERNANCE = (
    '[governance]\nofficers = "officers"\nquorum = 2\ndelay = "1h"\nconfirm_within = "1h"\n'
)


def policy(**terms: object) -> LoadedPolicy:
    """That policy, loaded."""
    return _loaded(PolicyTerms(**terms))  # type: ignore[arg-type]


@cache
def _loaded(terms: PolicyTerms) -> LoadedPolicy:
    return load_policy(terms.text.encode())


LENIENT = policy()
"""Asks no officers where the payment is on record."""


def the_vault() -> Vault:
    return LENIENT.vaults[0]


def transaction(
    spends: tuple[OutPoint, ...], *outputs: tuple[int, bytes], witness: bytes = b""
) -> Transaction:
    inputs = tuple(TxIn(each, b"", 0xFFFFFFFD) for each in spends)
    made = tuple(TxOut(Sats(amount), script) for amount, script in outputs)
    witnesses = tuple((witness,) for _ in inputs) if witness else ()
    return Transaction(2, inputs, made, 0, witnesses)


def outpoint(name: str, vout: int = 0) -> OutPoint:
    return OutPoint(Txid(sha256(name.encode())), vout)


SOURCE = outpoint("source", 3)
FUNDING = transaction(
    (outpoint("fee"), SOURCE), (1_000, OTHER_SCRIPT), (70_000_000, b"\x00\x20" + bytes(32))
)
"""Whose output 1 is the parent of the pin."""
PARENT = transaction(
    (OutPoint(FUNDING.txid, 1),), (69_990_000, the_vault().script(0, 0).script_pubkey)
)
PIN = OutPoint(PARENT.txid, 0)
"""The withdrawal's coin."""
KILLER = transaction((PIN, outpoint("other")), (69_900_000, OTHER_SCRIPT))
PAYER = transaction((PIN,), (AMOUNT, USER_SCRIPT), (9_000_000, OTHER_SCRIPT))
DOUBLE_SPEND = transaction((SOURCE,), (69_000_000, OTHER_SCRIPT))
"""Takes the funding of the pin's parent away."""
TERMS = WithdrawalTerms(withdrawal_id(1), AMOUNT, USER_SCRIPT)


def spent(
    killer: Transaction, of: OutPoint, depth: int = DEPTH, height: int = HEIGHT
) -> SpentTerms:
    return SpentTerms(of, killer.txid, Height(height), Height(height + depth - 1))


@dataclass(frozen=True)
class Case:
    """A release to ask about. `case.but(...)` is its twin with some fields changed."""

    pin: OutPoint | None
    transactions: tuple[Transaction, ...]
    said: tuple[SpentTerms, ...]
    """By each watcher; a single one by all."""
    watchers: tuple[Watcher, ...] = WATCHERS[:2]
    expiry: int = NOW + 1_800
    pins: frozenset[OutPoint] = frozenset((PIN,))
    payers: frozenset[Txid] = frozenset((PAYER.txid,))
    """By agreed entries of ours."""
    labels: tuple[bytes, ...] = ()
    """Others' entries that say the same of the killer."""
    tolerated: int = 0
    settled: int = 0
    officers: frozenset[bytes] = frozenset()
    recorded_pin: OutPoint | None = PIN
    state: WithdrawalState = WithdrawalState.OPEN
    policy: LoadedPolicy = LENIENT
    block: KillerBlock | None = None
    """By our own chain."""

    def but(self, **changes: object) -> "Case":
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        said = self.said * len(self.watchers) if len(self.said) == 1 else self.said
        realm = the_vault().realm
        pairs = zip(self.watchers, said, strict=True)
        return tuple(watcher.attest(realm, self.expiry, each) for watcher, each in pairs)

    @property
    def question(self) -> ReleaseQuestion:
        vault = the_vault()
        return ReleaseQuestion(
            release=Release(TERMS.withdrawal_id, self.pin, self.transactions),
            recorded=RecordedWithdrawal(TERMS, vault.fingerprint, self.state, self.recorded_pin),
            pins=self.pins,
            is_known=self.transactions[-1].txid in self.payers,
            labels=self.labels,
            tolerated=self.tolerated,
            settled=self.settled,
            words=authorize(self.attestations, vault.realm, self.policy.attestors),
            officers=self.officers,
            now=NOW,
            block=self.block,
        )

    @property
    def codes(self) -> list[str]:
        return [each.code for each in release_objections(self.question, self.policy)]


STRIKE = Case(PIN, (KILLER,), (spent(KILLER, PIN),))
CLOSING = Case(None, (PAYER,), (spent(PAYER, PIN),))
REORGANISED = Case(PIN, (FUNDING, PARENT, DOUBLE_SPEND), (spent(DOUBLE_SPEND, SOURCE),))
"""The pin's funding was reorganised away, and another transaction spent its source."""
