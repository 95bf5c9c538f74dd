"""Kernels in this process as a relayer asks them, a node that has some transactions buried, and attestors."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.message import Message

from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.messages import attestation_message
from clients.relayer.federation import Federation
from clients.relayer.relayer import Relayer
from pegwarden.v1 import types_pb2
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, display
from signer.bitcoin.units import Height
from signer.core.caller import Caller
from signer.core.caller import Role as CallerRole
from signer.core.errors import Refusal
from signer.core.evidence import SpentTerms
from tests.core.spends import NOW
from tests.federation import WATCHERS, vault
from tests.kernel.federated import Team

ANY_ROLE = Caller("relayer-1", frozenset(CallerRole))
DEPTH = 100
Answer = TypeVar("Answer", bound=Message)


@dataclass
class Inside:
    """A member of a team; one that is stopped does not answer."""

    team: Team
    name: str

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        if self.name not in self.team.running:
            raise Unreachable(f"{self.name} is stopped")
        method = request.DESCRIPTOR.name.removesuffix("Request")
        try:
            return answer.FromString(self.team[self.name].call(method, request, ANY_ROLE))
        except Refusal as refusal:
            said = types_pb2.Refusal(code=refusal.code)
            raise Refused(self.name, "REFUSED", said) from None


@dataclass
class Node:
    """That has these transactions in its chain, under DEPTH blocks unless told otherwise."""

    chain: dict[str, tuple[Transaction, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def bury(self, transaction: Transaction, depth: int = DEPTH) -> None:
        self.chain[display(transaction.txid)] = transaction, depth

    def __call__(self, method: str, txid: str, verbose: bool = False) -> Any:
        assert method == "getrawtransaction"
        self.asked.append(txid)
        if txid not in self.chain:
            raise NodeError(-5, "No such transaction")
        transaction, depth = self.chain[txid]
        raw = transaction.serialize().hex()
        return {"hex": raw, "confirmations": depth} if verbose else raw


class Attestors:
    """Two, who have seen every spend that they are asked about."""

    def spends(self, pairs: tuple[tuple[OutPoint, Txid], ...]) -> list[types_pb2.Attestation]:
        terms = [SpentTerms(*each, Height(500), Height(500 + DEPTH - 1)) for each in pairs]
        said = (each.attest(vault().realm, NOW + 1_800, *terms) for each in WATCHERS[:2])
        return [attestation_message(each) for each in said]


def relayer_of(node: Node, *members: Any) -> Relayer:
    return Relayer(Federation(members, "peg"), node, Attestors(), REGTEST)
