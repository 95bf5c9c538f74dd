"""How each member of the demo keeps its keys: KEYSTORE=file, or KEYSTORE=pkcs11 with SoftHSM.

1. Keys in a token are made there. A token makes no Taproot signature and knows no children of keys, so a
   member's key is in the token where the vault's script allows that (`peg`), and sealed by it elsewhere.
2. A key file is sealed by the token after it was bound, and then takes the place of the unsealed one.
3. With KEYSTORE=pkcs11 every member runs as in deployment: kernel in its room, edge, keepers. Where a system
   has no room to close (docs/room.md) the room stays open, and the demo says so.
"""

import ctypes
import json
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from clients.demo.command import pegwarden
from clients.demo.narrator import Unexpected
from clients.demo.softhsm import make_token
from clients.demo.stage import House

PINNED_VAULT = "peg"
"""The vault whose script has a member's key as it is."""
SIGNING_KEY, SEALING_KEY = "01", "02"
"""Ids in the token."""
SEALED = "hsm-sealed"
PROCESSES = """
[processes]
sockets = "run"
unsafe_unlocked_memory = true
"""
KEEPERS = """
[token]
module = {module}
label = {label}
keepers = 2
answer_seconds = 4
sign_seconds = 8
"""
_LANDLOCK_CREATE_RULESET, _ASK_ABI, _ABI = 444, 1, 6


class Custody(Enum):
    """Of one member."""

    PLAIN = "key files, and one process"
    FILES = "key files"
    SEALED = "key files that a token seals"
    PINNED = "a key in a token, and files that it seals"

    def kind(self, vault_id: str) -> str:
        """What signs for that vault, in the words of the kernel's log (`vault-key`)."""
        if self is Custody.PINNED and vault_id == PINNED_VAULT:
            return "token"
        return "file" if self in (Custody.PLAIN, Custody.FILES) else SEALED


Keystore = tuple[Custody, Custody, Custody]
KEYSTORES: Mapping[str, Keystore] = {
    "file": (Custody.PLAIN, Custody.PLAIN, Custody.PLAIN),
    "pkcs11": (Custody.PINNED, Custody.SEALED, Custody.FILES),
}
"""By the value of KEYSTORE; the members in the order of their keys in the policy."""


def chosen_keystore() -> Keystore:
    """By the environment. Raises Unexpected."""
    named = os.environ.get("KEYSTORE", "file")
    if named not in KEYSTORES:
        raise Unexpected(f"KEYSTORE={named}: it is one of {', '.join(KEYSTORES)}")
    return KEYSTORES[named]


def has_room() -> bool:
    """Whether this system can close a kernel's room: by Landlock's ABI."""
    abi: int = ctypes.CDLL(None).syscall(_LANDLOCK_CREATE_RULESET, None, 0, _ASK_ABI)
    return abi >= _ABI


def move_in(house: House, custody: Custody) -> None:
    """Before there is a policy: the member's processes, its token, and the key in it (1)."""
    if custody is Custody.PLAIN:
        return
    _append(house, PROCESSES if has_room() else f"{PROCESSES}unsafe_open_room = true\n")
    (house.directory / "run").mkdir(mode=0o700)
    if custody is Custody.FILES:
        return
    house.token = make_token(house.directory / "token", house.name)
    module, label = json.dumps(str(house.token.module)), json.dumps(house.token.label)
    _append(house, KEEPERS.format(module=module, label=label))
    if custody is Custody.PINNED:
        house.xpubs[PINNED_VAULT] = _key_in_token(house)


def seal_keys(house: House, custody: Custody) -> None:
    """Once they are bound (2): all but the one that is in the token."""
    files = [_key_file(house, each) for each in house.xpubs if custody.kind(each) == SEALED]
    if files:
        _at_token(house, "generate", SEALING_KEY, "--kek")
    for file in files:
        wrapped = file.with_suffix(".wrapped")
        _at_token(house, "wrap", str(file), str(wrapped), SEALING_KEY)
        wrapped.replace(file)


def _key_in_token(house: House) -> str:
    """Made there, and pinned in the place of the key that `init` made. Its public key."""
    made = _at_token(house, "generate", SIGNING_KEY)
    file = _key_file(house, PINNED_VAULT)
    file.unlink()
    opened = ("--config", house.config, "--passphrase-file", house.passphrase)
    pegwarden("key", "pin", str(file), SIGNING_KEY, made["public"], *opened)
    public: str = made["public"]
    return public


def _at_token(house: House, *arguments: str) -> Any:
    """A command of `pegwarden key` that loads the module."""
    given = ("--config", house.config, *house.pin_options)
    return pegwarden("key", *arguments, *given, environment=house.environment)


def _key_file(house: House, name: str) -> Path:
    return house.directory / "keys" / f"{name}.json"


def _append(house: House, text: str) -> None:
    with Path(house.config).open("a") as config:
        config.write(text)
