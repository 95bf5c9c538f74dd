"""What of the record bears on a claim: found by keys, ours and what is held, so that the rules of
`signer.core.agreement` need not look at all of it.

1. Nothing that contradicts the claim is overlooked: each rule of `contradicts` has its query. What is found
   is given to the rules themselves, which decide.
2. All our entries that wait are found, for they may give way. Of the rest one suffices to refuse:
   MAX_CONTRARY of ours and as many of others at most.
3. Our later versions carry the pins of the earlier ones (`signer.core.pins`), so of a withdrawal's versions
   that do not wait the newest speaks for all.
"""

from collections.abc import Iterable, Iterator, Sequence

from signer.core.agreement.claim import Claim, Pin
from signer.core.payment import WithdrawalId
from signer.journal.claims import BATCH
from signer.journal.claims_codec import outpoint_bytes, read_outpoint
from signer.journal.database import Row, Tables, Value
from signer.journal.fold_agreement import label_of
from signer.journal.fold_release import CLOSED_PIN

MAX_CONTRARY = 8
_PINS = (
    "SELECT withdrawal, pin FROM withdrawals WHERE {by} IN ({marks}) AND pin IS NOT NULL "
    "UNION SELECT withdrawal, coin FROM relied WHERE {coin} IN ({marks}) "
    "UNION SELECT withdrawal, coin FROM held_pins WHERE {coin} IN ({marks})"
)


