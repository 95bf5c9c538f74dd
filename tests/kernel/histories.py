"""Long honest histories of one kernel, for replay and for whoever needs a large journal.

`History` drives a whole kernel in process (real policy with [governance], sealed keys, a journal on disk) by
requests as relayers and officers send them, drawn from a seed: payments, bumps, batches that grow, retries,
anchors, sweeps, a rotation, large withdrawals that wait for time and officers, holds, rejections, changes of
policy, restarts, requests that come at the same time, and requests that are refused for many reasons.
The order within a group that comes at the same time is the threads'; all else follows from the seed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random

from coincurve import PrivateKey
from google.protobuf.message import Message

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.core.evidence import Statement, SweepTerms
from signer.core.payment import WithdrawalTerms
from signer.core.vault import Vault
from signer.descent import verify_descent
from signer.member_files import shelf_of
from tests import federation
from tests.attacks.bridge import PEG, TAP, Guard, message_of, offered
from tests.core.spends import NOW
from tests.kernel import history_acts, history_faults
from tests.kernel.governed import OFFICERS, begin
from tests.kernel.history_world import (
    HOUR,
    RATE,
    SMALL,
    Asked,
    Owned,
    Sent,
    World,
    governed_policy,
)
from tests.kernel.room import ManualClock, Running

RELAYERS = tuple(Caller(f"relayer-{number}", frozenset({Role.RELAYER})) for number in (1, 2, 3))
TOGETHER = 6
"""Requests that come at the same time."""


@dataclass(frozen=True)
class _Watcher(federation.Watcher):
    """Whose key is made once."""

    @cached_property
    def secret(self) -> PrivateKey:
        return PrivateKey(bytes([self.number]) * 32)

    @cached_property
    def key(self) -> bytes:
        return self.secret.public_key_xonly.format()


_WATCHERS = tuple(_Watcher(each.number) for each in federation.WATCHERS)


@dataclass
class History:
    """A kernel with its past."""

    folder: Path
    seed: int = 1
    number: int = 0
    """Which member it is: the third has no key in the recovery path."""
    tally: Counter[str] = field(default_factory=Counter)
    """Answer -> how often: `signed`, `pending`, or the code of a refusal."""

    def __post_init__(self) -> None:
        self.world = World(Random(self.seed), NOW, governed_policy())
        self.clock = ManualClock(NOW)
        self.guard = Guard(
            self.folder / "member", self.number, self.world.policy, self.clock
        ).init()
        begin(self.guard, *OFFICERS)
        self.entries: set[bytes] = set()
        """Ids of the decisions on record."""

    @property
    def journal(self) -> Path:
        return self.guard.folder / "journal.sqlite"

    @property
    def now(self) -> int:
        return self.clock.moment

    def run(self, decisions: int) -> Counter[str]:
        """Go on until so many decisions are on record."""
        while len(self.entries) < decisions:
            with self.serving():
                life = self.world.random.randrange(200, 4_000)
                until = min(decisions, len(self.entries) + life)
                while len(self.entries) < until:
                    self._step()
        return self.tally

    def sample(self) -> Counter[str]:
        """Some of everything: a short history in which each deed and each fault occurs."""
        with self.serving():
            for _ in range(12):
                _pay(self)
            for deed in (*_DEEDS, *history_acts.SMALL_ACTS, history_acts.loosen):
                self.clock.moment += HOUR
                deed(self)
        with self.serving():
            for fault in history_faults.FAULTS:
                _pay(self)
                asked = fault(self)
                if asked is not None:
                    self.ask(asked)
        return self.tally

    @contextmanager
    def serving(self) -> Iterator[None]:
        """From a start of the kernel to its end."""
        self.running = self.guard.start()
        with self.running.journal.reading() as reading:
            verify_descent(shelf_of(load_policy(self.guard.policy)), REGTEST, reading)
        try:
            with ThreadPoolExecutor(TOGETHER) as self.threads:
                yield
        finally:
            self.running.stop()

    def _step(self) -> None:
        random = self.world.random
        if random.random() < 0.75:  # else at the same second
            self.clock.moment += random.choice((1, 20, 60, 200, 200, 600, 1_200, HOUR))
        (deed,) = random.choices(list(_DEEDS), list(_DEEDS.values()))
        deed(self)

    # --- asking

    def ask(self, asked: Asked, caller: Caller | None = None) -> str:
        """The kernel's answer, in a word."""
        caller = caller or self.world.random.choice(RELAYERS)
        return self._noted(asked, _answer(self.running, asked.message, caller))

    def ask_together(self, several: list[Asked]) -> None:
        callers = [self.world.random.choice(RELAYERS) for _ in several]
        answers = self.threads.map(
            lambda each: _answer(self.running, each[0].message, each[1]),
            zip(several, callers, strict=True),
        )
        for asked, answer in zip(several, list(answers), strict=True):
            self._noted(asked, answer)

    def _noted(self, asked: Asked, answer: tuple[str, bytes]) -> str:
        word, decision_id = answer
        self.tally[word] += 1
        if decision_id and decision_id not in self.entries:
            self.entries.add(decision_id)
            if word == "signed":
                self.world.signed(asked.sent, asked.message.psbt)
        return word

    def call(self, method: str, request: Message, answer: type[Message]) -> Message | None:
        """Another RPC's answer; None where it is refused."""
        caller = Caller("desk", frozenset({Role.OFFICER}))
        try:
            return answer.FromString(self.running.call(method, request, caller))
        except Refusal as refusal:
            self.tally[f"{method}: {refusal.code}"] += 1
            return None

    # --- building

    def words(
        self, vault: Vault, *statements: Statement, watchers: int = 2, age: int = 0
    ) -> list[t.Attestation]:
        """One attestation of each watcher for each kind of statement."""
        kinds = dict.fromkeys(map(type, statements))
        expiry = self.now + 1_800 - age
        return [
            message_of(each, vault, expiry, *(said for said in statements if type(said) is kind))
            for each in _WATCHERS[:watchers]
            for kind in kinds
        ]

    def pay(
        self,
        coins: tuple[Owned, ...],
        payments: tuple[WithdrawalTerms, ...],
        **more: int,
    ) -> Asked:
        """These withdrawals from all these coins, attested. `rate=`, `index=` of the change, `watchers=`."""
        vault, rate = coins[0].vault, more.get("rate", RATE)
        index = more.get("index", self.world.change_index())
        missing = sum(each.amount for each in payments) + 500_000
        missing -= sum(each.amount for each in coins)
        if missing > 0:
            coins = (*coins, self.world.coin(vault, least=missing))
        built = self.running.construct(
            pb.ConstructWithdrawalTxRequest(
                vault_id=vault.vault_id,
                payments=map(_payment, payments),
                coins=map(offered, coins),
                required_inputs=[offered(each).outpoint for each in coins],
                fee_rate_sat_per_kvb=rate,
                change_index=index,
            )
        )
        said: list[Statement] = [*payments, *(each.terms for each in coins)]
        evidence = self.words(vault, *said, watchers=more.get("watchers", 2))
        message = pb.SignPsbtRequest(
            vault_id=vault.vault_id,
            psbt=built.psbt,
            payments=built.payments,
            attestations=evidence,
        )
        change = (built.change_vout, index) if built.HasField("change_vout") else None
        return Asked(message, Sent(coins, payments, rate, change))

    def fresh(self, vault: Vault = PEG) -> Asked:
        """New withdrawals from fresh coins."""
        payments = self.world.withdrawals()
        count = self.world.random.choice((1, 1, 1, 2, 3))
        return self.pay(tuple(self.world.coin(vault) for _ in range(count)), payments)

    def bumped(self, sent: Sent) -> Asked:
        """A version of it with a higher fee."""
        rate = sent.rate + self.world.random.randrange(500, 4_000)
        return self.pay(sent.coins, sent.payments, rate=min(rate, 58_000))

    def grown(self, sent: Sent) -> Asked:
        """A version of it with one withdrawal and one coin more."""
        vault = sent.coins[0].vault
        coins = (*sent.coins, self.world.coin(vault))
        return self.pay(coins, (*sent.payments, self.world.withdrawal()), rate=sent.rate + 500)

    def moved(self, vault: Vault, to: Vault, said: SweepTerms, watchers: int = 3) -> Asked:
        """Coins of one vault to another, or to itself, as so many watchers say."""
        coins = tuple(self.world.coin(vault) for _ in range(self.world.random.randrange(1, 4)))
        built = pb.ConstructSweepTxResponse.FromString(
            self.running.call(
                "ConstructSweepTx",
                pb.ConstructSweepTxRequest(
                    vault_id=vault.vault_id,
                    to_vault_id=to.vault_id,
                    coins=map(offered, coins),
                    path_index=said.path,
                    fee_rate_sat_per_kvb=RATE,
                ),
            )
        )
        evidence = self.words(vault, said, watchers=watchers)
        evidence += self.words(vault, *(each.terms for each in coins))
        message = pb.SignPsbtRequest(
            vault_id=vault.vault_id, psbt=built.psbt, attestations=evidence
        )
        return Asked(message, Sent(coins, (), RATE, None))

    def recent(self) -> Sent | None:
        recent = self.world.recent
        return self.world.random.choice(list(recent)) if recent else None


