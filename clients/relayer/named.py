"""Releases that whoever asks names, since no member's record tells of them (docs/releases.md).

1. Whatever spent a pin, or what the pin descends from, strikes it: a node has no index of it. The transaction
   that made the pin is known from the members' own versions.
2. A pin that one member lists may be held for it by another that does not: that one is asked, too.
3. A transaction closes what it pays, though no agreed entry says so, where officers consent.
"""

from dataclasses import replace

from clients.member import Member
from clients.messages import outpoint_of
from clients.relayer.book import CLOSED
from clients.relayer.burials import NOT_HELD, Burial
from clients.relayer.coins import coins_of_psbt
from clients.relayer.federation import whole
from clients.relayer.relayer import Relayer
from pegwarden.v1 import kernel_pb2
from signer.bitcoin.transaction import Transaction, parse_transaction


def close(relayer: Relayer, withdrawal_id: bytes, payment: Transaction) -> list[Burial]:
    """Rule 3, at each member that lists the withdrawal. Raises NotSigned."""
    listed = relayer.federation.all_answers(lambda member: (member, whole(member, withdrawal_id)))
    spent = payment.inputs[0].previous
    return [
        Burial(member, withdrawal_id, None, spent, payment)
        for member, info in listed
        if info.state != CLOSED
    ]


def strike(
    relayer: Relayer,
    withdrawal_id: bytes,
    killer: Transaction,
    elders: tuple[Transaction, ...] = (),
) -> list[Burial]:
    """Rules 1 and 2, of each pin that the transaction killed. `elders`: what leads to the transaction that
    made the pin, the first one first. Raises NotSigned."""
    listed = relayer.federation.all_answers(lambda member: (member, whole(member, withdrawal_id)))
    struck = (_struck(member, info, killer, elders) for member, info in listed)
    found = [each for each in struck if each is not None]
    known = {(each.member.name, each.pin) for each in found}
    elsewhere = [
        replace(each, member=member, excused=NOT_HELD)
        for each in {each.pin: each for each in found}.values()
        for member in relayer.federation.members
        if (member.name, each.pin) not in known
    ]
    return found + elsewhere


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