class Bearing:
    """What bears on one claim."""

    def __init__(self, claim: Claim, tables: Tables, *, lets_pins_go: bool = False) -> None:
        self._claim, self._tables = claim, tables
        pins = self._pins("withdrawal", "withdrawal", claim.paid)
        pinned = self._pins("pin", "coin", map(outpoint_bytes, claim.spends))
        struck, closed = self._gone(pins | pinned)
        self._broken = {
            (each, pin)
            for each, pin in (pins | pinned) - struck
            if each not in closed
            and (each in claim.paid) != (pin in claim.spends)
            and not (lets_pins_go and not claim.pays)
        }
        """Pins of what is paid that are not spent, and pins spent of what is not paid."""

    def ours(self) -> tuple[list[int], list[int]]:
        """Our entries that may contradict the claim: those that wait, and of the others the newest."""
        waiting, settled = set[int](), set[int]()
        found = (*self._versions(), *self._spenders(), *self._bound_otherwise(), self._labels())
        for entries in found:
            waiting.update(number for number, waits in entries if waits)
            done = [number for number, waits in entries if not waits]
            settled.update(done and [max(done)])  # 3
        return sorted(waiting), sorted(settled, reverse=True)[:MAX_CONTRARY]

    def held(self) -> list[bytes]:
        """The names of others' entries that contradict the claim."""
        claim = self._claim
        names = {name for name, *pin in self._held_pins() if (pin[0], pin[1]) in self._broken}
        labels = "SELECT name FROM holdings WHERE txid = ? AND label <> ? ORDER BY name LIMIT ?"
        key = (claim.txid, label_of(claim), MAX_CONTRARY)
        names |= {name for (name,) in self._tables.execute(labels, key)}
        terms = {(each.withdrawal_id, each.amount, each.script_pubkey) for each in claim.pays}
        query = (
            "SELECT name, withdrawal, amount, script FROM held_pays WHERE withdrawal IN ({marks})"
        )
        names |= {name for name, *told in self._in(query, claim.paid) if tuple(told) not in terms}
        for withdrawal_id, pin in claim.new_pins:
            query = (
                "SELECT name FROM held_spends WHERE coin = ? AND NOT EXISTS (SELECT 1 FROM held_pays "
                "WHERE held_pays.name = held_spends.name AND withdrawal = ?) ORDER BY name LIMIT ?"
            )
            key = (outpoint_bytes(pin), withdrawal_id, MAX_CONTRARY)
            names |= {name for (name,) in self._tables.execute(query, key)}
        for bond, value in claim.bonds:
            query = (
                "SELECT name FROM held_bonds WHERE bond = ? AND value <> ? ORDER BY name LIMIT ?"
            )
            rows = self._tables.execute(query, (bond, value, MAX_CONTRARY))
            names |= {name for (name,) in rows}
        return sorted(names)[:MAX_CONTRARY]

    def gone(self, found: Iterable[Claim]) -> tuple[frozenset[Pin], frozenset[WithdrawalId]]:
        """Which pins are struck and which withdrawals closed, of all that the claim pays or these pin."""
        return self._gone(pin for each in found for pin in each.pins)

    def _gone(self, pins: Iterable[Pin]) -> tuple[frozenset[Pin], frozenset[WithdrawalId]]:
        ids = self._claim.paid.union(withdrawal_id for withdrawal_id, _ in pins)
        query = "SELECT withdrawal, pin FROM releases WHERE withdrawal IN ({marks})"
        released = self._in(query, ids)
        closed = frozenset(each for each, pin in released if pin == CLOSED_PIN)
        struck = ((each, read_outpoint(pin)) for each, pin in released if pin != CLOSED_PIN)
        return frozenset(struck), closed

    def _held_pins(self) -> Iterator[tuple[bytes, WithdrawalId, object]]:
        query = "SELECT name, withdrawal, coin FROM held_pins WHERE withdrawal IN ({marks})"
        for name, withdrawal_id, coin in self._in(query, {each for each, _ in self._broken}):
            yield name, withdrawal_id, read_outpoint(coin)

    def _versions(self) -> Iterator[list[tuple[int, bool]]]:
        """Ours of withdrawals whose pins are not as they should be, or with other terms."""
        query = "SELECT withdrawal, amount, script FROM withdrawals WHERE withdrawal IN ({marks})"
        terms = {(each.withdrawal_id, each.amount, each.script_pubkey) for each in self._claim.pays}
        told = {row[0] for row in self._in(query, self._claim.paid) if tuple(row) not in terms}
        of: dict[WithdrawalId, list[tuple[int, bool]]] = {}
        query = (
            "SELECT withdrawal, payments.entry, pending.entry FROM payments "
            "LEFT JOIN pending ON pending.entry = payments.entry WHERE withdrawal IN ({marks})"
        )
        for each, number, waits in self._in(query, told.union(each for each, _ in self._broken)):
            of.setdefault(each, []).append((number, waits is not None))
        yield from of.values()

    def _spenders(self) -> Iterator[list[tuple[int, bool]]]:
        """Ours that spend what is to be a new pin without paying that withdrawal."""
        query = (
            "SELECT versions.entry, pending.entry FROM spends "
            "JOIN versions ON versions.txid = spends.txid "
            "LEFT JOIN pending ON pending.entry = versions.entry "
            "WHERE coin = ? AND NOT EXISTS (SELECT 1 FROM payments "
            "WHERE payments.txid = spends.txid AND withdrawal = ?)"
        )
        for withdrawal_id, pin in self._claim.new_pins:
            yield self._entries(query, (outpoint_bytes(pin), withdrawal_id))

    def _labels(self) -> list[tuple[int, bool]]:
        """Our entry of the same transaction."""
        query = (
            "SELECT versions.entry, pending.entry FROM versions "
            "LEFT JOIN pending ON pending.entry = versions.entry WHERE versions.txid = ?"
        )
        return self._entries(query, (self._claim.txid,))

    def _bound_otherwise(self) -> Iterator[list[tuple[int, bool]]]:
        """Ours that give a batch another root, or use the sweep statement up."""
        batch = (
            "SELECT anchors.entry, pending.entry FROM anchors "
            "JOIN batches ON batches.magic = anchors.magic AND batches.batch = anchors.batch "
            "LEFT JOIN pending ON pending.entry = anchors.entry "
            "WHERE anchors.magic = ? AND anchors.batch = ? AND root <> ?"
        )
        statement = (
            "SELECT nonces.entry, pending.entry FROM nonces "
            "LEFT JOIN pending ON pending.entry = nonces.entry "
            "WHERE nonce = ? AND NOT EXISTS (SELECT 1 FROM versions WHERE txid = ? "
            "AND versions.entry = nonces.entry)"
        )
        for bond, value in self._claim.bonds:
            if bond.startswith(BATCH):
                magic, number = bond[len(BATCH) : -8], bond[-8:]
                yield self._entries(batch, (magic, number, value))
            else:
                yield self._entries(statement, (bond[-16:], value))

    def _entries(self, query: str, about: Sequence[Value]) -> list[tuple[int, bool]]:
        rows = self._tables.execute(query, about)
        return [(number, waits is not None) for number, waits in rows]

    def _pins(self, by: str, coin: str, keys: Iterable[bytes]) -> set[Pin]:
        rows = self._in(_PINS.replace("{by}", by).replace("{coin}", coin), keys)
        return {(withdrawal_id, read_outpoint(pin)) for withdrawal_id, pin in rows}

    def _in(self, query: str, keys: Iterable[bytes]) -> list[Row]:
        """The rows of a query about these keys, whose every `{marks}` stands for all of them."""
        every = list(keys)
        if not every:
            return []
        times, marks = query.count("{marks}"), ",".join("?" * len(every))
        return self._tables.execute(query.replace("{marks}", marks), every * times).fetchall()