def _payment(terms: WithdrawalTerms) -> pb.WithdrawalPayment:
    return pb.WithdrawalPayment(
        withdrawal_id=terms.withdrawal_id,
        address=address_of(terms.script_pubkey, REGTEST),
        amount_sat=terms.amount,
    )


def _answer(running: Running, message: pb.SignPsbtRequest, caller: Caller) -> tuple[str, bytes]:
    try:
        answer = pb.SignPsbtResponse.FromString(running.call("SignPsbt", message, caller))
    except Refusal as refusal:
        return refusal.code, refusal.decision_id
    return ("pending" if answer.HasField("pending") else "signed"), answer.decision_id


def _pay(history: History) -> None:
    history.ask(history.fresh())


def _pay_from_taproot(history: History) -> None:
    history.ask(history.fresh(TAP))


def _bump(history: History) -> None:
    if (sent := history.recent()) is not None:
        history.ask(history.bumped(sent))


def _grow(history: History) -> None:
    sent = history.recent()
    if sent is not None and len(sent.coins) < 6:
        history.ask(history.grown(sent))


def _retry(history: History) -> None:
    asked = history.fresh()
    history.ask(asked)
    history.ask(asked)


def _together(history: History) -> None:
    """Payments, bumps and wrong ones at the same time; two of them about the same."""
    count = history.world.random.randrange(2, TOGETHER)
    several = [history.fresh() for _ in range(count)]
    if (sent := history.recent()) is not None:
        several.append(history.bumped(sent))
    else:
        several.append(several[0])
    history.world.random.shuffle(several)
    history.ask_together(several)


