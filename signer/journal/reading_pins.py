"""What the record says of withdrawals, pins and who spends what: this part of signer.core.view.View, under
the rules of `signer.journal.reading`.

1. What is held for other members stands beside our own record and is never mixed with it: `spenders` and
   `payers` are ours, `held_spenders` and `held_payers` theirs; pins and terms bind alike, whosever they are.
2. A pin binds until it is struck or its withdrawal is closed (`signer.journal.fold_release`).
3. Each question is one query, for one key; `look_up` asks each of them once for all keys of a transaction.
"""

from collections.abc import Iterable

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.view import RecordedWithdrawal, WithdrawalState
from signer.journal.claims_codec import outpoint_bytes, read_outpoint
from signer.journal.database import Row, Tables
from signer.journal.fold_release import CLOSED_PIN
from signer.journal.reading_release import ReleaseReading

_SPENDERS = "SELECT coin, txid FROM spends WHERE coin IN ({}) ORDER BY txid"
_HELD_SPENDERS = "SELECT coin, name FROM held_spends WHERE coin IN ({})"
_PINNED = (
    "SELECT coin, withdrawal FROM ("
    "SELECT pin AS coin, withdrawal FROM withdrawals WHERE pin IN ({}) "
    "UNION SELECT coin, withdrawal FROM relied WHERE coin IN ({}) "
    "UNION SELECT coin, withdrawal FROM held_pins WHERE coin IN ({})"
    ") AS pins WHERE "
    "NOT EXISTS (SELECT 1 FROM releases WHERE releases.withdrawal = pins.withdrawal "
    "AND (releases.pin = pins.coin OR length(releases.pin) = 0)) ORDER BY withdrawal"
)
_WITHDRAWALS = "SELECT * FROM withdrawals WHERE withdrawal IN ({})"
_PAYERS = (
    "SELECT withdrawal, txid, incarnation FROM payments "
    "LEFT JOIN pending ON pending.entry = payments.entry WHERE withdrawal IN ({})"
)
_PINS = (
    "SELECT withdrawal, coin FROM ("
    "SELECT withdrawal, pin AS coin FROM withdrawals WHERE withdrawal IN ({}) AND pin IS NOT NULL "
    "UNION SELECT withdrawal, coin FROM relied WHERE withdrawal IN ({}) "
    "UNION SELECT withdrawal, coin FROM held_pins WHERE withdrawal IN ({})"
    ") AS pins WHERE "
    "NOT EXISTS (SELECT 1 FROM releases WHERE releases.withdrawal = pins.withdrawal "
    "AND (releases.pin = pins.coin OR length(releases.pin) = 0))"
)
_HELD = "SELECT vault FROM held_pays JOIN holdings ON holdings.name = held_pays.name WHERE withdrawal = ?"
_HELD_WITH_TXID = f"{_HELD} AND txid = ?"
_HELD_WITH_PIN = (
    "SELECT vault FROM held_pins JOIN holdings ON holdings.name = held_pins.name "
    "WHERE withdrawal = ? AND coin = ?"
)
_HELD_PAYS = "SELECT withdrawal, name, amount, script FROM held_pays WHERE withdrawal IN ({})"
_RELEASES = "SELECT withdrawal, pin FROM releases WHERE withdrawal IN ({})"
_OF_COINS = (_SPENDERS, _HELD_SPENDERS, _PINNED)
_OF_WITHDRAWALS = (_WITHDRAWALS, _PAYERS, _PINS, _HELD_PAYS, _RELEASES)
"""Each answers rows that begin with one of the keys asked for."""


