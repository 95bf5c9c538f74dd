"""A federation of real kernels, a hostile relayer, and all that can happen to both, drawn from a seed.

A step (`tests.model.steps`) is one thing at random: a request to a member, a carrier's round between some of
them, a block, a reorganisation, a restart, a restore, a clone, an officer's word, a lie of the one member
that may be dishonest. What must never be is in `tests.model.judge`.
1. Signatures count as known to everyone the moment a member makes them, also where the reply is lost.
2. The dishonest member's vault key signs everything that is drafted.
3. The steps are drawn by weight from one seed, and not by hypothesis' RuleBasedStateMachine, which was
   weighed: a life needs hundreds of steps for its history (an agreed version, a coin that dies, a restore, a
   strike), hypothesis gives its rules about equal odds and keeps examples far shorter; and it shrinks by
   running lives again, seconds each. A seed repeats a life exactly; `tests.model.shorter` drops steps from it
   as long as the same thing goes wrong.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from carrier.round import Carrier, Report
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.caller import Caller, Role
from signer.core.errors import Fault, Refusal
from signer.core.payment import WithdrawalTerms
from tests.kernel.history_world import Owned
from tests.model.carried import Tapped
from tests.model.drafts import Draft, anchor_request, relabelled, withdrawal_request
from tests.model.heads import Heads, Log
from tests.model.hosts import Process, Shape, loaded
from tests.model.officers import Text
from tests.model.past import Past, Stopped
from tests.model.team import Team
from tests.model.world import World, out_of

if TYPE_CHECKING:
    from tests.postgres import Cluster

RELAYER = Caller("relayer-1", frozenset({Role.RELAYER}))
AHEAD = 120
"""Seconds by which effective time may be ahead of what is true (`signer.clock.MAX_DIFFERENCE`)."""


@dataclass
class Driver:
    """One federation and its past."""

    folder: Path
    shape: Shape
    seed: int
    cluster: "Cluster | None" = None
    """Where its journals are; None for files."""
    violations: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    """Answer of SignPsbt or of another RPC -> how often."""
    steps: list[str] = field(default_factory=list)
    """So far."""
    drafts: list[Draft] = field(default_factory=list)
    past: Past = field(default_factory=Past)
    texts: list[Text] = field(default_factory=list)
    """Of officers."""
    is_forked: bool = False
    """Whether the member that may be dishonest has shown two histories."""
    is_silent: bool = False
    """Whether the member that may be dishonest says nothing any more."""
    carried: deque[tuple[str, au.WitnessRequest]] = field(default_factory=partial(deque, maxlen=60))
    """What carriers brought to whom."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.team = Team(self.folder, self.shape, self.random, self.cluster)
        (vault,) = loaded(self.shape.policy).vaults
        self.world = World(self.random, vault)
        self.heads = {name: Heads() for name in self.team.members}
        self.logs = {name: Log() for name in self.team.members}
        self.liar = self._liar()
        self._among: list[Tapped] = []
        self._only_from = ""
        self._carrier = Carrier(self._among, self._is_carried)
        for _ in range(5):
            self.world.deposit()
            self.world.burn()
        self.world.burn(self.world.burns[0])
        self.world.chain.mine(list(self.world.chain.broadcast.values()))
        self.start(*self.team.members)
        self.settle()

    def _liar(self) -> str:
        """The member that is dishonest; most lives of a federation that bears one have one."""
        names = sorted(self.team.members)
        return self.random.choice(names) if self.shape.dishonest and self.seed % 3 else ""

    @property
    def now(self) -> int:
        return self.team.time.moment

    @property
    def running(self) -> dict[str, Process]:
        return self.team.running

    @property
    def honest(self) -> list[str]:
        """Members that run and may be relied on."""
        return [name for name in sorted(self.running) if name != self.liar]

    def close(self) -> None:
        self.team.close()

    # --- members

    @property
    def may_stop(self) -> list[str]:
        """Members whose kernel can be stopped and is able to start again. A start needs all others' logs
        in a federation of four, so none is able to after the dishonest one has shown two histories of its own
        (docs/agreement.md); what was started before goes on."""
        return [name for name in sorted(self.running) if not self.is_forked or name == self.liar]

    @property
    def all_serve(self) -> bool:
        """Whether every member runs and has completed its start."""
        runs = [self.running.get(name) for name in self.team.members]
        return all(each is not None and each.role.start.is_complete for each in runs)

    def start(self, *names: str) -> None:
        for name in names:
            self.team.start(name)

    def member(self, name: str) -> Tapped:
        """As a carrier sees it."""
        # To the dishonest member its own untrue log may be brought.
        failures = self.violations if name != self.liar else []
        return Tapped(self.team.process(name), self.carried, failures)

    def carry(self, *names: str, oneway: bool = False) -> Report:
        """A round between these members, or all who run."""
        among = [name for name in sorted(self.running) if name in names or not names]
        self._among[:] = map(self.member, among)
        self._only_from = names[0] if oneway else ""
        report = self._carrier.carry()
        self.tally.update(f"carrier: {each.split(':')[1].strip()}" for each in report.failures)
        self.past.behind -= {name for name in among if name not in report.waiting}
        return report

    def _is_carried(self, source: str, _: str) -> bool:
        return self._only_from in ("", source)

    def settle(self) -> list[str]:
        """Rounds between all until nothing new is read; who does not serve then, the liar apart."""
        if not self.shape.witnesses:
            return []
        waiting = list[str]()
        for _ in range(8):
            report = self.carry()
            waiting = [
                f"{name}: {report.waiting[name]}" for name in self.honest if name in report.waiting
            ]
            if not waiting and not report.entries:
                break
        return waiting

    def told(self, name: str, head: str) -> None:
        """A head that a member released."""
        if head and name != self.liar:
            self.violations += self.heads[name].told(name, head)

    # --- requests

    def call(
        self, name: str, request: Message, answer: type[Message], caller: Caller = RELAYER
    ) -> Message | str:
        """A member's answer, or the code with which it refuses."""
        method = request.DESCRIPTOR.name.removesuffix("Request")
        try:
            said = answer.FromString(self.team.process(name).call(method, request, caller))
        except Fault as fault:
            self.violations.append(f"{name} fails at {method}: {fault.__cause__ or fault}")
            return "fault"
        except Refusal as refusal:
            self.tally[f"{method}: {refusal.code}"] += 1
            self.told(name, refusal.head)
            self.past.note_pins(refusal)
            return refusal.code
        self.told(name, getattr(said, "head", ""))
        return said

    def draft(
        self, burns: tuple[WithdrawalTerms, ...], coins: tuple[Owned, ...], rate: int, index: int
    ) -> Draft | None:
        """All these coins, paying all these burns; None where that is no transaction."""
        request = withdrawal_request(burns, coins, rate, index)
        built = self.call(self._anyone(), request, pb.ConstructWithdrawalTxResponse)
        if isinstance(built, str):
            return None
        assert isinstance(built, pb.ConstructWithdrawalTxResponse)
        message = pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt, payments=built.payments)
        change = (built.change_vout, index) if built.HasField("change_vout") else None
        return Draft(message, parse_psbt(built.psbt).transaction, coins, burns, change)

    def anchor_draft(self, batch: int, coin: Owned, index: int) -> Draft | None:
        """An anchor of that batch, as the rollup has it now."""
        said = self.world.anchor(batch)
        request = anchor_request(said, coin, index)
        built = self.call(self._anyone(), request, pb.ConstructAnchorTxResponse)
        if isinstance(built, str):
            return None
        assert isinstance(built, pb.ConstructAnchorTxResponse)
        message = pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt)
        transaction = parse_psbt(built.psbt).transaction
        return Draft(message, transaction, (coin,), (), anchored=said)

    def _anyone(self) -> str:
        return next(iter(self.running))

    def ask(self, name: str, draft: Draft) -> str:
        """The answer of a member to a draft with fresh words: `signed`, or a code."""
        message = pb.SignPsbtRequest()
        message.CopyFrom(draft.message)
        if draft.anchored is not None:
            message.attestations.extend(self.world.words_of_anchor(draft.anchored, self.now))
        message.attestations.extend(self.world.words_for(draft.burns, draft.coins, self.now))
        return self._asked(name, draft, message)

    def ask_again(self, name: str, draft: Draft) -> str:
        """The same without a word: what is on record needs none."""
        return self._asked(name, draft, draft.message)

    def _asked(self, name: str, draft: Draft, message: pb.SignPsbtRequest) -> str:
        answer = self.call(name, message, pb.SignPsbtResponse)
        if isinstance(answer, str):
            return answer
        assert isinstance(answer, pb.SignPsbtResponse)
        if not answer.signatures:
            code = answer.pending.missing[0].code
            self.tally[f"pending: {code}"] += 1
            return code
        self.tally["signed"] += 1
        if name != self.liar:
            self._signed(name, draft)
        return "signed"

    def _signed(self, name: str, draft: Draft) -> None:
        past = self.past
        if any((name, each.withdrawal_id) in past.closed for each in draft.burns):
            self.violations.append(f"{name} signs for a withdrawal that it closed")
        stopped = past.stopped.get(name, Stopped())
        self.violations += [f"{name} signs, {each}" for each in stopped.codes(self.now + AHEAD)]
        signers = past.signers.setdefault(draft.txid, set())
        signers.add(name)
        past.owed.setdefault((name, draft.txid), draft)
        if draft.anchored is not None:
            known = past.roots.setdefault((name, draft.anchored.batch), draft.anchored.root)
            if known != draft.anchored.root:
                self.violations.append(f"{name} signs two roots for one batch")
        lies = 1 if self.liar and not self.is_silent else 0
        if draft.txid not in past.complete and len(signers) + lies >= self.shape.threshold:
            past.complete.add(draft.txid)
            self._complete(draft)

    def _complete(self, draft: Draft) -> None:
        self.world.signed(draft.transaction, draft.change)
        if draft.anchored is None:
            if self.world.is_overpaid():
                self.violations.append("a withdrawal can be paid twice on one chain")
            return
        root = self.past.anchored.setdefault(draft.anchored.batch, draft.anchored.root)
        if root != draft.anchored.root:
            self.violations.append("two roots of one batch are anchored")

    def records(self, name: str) -> list[pb.WithdrawalInfo]:
        """ListWithdrawals."""
        request = pb.ListWithdrawalsRequest(vault_id="peg", page_size=1_000)
        answer = self.call(name, request, pb.ListWithdrawalsResponse)
        assert isinstance(answer, pb.ListWithdrawalsResponse), answer
        return list(answer.withdrawals)

    def relabelled(self, draft: Draft) -> Draft:
        """The same transaction, said to settle other ones of equal burns."""
        labels: list[WithdrawalTerms] = []
        for burn in draft.burns:
            equal = [each for each in self.world.burns if out_of(each) == out_of(burn)]
            labels.append(self.random.choice([each for each in equal if each not in labels]))
        return relabelled(draft, labels)
