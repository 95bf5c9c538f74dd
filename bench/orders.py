"""Requests for a house: withdrawals with all evidence, new ones or further versions of one."""

import time
from dataclasses import dataclass, field

from carrier.member import Member
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.core.vault import Vault
from tests import federation
from tests.core.spends import Coin
from tests.kernel.room import attested, construct_request, sign_request

LEAST, SATS = 1_000_000, 10_000_000
"""No two withdrawals pay the same amount: equal ones would have to be paid together."""
WINDOW = 20
"""Addresses that the vault knows from the start."""


@dataclass
class Orders:
    """Drafts for one member; every withdrawal and coin is another."""

    member: Member
    vault: Vault = field(default_factory=federation.vault)
    number: int = field(default_factory=lambda: time.time_ns() // 1_000 % (1 << 40))

    def new(self, inputs: int = 1) -> pb.SignPsbtRequest:
        """A withdrawal that nobody has seen."""
        return self.versions(inputs, 1)[0]

    def versions(self, inputs: int, count: int) -> list[pb.SignPsbtRequest]:
        """That many versions of one withdrawal, with the evidence for the first."""
        coins = tuple(self._coin() for _ in range(inputs))
        payments = ((self.number, LEAST + self.number % (SATS - 2 * LEAST)),)
        evidence = attested(coins, payments, now=int(time.time()))
        spent = [t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout) for each in coins]
        built = (
            construct_request(coins, payments, required_inputs=spent, locktime_height=height)
            for height in range(count)
        )
        return [
            sign_request(self.member.ask(each, pb.ConstructWithdrawalTxResponse), evidence)
            for each in built
        ]

    def _coin(self) -> Coin:
        self.number += 1
        return Coin(self.vault, amount=SATS, index=self.number % WINDOW, salt=self.number)


def signed(member: Member, request: pb.SignPsbtRequest) -> None:
    """Ask for the signatures. Raises LookupError where there are none."""
    if not member.ask(request, pb.SignPsbtResponse).signatures:
        raise LookupError(f"{member.name} did not sign")