class PinReading(ReleaseReading):
    """A look at what binds us, within the transaction that `tables` is in."""

    def __init__(self, tables: Tables, now: int) -> None:
        super().__init__(tables, now)
        self._found: dict[str, dict[bytes, list[Row]]] = {}

    def look_up(self, coins: Iterable[OutPoint], withdrawal_ids: Iterable[WithdrawalId]) -> None:
        """Rule 3. Only for a reading that ends before the next entry is written."""
        keys = [outpoint_bytes(coin) for coin in coins]
        self._found = {query: self._rows(query, keys) for query in _OF_COINS}
        ids = list(withdrawal_ids)
        self._found |= {query: self._rows(query, ids) for query in _OF_WITHDRAWALS}

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """See View."""
        return next(map(_recorded, self._of(withdrawal_id, _WITHDRAWALS)), None)

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        """See View."""
        rows = self._query(
            "SELECT * FROM withdrawals WHERE script = ? AND amount = ? AND vault = ? "
            "AND state = 'open' ORDER BY withdrawal",
            (script_pubkey, amount, vault_fingerprint),
        )
        return tuple(map(_recorded, rows))

    def is_closed(self, withdrawal_id: WithdrawalId) -> bool:
        """See View."""
        return any(pin == CLOSED_PIN for _, pin in self._of(withdrawal_id, _RELEASES))

    def struck_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """See View."""
        pins = (pin for _, pin in self._of(withdrawal_id, _RELEASES) if pin != CLOSED_PIN)
        return frozenset(map(read_outpoint, pins))

    def pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """See View."""
        return frozenset(read_outpoint(coin) for _, coin in self._of(withdrawal_id, _PINS))

    def loose_pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """See View."""
        starts = {incarnation for _, _, incarnation in self._of(withdrawal_id, _PAYERS)}
        if not starts - {None}:
            return frozenset()
        newest = self._query(
            "SELECT incarnation FROM starts ORDER BY entry DESC LIMIT 1"
        ).fetchone()
        this_start = newest and newest[0]
        carried = self._query(
            "SELECT coin FROM held_pins WHERE withdrawal = ? "
            "UNION SELECT coin FROM relied LEFT JOIN pending ON pending.entry = relied.entry "
            "WHERE withdrawal = ? AND (incarnation IS NULL OR incarnation <> ?)",
            (withdrawal_id, withdrawal_id, this_start or b""),
        )
        firm = {read_outpoint(coin) for (coin,) in carried}
        recorded = self.withdrawal(withdrawal_id)
        if recorded is not None and recorded.pin is not None and starts != {this_start}:
            firm.add(recorded.pin)
        return self.pins_of(withdrawal_id) - firm

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        """See View."""
        return tuple(withdrawal for _, withdrawal in self._of(outpoint_bytes(coin), _PINNED))

    def terms_of(self, withdrawal_id: WithdrawalId) -> frozenset[WithdrawalTerms]:
        """See View."""
        terms, recorded = self._held_terms(withdrawal_id), self.withdrawal(withdrawal_id)
        return terms if recorded is None else terms | {recorded.terms}

    def _held_terms(self, withdrawal_id: WithdrawalId) -> frozenset[WithdrawalTerms]:
        held = self._of(withdrawal_id, _HELD_PAYS)
        return frozenset(WithdrawalTerms(each, Sats(amount), to) for each, _, amount, to in held)

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        """See View."""
        return tuple(Txid(txid) for _, txid in self._of(outpoint_bytes(coin), _SPENDERS))

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        """See View."""
        return frozenset(Txid(txid) for _, txid, _ in self._of(withdrawal_id, _PAYERS))

    def held_spenders(self, coin: OutPoint) -> frozenset[bytes]:
        """See View."""
        return frozenset(name for _, name in self._of(outpoint_bytes(coin), _HELD_SPENDERS))

    def held_payers(self, withdrawal_id: WithdrawalId) -> frozenset[bytes]:
        """See View."""
        return frozenset(name for _, name, _, _ in self._of(withdrawal_id, _HELD_PAYS))

    def held_withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """That withdrawal as others' versions, held for them, pay it, if all say the same of it."""
        vault, terms = self._held_vault(_HELD, withdrawal_id), self._held_terms(withdrawal_id)
        if vault is None or len(terms) != 1:
            return None
        is_closed = self.is_closed(withdrawal_id)
        state = WithdrawalState.CLOSED if is_closed else WithdrawalState.OPEN
        (agreed,) = terms
        return RecordedWithdrawal(agreed, vault, state, None)

    def released_of(
        self, withdrawal_id: WithdrawalId, pin: OutPoint | None, killer: Txid
    ) -> RecordedWithdrawal | None:
        """See Reading."""
        ours = self.withdrawal(withdrawal_id)
        is_meant = killer in self.payers(withdrawal_id)
        if ours is not None and (is_meant if pin is None else ours.pin == pin):
            return ours
        found = ours or self.held_withdrawal(withdrawal_id)
        if pin is None:
            vault = self._held_vault(_HELD_WITH_TXID, withdrawal_id, killer)
        else:
            vault = self._held_vault(_HELD_WITH_PIN, withdrawal_id, outpoint_bytes(pin))
        if found is None or vault is None:
            return found
        return RecordedWithdrawal(found.terms, vault, found.state, found.pin)

    def _held_vault(self, query: str, *key: bytes) -> bytes | None:
        row = self._query(f"{query} ORDER BY holdings.name LIMIT 1", key).fetchone()
        return None if row is None else bytes(row[0])

    def _of(self, key: bytes, query: str) -> list[Row]:
        found = self._found.get(query, {})
        return found[key] if key in found else self._rows(query, [key])[key]

    def _rows(self, query: str, keys: list[bytes]) -> dict[bytes, list[Row]]:
        found: dict[bytes, list[Row]] = {key: [] for key in keys}
        if keys:
            times, marks = query.count("{}"), ",".join("?" * len(found))
            asked = query.format(*[marks] * times)
            for row in self._query(asked, [*found] * times):
                found[row[0]].append(row)
        return found


def _recorded(row: Row) -> RecordedWithdrawal:
    withdrawal_id, vault, amount, script, state, pin = row
    terms = WithdrawalTerms(withdrawal_id, Sats(amount), script)
    pinned = None if pin is None else read_outpoint(pin)
    return RecordedWithdrawal(terms, vault, WithdrawalState(state), pinned)
