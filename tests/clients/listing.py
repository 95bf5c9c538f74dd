"""Members that list what a test gives them, and answer releases as it says."""

from dataclasses import dataclass, field
from typing import Any

from clients.member import Refused
from clients.messages import outpoint_message
from pegwarden.v1 import control_pb2, types_pb2
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from tests.clients.resolving import Node

PIN, OTHER = (OutPoint(Txid(sha256(name)), 0) for name in (b"pin", b"other"))
LOG_KEY = b"\x0a" * 32
ONE, TWO, THREE = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
SCRIPT = b"\x51"
SIZES = {ONE: 1_000, TWO: 1_000, THREE: 3_000}
"""What is owed: the first two are equal."""


def spending(*coins: OutPoint, pays: tuple[bytes, ...] = (), change: int = 1) -> Transaction:
    outputs = (*(TxOut(Sats(SIZES[each]), SCRIPT) for each in pays), TxOut(Sats(change), b"\x52"))
    return Transaction(2, tuple(TxIn(each, b"", 0) for each in coins), outputs, 0)


def listed(
    withdrawal_id: bytes,
    *versions: Transaction,
    pin: OutPoint | None = None,
    state: str = "open",
    waits: bool = False,
) -> pb.WithdrawalInfo:
    return pb.WithdrawalInfo(
        withdrawal_id=withdrawal_id,
        amount_sat=SIZES[withdrawal_id],
        script_pubkey=SCRIPT,
        state=state,
        pin=None if pin is None else outpoint_message(pin),
        versions=[pb.Version(txid=each.txid, awaits_grants=waits) for each in versions],
    )


@dataclass
class Lists:
    """A member that lists these withdrawals, and coins by what these transactions spend."""

    name: str
    infos: list[pb.WithdrawalInfo]
    spends: tuple[Transaction, ...] = ()
    says: dict[tuple[bytes, bool], str] = field(default_factory=dict)
    """To releases, by withdrawal and whether it is a strike: a state or a code."""
    asked: list[tuple[bytes, bool]] = field(default_factory=list)
    consented: int = 0
    """Officers' acts that came with the last one."""

    def ask(self, request: Any, _: type) -> Any:
        return getattr(self, f"_{type(request).__name__}")(request)

    def _GetInfoRequest(self, _: Any) -> pb.GetInfoResponse:  # noqa: N802
        return pb.GetInfoResponse(log_key=LOG_KEY)

    def _ListWithdrawalsRequest(self, _: Any) -> pb.ListWithdrawalsResponse:  # noqa: N802
        answer = pb.ListWithdrawalsResponse(withdrawals=self.infos)
        for version in (each for info in answer.withdrawals for each in info.versions):
            version.awaits_grants = False
        return answer

    def _ListCoinsRequest(self, _: Any) -> pb.ListCoinsResponse:  # noqa: N802
        coins = {txin.previous for each in self.spends for txin in each.inputs}
        return pb.ListCoinsResponse(
            coins=[
                pb.CoinInfo(
                    outpoint=outpoint_message(coin),
                    spent_by=[each.txid for each in self.spends if _takes(each, coin)],
                )
                for coin in coins
            ]
        )

    def _GetWithdrawalRequest(self, request: Any) -> pb.GetWithdrawalResponse:  # noqa: N802
        for info in self.infos:
            if info.withdrawal_id == request.withdrawal_id:
                return pb.GetWithdrawalResponse(withdrawal=info)
        raise Refused(self.name, "", types_pb2.Refusal(code="withdrawal-unknown"))

    def _ReleaseWithdrawalRequest(self, request: Any) -> Any:  # noqa: N802
        what = request.withdrawal_id, request.HasField("pin")
        self.asked.append(what)
        self.consented = len(request.acts)
        said = self.says[what]
        if "-" in said:
            raise Refused(self.name, "", types_pb2.Refusal(code=said))
        return control_pb2.ReleaseWithdrawalResponse(state=said)


def _takes(transaction: Transaction, coin: OutPoint) -> bool:
    return coin in {txin.previous for txin in transaction.inputs}


def buried(*transactions: Transaction) -> Node:
    node = Node()
    for each in transactions:
        node.bury(each)
    return node


PAYS_ONE, PAYS_TWO = spending(PIN, pays=(ONE,)), spending(PIN, pays=(TWO,), change=2)
BOTH, SWEEP = spending(PIN, pays=(ONE, TWO)), spending(PIN)
