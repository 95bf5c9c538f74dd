"""What all members together have on record of a vault's withdrawals: a relayer needs no memory of its own.

1. Members may hold different pins for one withdrawal, if somebody had each sign another version. A further
   version spends all of them, and pays all that is pinned to them, by whichever member.
2. Open withdrawals of equal amount and script (twins) belong together too: they are paid by one transaction.
3. A coin that some member has pinned to another withdrawal is left alone.
4. A withdrawal that a member has closed is finished for that member, and binds nothing there.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clients.messages import outpoint_of
from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint

Infos = tuple[kernel_pb2.WithdrawalInfo, ...]
CLOSED = "closed"
"""As kernels say it."""


@dataclass(frozen=True, slots=True)
class Book:
    """Records of several members, one for each member and withdrawal."""

    infos: Infos

    def of(self, withdrawal_id: bytes) -> Infos:
        """Each member's record of it."""
        return tuple(info for info in self.infos if info.withdrawal_id == withdrawal_id)

    @property
    def open(self) -> Infos:
        """The records that bind something (rule 4)."""
        return tuple(info for info in self.infos if info.state != CLOSED)

    def ids(self) -> tuple[bytes, ...]:
        """All withdrawals on record that no member has closed."""
        ended = {info.withdrawal_id for info in self.infos if info.state == CLOSED}
        return tuple(sorted({info.withdrawal_id for info in self.infos} - ended))

    def family(self, withdrawal_id: bytes) -> tuple[bytes, ...]:
        """What one transaction has to pay together (rules 1 and 2)."""
        twins: dict[tuple[int, bytes], set[bytes]] = defaultdict(set)
        kin: dict[bytes, set[bytes]] = defaultdict(set)
        for info in self.open:
            twins[info.amount_sat, info.script_pubkey].add(info.withdrawal_id)
            kin[info.withdrawal_id] |= set(info.pinned_together)
        for info in self.open:
            kin[info.withdrawal_id] |= twins[info.amount_sat, info.script_pubkey]
        found, waiting = {withdrawal_id}, [withdrawal_id]
        while waiting:
            fresh = kin[waiting.pop()] - found
            found |= fresh
            waiting += fresh
        return tuple(sorted(found))

    def pins(self, ids: Iterable[bytes]) -> tuple[OutPoint, ...]:
        """All members' pins of these withdrawals."""
        wanted = set(ids)
        return tuple(sorted({pin for each, pin in self._pinned() if each in wanted}))

    def others_pins(self, ids: Iterable[bytes]) -> frozenset[OutPoint]:
        """All members' pins of all other withdrawals (rule 3)."""
        wanted = set(ids)
        return frozenset(pin for each, pin in self._pinned() if each not in wanted)

    def _pinned(self) -> list[tuple[bytes, OutPoint]]:
        """(withdrawal, pin) of each record that has one: a struck pin is gone."""
        return [
            (each.withdrawal_id, outpoint_of(each.pin))
            for each in self.open
            if each.HasField("pin")
        ]

    def paid_by(self, txid: bytes) -> tuple[bytes, ...]:
        """The withdrawals that this version pays."""
        return tuple(
            sorted(
                {
                    info.withdrawal_id
                    for info in self.infos
                    if any(version.txid == txid for version in info.versions)
                }
            )
        )


def claims_of(
    psbt: bytes, infos: Iterable[kernel_pb2.WithdrawalInfo]
) -> list[types_pb2.PaymentClaim]:
    """Which output of that version pays which of these withdrawals, one record of each."""
    free = list(enumerate(parse_psbt(psbt).transaction.outputs))
    claims = []
    for info in infos:
        wanted = (info.amount_sat, info.script_pubkey)
        place = next(each for each in free if (each[1].amount, each[1].script_pubkey) == wanted)
        free.remove(place)
        claims.append(types_pb2.PaymentClaim(withdrawal_id=info.withdrawal_id, vout=place[0]))
    return claims
