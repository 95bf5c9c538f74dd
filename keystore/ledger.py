"""The ledger: by how much what can leave a vault has grown, when; on disk, and authenticated.

1. A transaction rides on one of the coins that it spends, the one whose account stands highest. An account
   stands at the dearest of its transactions, of which at most one confirms, since all spend the coin. So the
   sum of all accounts is at least what can confirm of all that was signed. A fee bump grows an account by the
   difference, and the same transaction again by nothing.
2. The file is a start and records, each with an HMAC-SHA-256 over its predecessor's and itself, under a key
   that is sealed with the vault key. Each says the time, the size of the journal, the coin, the growth.
3. No record is synced: what a power failure takes (it may leave a torn record, and zeros) the journal brings
   back, since the entry was durable before we charged (`catch_up`), at the latest moment at which we may have
   (`keystore.second_gate`, 5). Whoever cuts the file gains as little.
   What is brought back fills the day, on shadows that fade with it (`keystore.shadows`; their records say
   what leaves) and are no signature's discount: it may be an entry that the caps refused, and signing it
   now, or what spends its coins, costs in full.
4. A record that does not fit is `cap-ledger-broken`, no start `cap-ledger-missing`; a journal shorter than a
   record says it was is `state-rolled-back`. Nothing is signed then.
5. Time never goes back: a record is at least as late as the one before it.
6. Accounts that have not grown for KEPT seconds are forgotten: their coins are charged in full again.
"""

import hmac
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from keystore.caps import DAY
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.shadows import Shadows, is_shadow
from signer.bitcoin.transaction import OutPoint
from signer.bitcoin.units import Sats
from signer.core.errors import Objection, Refusal

KEPT = 14 * DAY
"""Seconds."""
_DOMAIN = b"pegwarden/caps/v1\n"
_RECORD = Struct(">QQ36sQ")
"""Time, size of the journal, outpoint, growth in sats."""
_MAC = 32
RECORD_SIZE = _RECORD.size + _MAC
START_SIZE = _MAC


_NAME = re.compile(r"[0-9a-f]{64}")
"""Of a ledger's file: the vault's fingerprint."""


class Record(NamedTuple):
    """That what can leave has grown."""

    moment: int
    size: int
    """Of the journal, then."""
    coin: bytes
    """Whose account grew."""
    growth: int
    """Sats; of a shadow what leaves."""


class Charged(NamedTuple):
    """A recorded transaction as the journal tells it."""

    inputs: tuple[OutPoint, ...]
    leaving: Sats
    moment: int
    """Of its entry, Unix seconds."""


class Account(NamedTuple):
    """Of a coin."""

    stands: int
    grown_at: int


