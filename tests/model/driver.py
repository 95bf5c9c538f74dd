"""A federation of real kernels, a hostile relayer, and all that can happen to both, drawn from a seed.

A step (`tests.model.steps`) is one thing at random: a request to a member, a carrier's round between some of
them, a block, a reorganisation, a restart, a restore. What must never be is in `tests.model.judge`.
Signatures count as known to everyone the moment a member makes them, also where the reply is lost.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from carrier.round import Carrier
from clients.messages import outpoint_message
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint, Transaction, Txid
from signer.core.caller import Caller, Role
from signer.core.errors import Fault, Refusal
from signer.core.payment import WithdrawalTerms
from tests import federation
from tests.attacks.bridge import offered
from tests.kernel.federated import Witnessed
from tests.kernel.history_world import Owned
from tests.model.heads import Heads
from tests.model.team import DEPTH, Shape, Team
from tests.model.world import World, out_of

if TYPE_CHECKING:
    from tests.postgres import Cluster

RELAYER = Caller("relayer-1", frozenset({Role.RELAYER}))


@dataclass(frozen=True)
class Draft:
    """A transaction as the relayer presents it."""

    message: pb.SignPsbtRequest
    transaction: Transaction
    coins: tuple[Owned, ...]
    burns: tuple[WithdrawalTerms, ...]
    """As its outputs are labelled."""
    change: tuple[int, int] | None = None
    """(vout, index)."""
    batch: int = 0
    """Of an anchor."""

    @property
    def txid(self) -> Txid:
        return self.transaction.txid


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
    past: list[str] = field(default_factory=list)
    """The steps so far."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.team = Team(self.folder, self.shape, self.random, self.cluster)
        vault = federation.vault(self.shape.threshold, self.shape.members)
        self.world = World(self.random, vault)
        self.heads = {name: Heads() for name in self.team.members}
        self.drafts: list[Draft] = []
        self.signers: dict[Txid, set[str]] = {}
        self.owed: dict[tuple[str, Txid], Draft] = {}
        """What each member signed: it signs it again."""
        self.ended: set[bytes] = set()
        """Withdrawals that were closed, or a pin of which was struck, at some member."""
        self.closed: set[tuple[str, bytes]] = set()
        """(member, withdrawal)."""
        self.released: set[tuple[str, bytes, OutPoint | None]] = set()
        """Asked for again it is answered, whatever is brought."""
        self.behind: set[str] = set()
        """Who was put back to a copy and has not imported yet."""
        for _ in range(5):
            self.world.deposit()
            self.world.burn()
        self.world.burn(self.world.burns[0])
        self.world.chain.mine(list(self.world.chain.broadcast.values()))
        self.start(*self.team.members)
        self.settle()

    @property
    def now(self) -> int:
        return self.team.clock.moment

    @property
    def running(self) -> dict[str, Witnessed]:
        return self.team.running

    def close(self) -> None:
        self.team.close()

    # --- members

    def start(self, *names: str) -> None:
        for name in names:
            self.team.start(name)

    def carry(self, *names: str, oneway: bool = False) -> bool:
        """A round between these members, or all who run; whether all of them serve."""
        among = [each for each in self.running.values() if each.name in names or not names]
        between = (lambda source, _: source == names[0]) if oneway else (lambda _, __: True)
        report = Carrier(among, between).carry()
        self.tally.update(f"carrier: {each.split(':')[1].strip()}" for each in report.failures)
        self.behind -= {each.name for each in among if each.name not in report.waiting}
        return not report.waiting

    def settle(self) -> bool:
        """Rounds between all until nothing is left to say; whether all serve then."""
        if not self.shape.witnesses:
            return True
        for _ in range(6):
            before = [each.size for each in self.running.values()]
            if self.carry() and before == [each.size for each in self.running.values()]:
                return True
        return self.carry()

    def told(self, name: str, head: str) -> None:
        """A head that a member released."""
        if head:
            self.violations += self.heads[name].told(name, head)

    # --- requests

    def call(self, name: str, request: Message, answer: type[Message]) -> Message | str:
        """A member's answer, or the code with which it refuses."""
        method = request.DESCRIPTOR.name.removesuffix("Request")
        try:
            kernel = self.running[name]
            if name in self.team.replicas and self.random.random() < 0.5:
                kernel = self.team.replicas[name]
            said = answer.FromString(kernel.call(method, request, RELAYER))
        except Fault as fault:
            self.violations.append(f"{name} fails at {method}: {fault.__cause__ or fault}")
            return "fault"
        except Refusal as refusal:
            self.tally[f"{method}: {refusal.code}"] += 1
            self.told(name, refusal.head)
            return refusal.code
        self.told(name, getattr(said, "head", ""))
        return said

    def draft(
        self,
        burns: tuple[WithdrawalTerms, ...],
        coins: tuple[Owned, ...],
        rate: int,
        index: int,
    ) -> Draft | None:
        """All these coins, paying all these burns; None where that is no transaction."""
        request = pb.ConstructWithdrawalTxRequest(
            vault_id="peg",
            payments=[
                pb.WithdrawalPayment(
                    withdrawal_id=each.withdrawal_id,
                    address=address_of(each.script_pubkey, REGTEST),
                    amount_sat=each.amount,
                )
                for each in burns
            ],
            coins=map(offered, coins),
            required_inputs=[outpoint_message(each.outpoint) for each in coins],
            fee_rate_sat_per_kvb=rate,
            change_index=index,
        )
        built = self.call(self._anyone(), request, pb.ConstructWithdrawalTxResponse)
        if isinstance(built, str):
            return None
        assert isinstance(built, pb.ConstructWithdrawalTxResponse)
        message = pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt, payments=built.payments)
        change = (built.change_vout, index) if built.HasField("change_vout") else None
        return Draft(message, parse_psbt(built.psbt).transaction, coins, burns, change)

    def anchor_draft(self, batch: int, coin: Owned, index: int) -> Draft | None:
        """An anchor of that batch."""
        said = self.world.anchor(batch)
        request = pb.ConstructAnchorTxRequest(
            vault_id="peg",
            magic=said.magic,
            batch_id=said.batch,
            state_root=said.root,
            eth_tx_hash=said.eth_tx_hash,
            coins=[offered(coin)],
            fee_rate_sat_per_kvb=2_000,
            change_index=index,
        )
        built = self.call(self._anyone(), request, pb.ConstructAnchorTxResponse)
        if isinstance(built, str):
            return None
        assert isinstance(built, pb.ConstructAnchorTxResponse)
        message = pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt)
        return Draft(message, parse_psbt(built.psbt).transaction, (coin,), (), None, batch)

    def _anyone(self) -> str:
        return next(iter(self.running))

    def ask(self, name: str, draft: Draft) -> str:
        """The answer of a member to a draft with fresh words: `signed`, `pending`, or a code."""
        message = pb.SignPsbtRequest()
        message.CopyFrom(draft.message)
        if draft.batch:
            said = self.world.words_of_anchor(self.world.anchor(draft.batch), self.now)
            said += self.world.words_for((), draft.coins, self.now)
        else:
            said = self.world.words_for(draft.burns, draft.coins, self.now)
        message.attestations.extend(said)
        answer = self.call(name, message, pb.SignPsbtResponse)
        if isinstance(answer, str):
            return answer
        assert isinstance(answer, pb.SignPsbtResponse)
        if not answer.signatures:
            code = answer.pending.missing[0].code
            self.tally[f"pending: {code}"] += 1
            return code
        self.tally["signed"] += 1
        self._signed(name, draft)
        return "signed"

    def _signed(self, name: str, draft: Draft) -> None:
        if any((name, each.withdrawal_id) in self.closed for each in draft.burns):
            self.violations.append(f"{name} signs for a withdrawal that it closed")
        signers = self.signers.setdefault(draft.txid, set())
        is_new = name not in signers
        signers.add(name)
        self.owed.setdefault((name, draft.txid), draft)
        if is_new and len(signers) == self.shape.threshold:
            self.world.signed(draft.transaction, draft.change)
            if self.world.is_overpaid():
                self.violations.append("a withdrawal can be paid twice on one chain")

    def release(
        self, name: str, burn: WithdrawalTerms, pin: OutPoint | None, killer: Transaction
    ) -> str:
        """Close the withdrawal by a confirmed transaction, or strike its pin."""
        chain = self.world.chain
        transactions, spent = (killer,), killer.inputs[0].previous
        if pin is not None:
            found = chain.killer_of(pin)
            if found is None:
                return ""
            transactions, spent = found
        if transactions[-1].txid not in chain.heights:
            return ""
        request = cp.ReleaseWithdrawalRequest(
            withdrawal_id=burn.withdrawal_id,
            pin=None if pin is None else outpoint_message(pin),
            transactions=[each.serialize() for each in transactions],
            attestations=self.world.words_of_spend(spent, transactions[-1], self.now),
        )
        answer = self.call(name, request, cp.ReleaseWithdrawalResponse)
        if isinstance(answer, str):
            return answer
        self.ended.add(burn.withdrawal_id)
        if pin is None:
            self.closed.add((name, burn.withdrawal_id))
        self.tally["closed" if pin is None else "struck"] += 1
        release = (name, burn.withdrawal_id, pin)
        if chain.depth(transactions[-1].txid) < DEPTH and release not in self.released:
            self.violations.append("released by a transaction that is not buried")
        if pin is not None and out_of(burn) in transactions[-1].outputs:
            self.violations.append("a pin was struck by a payment")
        self.released.add(release)
        return "released"

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


def relabelled(draft: Draft, labels: list[WithdrawalTerms]) -> Draft:
    """With these equal burns in the place of its own, in their order."""
    message = pb.SignPsbtRequest()
    message.CopyFrom(draft.message)
    vouts = {each.withdrawal_id: each.vout for each in message.payments}
    del message.payments[:]
    for burn, label in zip(draft.burns, labels, strict=True):
        message.payments.add(withdrawal_id=label.withdrawal_id, vout=vouts[burn.withdrawal_id])
    return replace(draft, message=message, burns=tuple(labels))


def pin_of(info: pb.WithdrawalInfo) -> OutPoint | None:
    """What a member lists as its pin."""
    return OutPoint(Txid(info.pin.txid), info.pin.vout) if info.HasField("pin") else None
