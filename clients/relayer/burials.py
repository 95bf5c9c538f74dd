"""What is buried in the chain, and ends a withdrawal or one of its pins at some member (docs/releases.md).

1. A version on a member's record that is deep enough closes the withdrawal at that member.
2. A sweep or rotation on a member's record that is deep enough and spent a pin strikes it there.
3. Whatever else spent a pin, or what the pin descends from, is named by who asks (`strike`): a node has no
   index of it. The transaction that made the pin is known from the member's own versions.
4. Each member is asked for itself: their records differ, and one that is down is asked again later. Of the
   officers' acts at hand it is brought those that name it and the release.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clients.member import Member, Refused, Unreachable
from clients.messages import outpoint_message, outpoint_of
from clients.relayer.book import CLOSED
from clients.relayer.coins import coins_of_psbt
from clients.relayer.consent import acts_saying
from clients.relayer.federation import NotSigned, whole
from clients.relayer.relayer import Relayer
from pegwarden.v1 import control_pb2, kernel_pb2
from pegwarden.v1.approval_pb2 import OfficerAct
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, display, parse_transaction


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

    @property
    def subject(self) -> str:
        """As `python -m clients.attestor ... spends` takes it."""
        return f"{self.spent}:{display(self.killer.txid)}"

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
    """All that rules 1 and 2 find at the members that answer, at least so deep. Raises NotSigned."""
    found = relayer.federation.all_answers(lambda member: list(_at(relayer, member, depth)))
    return [each for burials_there in found for each in burials_there]


def _at(relayer: Relayer, member: Member, depth: int) -> Iterator[Burial]:
    infos = [each for each in relayer.federation.listed_by(member) if each.state != CLOSED]
    spenders = {
        outpoint_of(coin.outpoint): coin.spent_by for coin in relayer.federation.coins_of(member)
    }
    for info in infos:
        versions = {version.txid for version in info.versions}
        pin = outpoint_of(info.pin) if info.HasField("pin") else None
        for txid in (*sorted(versions), *(spenders.get(pin, ()) if pin is not None else ())):
            named = display(Txid(txid))
            if relayer.confirmations(named) < depth:
                continue
            killer = parse_transaction(relayer.raw(named))
            struck = None if txid in versions else pin
            spent = killer.inputs[0].previous if struck is None else struck
            yield Burial(member, info.withdrawal_id, struck, spent, killer)
            break


def strike(
    relayer: Relayer,
    withdrawal_id: bytes,
    killer: Transaction,
    elders: tuple[Transaction, ...] = (),
) -> list[Burial]:
    """Rule 3, at each member whose pin that transaction killed. `elders`: what leads to the transaction that
    made the pin, the first one first. Raises NotSigned."""
    members = relayer.federation.all_answers(lambda member: (member, whole(member, withdrawal_id)))
    found = (_struck(member, info, killer, elders) for member, info in members)
    return [each for each in found if each is not None]


def _struck(
    member: Member,
    info: kernel_pb2.WithdrawalInfo,
    killer: Transaction,
    elders: tuple[Transaction, ...],
) -> Burial | None:
    if not info.HasField("pin"):
        return None
    pin, taken = outpoint_of(info.pin), {txin.previous for txin in killer.inputs}
    if pin in taken:
        return Burial(member, info.withdrawal_id, pin, pin, killer)
    versions = (coin for each in info.versions for coin in coins_of_psbt(each.psbt))
    made = next((coin.previous_tx for coin in versions if coin.outpoint == pin), None)
    if made is None:
        return None
    descent = (*elders, parse_transaction(made))
    common = sorted(taken.intersection(txin.previous for txin in descent[0].inputs))
    if not common:
        return None
    return Burial(member, info.withdrawal_id, pin, common[0], killer, descent)


def release_all(
    relayer: Relayer, found: list[Burial], acts: Sequence[OfficerAct] = ()
) -> list[str]:
    """One line for each. Raises NotSigned with what was refused, when all have been asked."""
    lines, reasons = list[str](), list[Exception]()
    for each in found:
        try:
            state = release(relayer, each, acts)
        except (Refused, Unreachable) as reason:
            reasons.append(reason)
        else:
            lines.append(f"{each.member.name} {each.withdrawal_id.hex()} {state}")
    if reasons:
        raise NotSigned(*reasons)
    return lines


def release(relayer: Relayer, burial: Burial, acts: Sequence[OfficerAct] = ()) -> str:
    """Where the withdrawal stands then. Raises Refused or Unreachable."""
    said = relayer.evidence.spends(((burial.spent, burial.killer.txid),))
    request = control_pb2.ReleaseWithdrawalRequest(
        withdrawal_id=burial.withdrawal_id,
        transactions=[each.serialize() for each in (*burial.descent, burial.killer)],
        attestations=said,
        acts=_consent(burial, acts),
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