class Ledger:
    """An open ledger. Not thread-safe; `keystore.second_gate` is."""

    def __init__(self, descriptor: int, key: Secret, vault_fingerprint: bytes) -> None:
        """Read it. Raises `cap-ledger-missing` or `cap-ledger-broken`."""
        self._descriptor = descriptor
        self._key = key
        self._accounts: dict[bytes, Account] = {}
        self._grown: deque[tuple[int, bytes]] = deque()
        """(time, coin) of each record that is kept, oldest first."""
        self._day: deque[tuple[int, int]] = deque()
        """(time, sats) of the last 24 hours."""
        self._shadows = Shadows()
        self._used = 0
        self.moment: int = 0
        """The latest time seen (5)."""
        self.size: int = 0
        """Of the journal, the largest seen."""
        self._tip = _start(key, vault_fingerprint)
        self._end = self._read()

    def used(self, now: int) -> int:
        """See keystore.caps.Day."""
        self._pass(now)
        return self._used + self._shadows.count

    def frees(self, needed: int, now: int) -> int:
        """See keystore.caps.Day."""
        self._pass(now)
        last = self.moment
        for moment, freed in sorted(chain(self._day, self._shadows.fades())):
            if needed <= 0:
                break
            last, needed = moment + DAY, needed - freed
        return last

    def growth(self, inputs: Iterable[OutPoint], leaving: Sats) -> int:
        """By how much what can leave would grow (1)."""
        return max(0, leaving - self._stands(self._ride(inputs)))

    def grown_at(self, inputs: Iterable[OutPoint]) -> int:
        """When the account grew on which it would ride; 0 where there is none."""
        account = self._accounts.get(self._ride(inputs))
        return 0 if account is None else account.grown_at

    def charge(self, charged: Charged, size: int) -> None:
        """Record a transaction, before it is signed. Raises `cap-ledger-broken` if it cannot be written."""
        self._pass(charged.moment)
        self._grow(self._ride(charged.inputs), charged, size)

    def _grow(self, coin: bytes, charged: Charged, size: int) -> None:
        growth = max(0, charged.leaving - self._stands(coin))
        if growth:
            self._write(coin, growth, size)

    def _write(self, coin: bytes, sats: int, size: int) -> None:
        record = _RECORD.pack(self.moment, max(self.size, size), coin, sats)
        tip = _link(self._key, self._tip, record)
        try:
            if os.pwrite(self._descriptor, record + tip, self._end) != RECORD_SIZE:
                raise OSError("it was cut short")
        except OSError as error:
            raise broken_ledger(f"cannot be written: {error.strerror or error}") from None
        self._end, self._tip = self._end + RECORD_SIZE, tip
        self._fold(record)

    def catch_up(self, recorded: Iterable[Charged], size: int) -> None:
        """Charge what the journal recorded, what is charged already costing nothing. `recorded` is all of the
        last day, and of nothing before. Raises `state-rolled-back`."""
        if size < self.size:
            raise Refusal(
                Objection(
                    "state-rolled-back",
                    "the journal is shorter than when the vault key signed last",
                    f"{size} entries",
                    f"at least {self.size}",
                )
            )
        for charged in recorded:
            self._pass(charged.moment)
            if self.growth(charged.inputs, charged.leaving):
                coin = self._shadows.place(*charged)
                if coin is not None:
                    self._write(coin, charged.leaving, size)

    def accounts(self) -> dict[bytes, Account]:
        """Of the coins that are not forgotten."""
        return dict(self._accounts)

    def records(self) -> Iterator[Record]:
        """What the file holds, oldest first."""
        for block in self._blocks():
            yield Record(*_RECORD.unpack(block[: _RECORD.size]))

    def close(self) -> None:
        """Zero the key and close the file."""
        self._key.close()
        os.close(self._descriptor)

    def _ride(self, inputs: Iterable[OutPoint]) -> bytes:
        """The coin whose account stands highest (1); of equals, always the same."""
        return max(map(_name, inputs), key=lambda coin: (self._stands(coin), coin))

    def _stands(self, coin: bytes) -> int:
        account = self._accounts.get(coin)
        return 0 if account is None else account.stands

    def _pass(self, now: int) -> None:
        """Time goes on (5, 6)."""
        self.moment = max(self.moment, now)
        while self._day and self._day[0][0] <= self.moment - DAY:
            self._used -= self._day.popleft()[1]
        self._shadows.pass_(self.moment - DAY)
        while self._grown and self._grown[0][0] <= self.moment - KEPT:
            moment, coin = self._grown.popleft()
            if coin in self._accounts and self._accounts[coin].grown_at == moment:
                del self._accounts[coin]

    def _fold(self, record: bytes) -> None:
        moment, self.size, coin, sats = _RECORD.unpack(record)
        self._pass(moment)
        if is_shadow(coin):
            self._shadows.tell(coin, moment, sats)
            return
        self._accounts[coin] = Account(self._stands(coin) + sats, moment)
        self._grown.append((moment, coin))
        self._day.append((moment, sats))
        self._used += sats

    def _read(self) -> int:
        """Fold the file's records; where the next one goes (2, 3)."""
        end, tip = START_SIZE, self._tip
        start = os.pread(self._descriptor, START_SIZE, 0)
        if not start:
            raise missing_ledger()
        if not hmac.compare_digest(start, tip):
            raise broken_ledger("is another vault key's, or begins otherwise than it was made")
        for block in self._blocks():
            record, mac = block[: _RECORD.size], block[_RECORD.size :]
            tip = _link(self._key, self._tip, record)
            if len(block) < RECORD_SIZE or not hmac.compare_digest(mac, tip):
                self._cut_torn(end)
                break
            self._tip, end = tip, end + RECORD_SIZE
            self._fold(record)
        return end

    def _blocks(self) -> Iterator[bytes]:
        at, step = START_SIZE, RECORD_SIZE * 1_024
        while content := os.pread(self._descriptor, step, at):
            for place in range(0, len(content), RECORD_SIZE):
                yield content[place : place + RECORD_SIZE]
            at += step

    def _cut_torn(self, end: int) -> None:
        """Cut what a power failure leaves: a torn record, and zeros. All else is `cap-ledger-broken`."""
        torn, at = os.pread(self._descriptor, RECORD_SIZE, end), end + RECORD_SIZE
        if len(torn.rstrip(b"\0")) == RECORD_SIZE:
            raise broken_ledger(f"does not fit from byte {end} on")
        while content := os.pread(self._descriptor, 1 << 16, at):
            if any(content):
                raise broken_ledger(f"does not fit from byte {end} on")
            at += len(content)
        os.ftruncate(self._descriptor, end)


def _name(coin: OutPoint) -> bytes:
    return coin.txid + coin.vout.to_bytes(4, "big")


def create_ledger(
    path: Path, key: Secret, vault_fingerprint: bytes, records: Iterable[Record] = ()
) -> None:
    """A new ledger with these records. Raises `cap-ledger-broken` if it cannot be written, or is there."""
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(tip := _start(key, vault_fingerprint))
            for each in records:
                record = _RECORD.pack(*each)
                tip = _link(key, tip, record)
                stream.write(record + tip)
            stream.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise broken_ledger(f"cannot be made at {path}: {error.strerror or error}") from None


def ledger_files(folder: Path) -> dict[bytes, int]:
    """Vault -> descriptor, of each ledger in that folder. Raises `cap-ledger-broken`."""
    try:
        found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        return {bytes.fromhex(path.name): os.open(path, flags) for path in found}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise broken_ledger(f"cannot be opened: {error.strerror or error}") from None


def missing_ledger() -> Refusal:
    """A vault key with caps signs nothing without its ledger."""
    return Refusal(Objection("cap-ledger-missing", "a vault key with caps has no ledger"))


def unused_ledger(vault: bytes) -> Refusal:
    """It was made when caps were sealed into a key of that vault, and this file has none."""
    detail = "the vault key has no caps, and there is a ledger of its vault: is this an older file?"
    return Refusal(Objection("cap-ledger-unused", detail, vault.hex()))


def broken_ledger(detail: str) -> Refusal:
    """It is not what we wrote, or cannot be written."""
    return Refusal(Objection("cap-ledger-broken", f"the ledger {detail}"))


def _start(key: Secret, vault_fingerprint: bytes) -> bytes:
    return _link(key, _DOMAIN, vault_fingerprint)


def _link(key: Secret, before: bytes, record: bytes) -> bytes:
    return hmac.digest(key.expose(UNSAFE_EXPOSE), before + record, "sha256")
