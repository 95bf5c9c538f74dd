"""What a key's owner does with its files, and what a keeper does with a PIN: the secrets stay where they are.

1. Key files: sealed, bound, with caps, backed up, restored; opened with a wrong passphrase, cut, changed,
   left open to others. No file but the two with passphrases shows a secret, and no error does.
2. A keeper that serves, one with a wrong PIN, and one that is killed: none says a PIN.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

from keystore.caps import Caps
from keystore.header import LEAST_COST, Binding, Limits, Role
from keystore.ledger import create_ledger
from keystore.passphrase import passphrase_from_file
from keystore.sealed import (
    KeyFile,
    Label,
    backup,
    bind,
    create,
    ledger_key_of,
    limit,
    open_sealed,
    restore,
    seal,
)
from keystore.secret import UNSAFE_EXPOSE, Secret
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from tests import federation
from tests.custody.canaries import Watch, listening
from tests.keystore.vaultroom import BINDING, SEED
from tests.token.keepers import Desk, end_keeper
from tests.token.softhsm import PIN, SoftToken

LIMITS = Limits(Caps(Sats(1_000), Sats(2_000)))
_PASSPHRASES = ("passphrase", "passphrase of the backup")


def handled(folder: Path, random: Random) -> list[str]:
    """Where a secret stands that should not (1)."""
    watch = Watch({"seed": SEED})
    for name in _PASSPHRASES:
        watch.secrets[name] = random.randbytes(12).hex().encode()
        (folder / name).write_bytes(watch.secrets[name] + b"\n")
        (folder / name).chmod(0o600)
    with listening(watch):
        _live(folder, watch)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return list(watch.found({name: files[name] for name in files.keys() - set(_PASSPHRASES)}))


def _live(folder: Path, watch: Watch) -> None:
    own, other = (passphrase_from_file(folder / name) for name in _PASSPHRASES)
    key = KeyFile(folder / "vault.key", own)
    create(key.path, seal_vault_key(own))
    bind(key, BINDING)
    watch.show(key, own, limit(key, LIMITS))
    with ledger_key_of(open_sealed(key)) as ledger_key:
        watch.secrets["ledger's key"] = bytes(ledger_key.expose(UNSAFE_EXPOSE))
        create_ledger(folder / "ledger", ledger_key, BINDING.vault_fingerprint)
    saved, again = KeyFile(folder / "backup.key", other), KeyFile(folder / "again.key", own)
    watch.show(backup(key, saved), restore(saved, again), open_sealed(again))
    for change in _changes(key, saved):
        try:
            change()
        except (Refusal, TypeError) as error:
            watch.error(error)
        else:
            raise AssertionError("a spoilt key file was opened")


def seal_vault_key(passphrase: Secret) -> bytes:
    with Secret(SEED) as seed:
        label = Label(Role.VAULT, REGTEST, federation.MEMBERS[0].key_text, None, LEAST_COST)
        return seal(seed, label, passphrase)


def _changes(key: KeyFile, saved: KeyFile) -> tuple[Callable[[], object], ...]:
    content = saved.path.read_bytes()
    opened = open_sealed(key)

    def spoilt(by: bytes) -> None:
        path = key.path.with_name("spoilt.key")
        path.write_bytes(by)
        path.chmod(0o600)
        open_sealed(replace(saved, path=path))

    def exposed() -> None:
        path = key.path.with_name("exposed.key")
        path.write_bytes(content)
        path.chmod(0o644)
        open_sealed(replace(saved, path=path))

    return (
        lambda: open_sealed(replace(saved, passphrase=key.passphrase)),
        lambda: spoilt(content[:-40]),
        lambda: spoilt(content.replace(b'"per_day": 2000', b'"per_day": 2001')),
        lambda: bind(key, Binding(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)),
        lambda: backup(key, saved),
        exposed,
        lambda: opened.secret.__reduce_ex__(2),
        lambda: opened.secret == Secret(SEED),
    )


def pins(token: SoftToken, random: Random) -> list[str]:
    """Where a PIN stands in what keepers say (2)."""
    wrong = random.randbytes(8).hex()
    watch = Watch({"PIN": PIN.encode(), "wrong PIN": wrong.encode()})
    desk = Desk(token)
    try:
        for pin in (PIN, wrong):
            keeper = desk.start(pin=pin)
            with suppress(ProcessLookupError):
                keeper.kill()
            _, said = keeper.communicate()
            watch.said.append(said.encode())
            desk.keepers.remove(keeper)
            end_keeper(keeper)
    finally:
        desk.close()
    if b"token-pin-wrong" not in b"".join(watch.said):
        return ["the keeper with a wrong PIN does not say so"]
    return list(watch.found())