def _large(history: History) -> None:
    """Attested once, and asked again until time and officers have had their say."""
    world = history.world
    terms = world.withdrawal(SMALL + world.random.randrange(1, 10_000_000))
    asked = history.pay((world.coin(least=SMALL + 20_000_000),), (terms,))
    if history.ask(asked) != "pending":
        return
    for officer in OFFICERS[: world.random.randrange(4)]:
        history_acts.approve(history, officer, terms)
    if world.random.random() < 0.8:
        history.clock.moment += HOUR
    evidence = history.words(PEG, terms, *(each.terms for each in asked.sent.coins))
    del asked.message.attestations[:]
    asked.message.attestations.extend(evidence)
    history.ask(asked)


def _anchor(history: History) -> None:
    world = history.world
    said, coin = world.next_batch(), world.coin(world.random.choice((PEG, TAP)))
    built = pb.ConstructAnchorTxResponse.FromString(
        history.running.call(
            "ConstructAnchorTx",
            pb.ConstructAnchorTxRequest(
                vault_id=coin.vault.vault_id,
                magic=said.magic,
                batch_id=said.batch,
                state_root=said.root,
                eth_tx_hash=said.eth_tx_hash,
                coins=[offered(coin)],
                fee_rate_sat_per_kvb=RATE,
            ),
        )
    )
    evidence = history.words(coin.vault, said, coin.terms)
    message = pb.SignPsbtRequest(
        vault_id=coin.vault.vault_id, psbt=built.psbt, attestations=evidence
    )
    history.ask(Asked(message, Sent((coin,), (), RATE, None, said)))


def _move(history: History) -> None:
    """A sweep, or a rotation from one vault to the other, by attestors or by officers."""
    world = history.world
    vault, to, path = world.random.choice(
        ((PEG, PEG, 0), (PEG, TAP, 0), (TAP, TAP, 0), (TAP, TAP, 1))
    )
    said = SweepTerms(1 if vault is to else 2, to.fingerprint, path, Sats(100_000), world.nonce())
    by_officers = vault is to is PEG and world.random.random() < 0.5
    if by_officers:
        for officer in OFFICERS[: world.random.randrange(1, 4)]:
            history_acts.approve_move(history, officer, said)
    history.ask(history.moved(vault, to, said, 0 if by_officers else world.random.choice((2, 3))))


_DEEDS: dict[Callable[[History], None], int] = {
    _pay: 460,
    _pay_from_taproot: 60,
    _bump: 90,
    _grow: 50,
    _retry: 30,
    _together: 40,
    history_faults.wrong: 170,
    _large: 30,
    _anchor: 40,
    _move: 12,
    history_acts.act: 20,
    history_acts.change_policy: 3,
    history_acts.loosen: 1,
    history_acts.tighten_alone: 1,
    history_acts.change_while_asked: 1,
}
