"""What is buried in the chain, and ends a withdrawal or one of its pins at some member (docs/releases.md).

1. What some member lists as an agreed version of a withdrawal closes it at each member that lists it. Who has
   not read that it is agreed says so: that is no failure, and it is asked again next time. A version that
   waits for grants closes nothing by itself, not even where it stands.
2. A sweep, a rotation or a version of other withdrawals that any member lists strikes the pins that it took.
   A member may hold one for another that lists it: so all are asked, and holding none is no failure. Who
   lists nothing of the withdrawal is asked as long as it is open somewhere: it may have been down.
3. Before that, the equal withdrawals that the same transaction paid are closed at that member.
4. Each member is asked for itself: their records differ, and one that is down is asked again later. Of the
   officers' acts at hand it is brought those that name it and the release.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from clients.member import Member, Refused, Unreachable
from clients.messages import outpoint_message
from clients.relayer.book import CLOSED
from clients.relayer.consent import acts_saying
from clients.relayer.federation import NotSigned
from clients.relayer.records import Record, Records, Taken, read_records
from clients.relayer.relayer import Relayer
from pegwarden.v1 import control_pb2, kernel_pb2
from pegwarden.v1.approval_pb2 import OfficerAct
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut, display

NOT_AGREED = frozenset({"withdrawal-unknown", "release-officers-missing"})
"""From a member that lists no such version as agreed: it has not read of it."""
NOT_HELD = frozenset({"withdrawal-unknown", "release-pin-unknown", "withdrawal-closed"})
"""From a member that lists no such pin."""


@dataclass(frozen=True, slots=True)
class Burial:
    """A release to ask one member for."""

    member: Member
    withdrawal_id: bytes
    pin: OutPoint | None
    """To be struck; None: the withdrawal is to be closed."""
    spent: OutPoint
    """By the buried transaction: what attestors are asked about."""
    killer: Transaction
    descent: tuple[Transaction, ...] = ()
    """The transactions that lead to the pin, where the killer took an input of theirs."""
    excused: frozenset[str] = frozenset()
    """Codes by which the member may say that it knows nothing of this."""

    @property
    def subject(self) -> str:
        """As `python -m clients.attestor ... spends` takes it."""
        return f"{self.spent}:{display(self.killer.txid)}"

    def is_excused(self, reason: Exception) -> bool:
        """Whether that refusal is no failure."""
        return isinstance(reason, Refused) and reason.code in self.excused

    def consent_lines(self, log_key: bytes) -> frozenset[str]:
        """What an officer's text for the member with that log key says (docs/releases.md)."""
        about = {
            "action: release withdrawal",
            f"kernel: {log_key.hex()}",
            f"withdrawal: {self.withdrawal_id.hex()}",
            f"verdict: {'closed' if self.pin is None else 'struck'}",
            f"killer: {display(self.killer.txid)}",
        }
        return frozenset(about if self.pin is None else {*about, f"pin: {self.pin}"})


def burials(relayer: Relayer, depth: int) -> list[Burial]:
    """All that rules 1 to 3 find at the members that answer, at least so deep, in the order in which it is to
    be asked for. Raises NotSigned."""
    records = read_records(relayer, depth)
    dead = records.dead()
    pinned = {
        (each.owed.withdrawal_id, each.coin)
        for each in dead
        if any(record.has_pin(each.owed.withdrawal_id, each.coin) for record in records.each)
    }
    found = list[Burial]()
    for record in records.each:
        here = [each for each in dead if _may_bind(each, record, pinned)]
        found += _closings(records, record, {(each.txid, each.owed.output) for each in here})
        found += (_strike(each, record, records.buried[each.txid]) for each in here)
    return found


def _may_bind(taken: Taken, record: Record, pinned: Container[tuple[bytes, OutPoint]]) -> bool:
    """Whether that member may hold the coin as a pin (2)."""
    withdrawal_id = taken.owed.withdrawal_id
    if record.is_closed(withdrawal_id):
        return False
    return (withdrawal_id, taken.coin) in pinned or withdrawal_id not in record.infos


def _closings(
    records: Records, record: Record, strikes: Container[tuple[Txid, TxOut]]
) -> Iterator[Burial]:
    """At that member (1, 3), but nothing that contradicts what it lists itself. `strikes`: what takes pins
    there, and the output that pays the withdrawal that had it."""
    for claim in sorted(records.paid):
        (withdrawal_id, output), killer = claim.owed, records.buried[claim.txid]
        is_wanted = withdrawal_id in record.infos or (claim.txid, output) in strikes
        if not is_wanted or record.is_closed(withdrawal_id):
            continue
        if records.may_pay(claim, record.paid):
            excused = frozenset[str]() if claim in record.paid else NOT_AGREED
            spent = killer.inputs[0].previous
            yield Burial(record.member, withdrawal_id, None, spent, killer, excused=excused)


def _strike(taken: Taken, record: Record, killer: Transaction) -> Burial:
    withdrawal_id, pin = taken.owed.withdrawal_id, taken.coin
    excused = frozenset[str]() if record.has_pin(withdrawal_id, pin) else NOT_HELD
    return Burial(record.member, withdrawal_id, pin, pin, killer, excused=excused)


def release_all(
    relayer: Relayer, found: list[Burial], acts: Sequence[OfficerAct] = ()
) -> list[str]:
    """One line for each. What has just been closed at a member has no pin left there. Raises NotSigned with
    what was refused, when all have been asked."""
    lines, reasons, closed = list[str](), list[Exception](), set[tuple[str, bytes]]()
    for each in found:
        if (each.member.name, each.withdrawal_id) in closed:
            continue
        try:
            state = release(relayer, each, acts)
        except (Refused, Unreachable) as reason:
            if not each.is_excused(reason):
                reasons.append(reason)
            continue
        lines.append(f"{each.member.name} {each.withdrawal_id.hex()} {state}")
        if state == CLOSED:
            closed.add((each.member.name, each.withdrawal_id))
    if reasons:
        raise NotSigned(*reasons)
    return lines


def release(relayer: Relayer, burial: Burial, acts: Sequence[OfficerAct] = ()) -> str:
    """Where the withdrawal stands then; by a proof, where the relayer has one, or by attestors' words. Raises
    Refused or Unreachable."""
    proofs = relayer.proofs.of((burial.killer.txid,))
    said = [] if proofs else relayer.evidence.spends(((burial.spent, burial.killer.txid),))
    request = control_pb2.ReleaseWithdrawalRequest(
        withdrawal_id=burial.withdrawal_id,
        transactions=[each.serialize() for each in (*burial.descent, burial.killer)],
        attestations=said,
        acts=_consent(burial, acts),
        proof=next(iter(proofs), None),
    )
    if burial.pin is not None:
        request.pin.CopyFrom(outpoint_message(burial.pin))
    answer = burial.member.ask(request, control_pb2.ReleaseWithdrawalResponse)
    return answer.state


def _consent(burial: Burial, acts: Sequence[OfficerAct]) -> list[OfficerAct]:
    if not acts:
        return []
    info = burial.member.ask(kernel_pb2.GetInfoRequest(), kernel_pb2.GetInfoResponse)
    return acts_saying(burial.consent_lines(info.log_key), acts)
