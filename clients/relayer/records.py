"""Each member's record of a vault's withdrawals, and which of the transactions in it are buried.

1. A withdrawal that is closed at each member that lists it matters only while an equal one, of the same
   amount and script, is open somewhere.
2. A transaction pays what a member lists it for, as a version that does not wait for grants: that is what was
   agreed to. Of one that waits nobody knows whether the others were told the same.
3. A coin is taken by whatever spends it on any member's record: who signed one version need not know another.
4. Members may contradict each other, and one of them may lie. So what one of them says of another's record
   leaves nothing out: kernels decide.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from clients.member import Member
from clients.messages import outpoint_of
from clients.relayer.book import CLOSED
from clients.relayer.federation import Federation, whole
from clients.relayer.relayer import Relayer
from pegwarden.v1 import kernel_pb2
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    TxOut,
    display,
    parse_transaction,
)
from signer.bitcoin.units import Sats

TXID_SIZE = 32
"""The node would answer another one with an error, and end the run for all members (4)."""


class Owed(NamedTuple):
    """A withdrawal as a member lists it."""

    withdrawal_id: bytes
    output: TxOut
    """That pays it; equal withdrawals have the same."""


class Paid(NamedTuple):
    """By that transaction, as a member says."""

    owed: Owed
    txid: Txid


class Taken(NamedTuple):
    """A coin that versions of the withdrawal spend, and what took it."""

    owed: Owed
    coin: OutPoint
    txid: Txid


@dataclass(frozen=True, slots=True)
class Record:
    """What one member lists."""

    member: Member
    infos: Mapping[bytes, kernel_pb2.WithdrawalInfo]
    spenders: Mapping[OutPoint, frozenset[Txid]]
    paid: frozenset[Paid] = frozenset()
    """By buried transactions (2)."""

    def is_closed(self, withdrawal_id: bytes) -> bool:
        """Whether that withdrawal has ended there."""
        return withdrawal_id in self.infos and self.infos[withdrawal_id].state == CLOSED

    def has_pin(self, withdrawal_id: bytes, coin: OutPoint) -> bool:
        """Whether that is the pin that it lists for the withdrawal."""
        info = self.infos.get(withdrawal_id)
        return info is not None and info.HasField("pin") and outpoint_of(info.pin) == coin


@dataclass(frozen=True, slots=True)
class Records:
    """Of all members that answer."""

    each: tuple[Record, ...]
    buried: Mapping[Txid, Transaction]

    @property
    def paid(self) -> frozenset[Paid]:
        """What any member says is paid."""
        return frozenset().union(*(record.paid for record in self.each))

    def dead(self) -> list[Taken]:
        """Coins of open withdrawals that something else took, whose outputs have all paid others."""
        paid = self.paid
        return [
            each
            for each in sorted(set(_takers(self.each)))
            if each.txid in self.buried
            and each.coin in {txin.previous for txin in self.buried[each.txid].inputs}
            and not self.may_pay(Paid(each.owed, each.txid), paid)
        ]

    def may_pay(self, claim: Paid, paid: Iterable[Paid]) -> bool:
        """Whether the transaction has an output for it besides those of the equal ones that it paid."""
        owed, txid = claim
        others = [
            each
            for each in paid
            if each.txid == txid and each.owed.output == owed.output and each.owed != owed
        ]
        return self.buried[txid].outputs.count(owed.output) > len(others)


def read_records(relayer: Relayer, depth: int) -> Records:
    """What the members that answer list, and what of it is at least so deep. Raises NotSigned."""
    federation = relayer.federation
    listed = federation.all_answers(lambda member: _listed(federation, member))
    outputs = {owed.output for owed in _open(listed)}  # 1
    infos = [info for each in listed for info in each.infos.values()]
    named = {txid for info in infos if _owed(info).output in outputs for txid in _versions(info)}
    named |= {each.txid for each in _takers(listed)}
    buried = {
        txid: parse_transaction(relayer.raw(display(txid)))
        for txid in sorted(named)
        if len(txid) == TXID_SIZE and relayer.confirmations(display(txid)) >= depth
    }
    known = {each.member.name: each for each in listed}
    answering = replace(federation, members=tuple(each.member for each in listed))
    found = answering.all_answers(lambda member: _with_paid(known[member.name], buried))
    return Records(tuple(found), buried)


def _listed(federation: Federation, member: Member) -> Record:
    return Record(
        member,
        {info.withdrawal_id: info for info in federation.listed_by(member)},
        {
            outpoint_of(coin.outpoint): frozenset(map(Txid, coin.spent_by))
            for coin in federation.coins_of(member)
        },
    )


def _with_paid(record: Record, buried: Mapping[Txid, Transaction]) -> Record:
    """Only the versions of GetWithdrawal say whether they wait."""
    paid = (
        Paid(_owed(info), Txid(version.txid))
        for info in record.infos.values()
        if not buried.keys().isdisjoint(_versions(info))
        for version in whole(record.member, info.withdrawal_id).versions
        if not version.awaits_grants and version.txid in buried
    )
    return replace(record, paid=frozenset(paid))


def _open(records: Iterable[Record]) -> set[Owed]:
    """What some member lists and has not closed."""
    infos = (info for record in records for info in record.infos.values())
    return {_owed(info) for info in infos if info.state != CLOSED}


def _takers(records: Sequence[Record]) -> Iterator[Taken]:
    """Of every open withdrawal: what spends a coin that one of its versions spends (3)."""
    takers = defaultdict[OutPoint, set[Txid]](set)
    coins = defaultdict[Txid, set[OutPoint]](set)
    versions = defaultdict[bytes, set[Txid]](set)
    for record in records:
        for coin, txids in record.spenders.items():
            takers[coin] |= txids
            for txid in txids:
                coins[txid].add(coin)
        for info in record.infos.values():
            versions[info.withdrawal_id] |= _versions(info)
    for owed in _open(records):
        for coin in {spent for txid in versions[owed.withdrawal_id] for spent in coins[txid]}:
            yield from (Taken(owed, coin, txid) for txid in takers[coin])


def _owed(info: kernel_pb2.WithdrawalInfo) -> Owed:
    return Owed(info.withdrawal_id, TxOut(Sats(info.amount_sat), info.script_pubkey))


def _versions(info: kernel_pb2.WithdrawalInfo) -> set[Txid]:
    return {Txid(version.txid) for version in info.versions}
