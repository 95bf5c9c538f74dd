"""A long ledger made short: what is older than a day is one record for each account that still stands.

1. The records of the last day stay as they are, and with them the latest time and the journal's size. Days
   are counted back from that time, no clock is asked. So the ledger says of everything what it said before.
2. An older record says nothing of the journal (size 0): if the file is cut among them, the journal fills it
   from its beginning.
3. The new file is written beside the old one, synced and read back; then it takes its name. A crash leaves
   the one or the other, and perhaps a draft, which no kernel reads and the next fold replaces.
4. A kernel that runs meanwhile goes on with the old file; what it adds, the journal brings to the new one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keystore.caps import DAY
from keystore.ledger import Account, Ledger, Record, broken_ledger, create_ledger
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.shadows import is_shadow


def fold_ledger(path: Path, key: Secret, vault_fingerprint: bytes) -> tuple[int, int]:
    """Records before and after. Raises `cap-ledger-missing` or `cap-ledger-broken`; then the file is as it
    was."""
    draft = path.with_name(path.name + ".new")
    try:
        with _opened(path, key, vault_fingerprint) as ledger:
            before, records = sum(1 for _ in ledger.records()), list(folded(ledger))
            draft.unlink(missing_ok=True)
            create_ledger(draft, key, vault_fingerprint, records)
            with _opened(draft, key, vault_fingerprint) as again:
                if _said(again) != _said(ledger):
                    raise broken_ledger("does not say the same when it is folded")
        os.replace(draft, path)
        _sync_directory(path.parent)
    except OSError as error:
        raise broken_ledger(f"cannot be folded: {error.strerror or error}") from None
    return before, len(records)


def folded(ledger: Ledger) -> Iterator[Record]:
    """The records that say the same (1, 2). The ledger has just been opened."""
    since = ledger.moment - DAY
    recent = [each for each in ledger.records() if each.moment > since]
    accounts = ledger.accounts()
    older = {coin: account.stands for coin, account in accounts.items()}
    for each in recent:
        if not is_shadow(each.coin):
            older[each.coin] -= each.growth
    yield from sorted(
        Record(min(accounts[coin].grown_at, since), 0, coin, stood)
        for coin, stood in older.items()
        if stood
    )
    yield from recent


def _said(ledger: Ledger) -> tuple[int, int, int, dict[bytes, Account]]:
    return ledger.moment, ledger.size, ledger.used(ledger.moment), ledger.accounts()


@contextmanager
def _opened(path: Path, key: Secret, vault_fingerprint: bytes) -> Iterator[Ledger]:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    own = Secret(key.expose(UNSAFE_EXPOSE))
    try:
        yield Ledger(descriptor, own, vault_fingerprint)
    finally:
        own.close()
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
