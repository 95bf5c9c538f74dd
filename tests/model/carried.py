"""What carriers bring, as it passes by: whoever carries can keep it and bring it again."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from carrier.member import NoAnswer
from carrier.seen import Answer
from pegwarden.v1 import audit_pb2 as au
from signer.core.errors import Fault
from tests.model.hosts import Process


@dataclass(frozen=True)
class Tapped:
    """A kernel as a carrier sees it."""

    process: Process
    carried: deque[tuple[str, au.WitnessRequest]]
    violations: list[str]
    """A kernel that fails is one."""

    @property
    def name(self) -> str:
        return self.process.name

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        if isinstance(request, au.WitnessRequest):
            self.carried.append((self.name, request))
        try:
            return self.process.ask(request, answer)
        except Fault as fault:
            self.violations.append(f"{self.name} fails when told: {fault.__cause__ or fault}")
            raise NoAnswer(f"{self.name}: fault: it fails") from fault

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        return self.process.ask_all(request, answer)
