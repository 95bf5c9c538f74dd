"""A carrier's connection to a member that may die: it breaks then, and what is said over it is heard."""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from carrier.member import Unreachable
from carrier.seen import Answer
from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.network import REGTEST
from signer.core.agreement.messages import Granted, read_message
from tests.crash.hooks import Killed
from tests.crash.lives import Life
from tests.crash.outside import Known
from tests.kernel import federated

MEMBERS = 3


@dataclass
class Line:
    """A member over a connection that breaks when it dies. What it says is heard by all."""

    kernel: Life
    known: Known

    @property
    def name(self) -> str:
        return self.kernel.name

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        try:
            said = self.kernel.ask(request, answer)
        except Killed:
            raise Unreachable(self.name) from None
        if not getattr(request, "log_key", b""):
            self._hear(said)
        return said

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        try:
            yield from self.kernel.ask_all(request, answer)
        except Killed:
            raise Unreachable(self.name) from None

    def _hear(self, said: Message) -> None:
        if isinstance(said, au.GetHeadResponse):
            self.known.heads.append(said.head)
        if isinstance(said, au.WitnessResponse):
            every = frozenset(federated.log_key_of(number) for number in range(MEMBERS))
            messages = (read_message(each, REGTEST.genesis_hash, every) for each in said.messages)
            self.known.grants |= {each.leaf for each in messages if isinstance(each, Granted)}
