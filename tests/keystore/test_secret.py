"""Secrets stay unseen: no text, no copy, no pickle, no traceback, and zero when closed (P8)."""

import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keystore.caps import Caps
from keystore.derive import derive_account
from keystore.header import LEAST_COST, Limits
from keystore.identity import Identity, new_identity
from keystore.sealed import limit, open_sealed, unseal
from keystore.secret import UNSAFE_EXPOSE, Secret, taken, wipe
from keystore.vault_key import VaultKey, new_vault_key
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.errors import Fault
from tests import federation
from tests.keystore.vaultroom import (
    BINDING,
    SEED,
    identity_file,
    open_room,
    passphrase,
    sealed_vault_key,
    vault_file,
)

CANARY = b"canary-" + bytes(range(65, 90))


def holders(folder: Path) -> list[object]:
    """Everything that holds a secret."""
    opened = unseal(sealed_vault_key(), passphrase())
    with Secret(SEED) as seed:
        account = derive_account(seed, REGTEST)[1]
    identity = Identity(open_sealed(identity_file(folder / "another.key")))
    return [Secret(CANARY), opened.secret, account, VaultKey(opened), identity, open_room(folder)]


def test_nothing_shows_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    account = federation.MEMBERS[0].account
    child = account.derive([0, 0])
    secrets = [CANARY, SEED, account.key.serialize(), child.key.serialize()]
    for holder in holders(tmp_path):
        logging.getLogger("test").warning("%s %r", holder, holder)
        shown = f"{holder} {holder!r} {holder!s} {[holder]} {caplog.text}"
        for secret in secrets:
            assert secret.hex() not in shown
            assert repr(secret)[2:-1] not in shown
            assert secret.decode("latin1") not in shown


def test_nothing_copies_a_secret(tmp_path: Path) -> None:
    for holder in holders(tmp_path):
        for copier in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                copier(holder)


def test_a_traceback_has_no_secret_in_it() -> None:
    secret = Secret(CANARY)
    try:
        raise Fault(f"something about {secret}")
    except Fault as fault:
        lines = traceback.TracebackException.from_exception(fault, capture_locals=True).format()
        assert "canary" not in "".join(line for line in lines if "CANARY =" not in line)


def test_reading_needs_the_token() -> None:
    secret = Secret(CANARY)
    assert bytes(secret.expose(UNSAFE_EXPOSE)) == CANARY
    for token in (None, True, object(), "UNSAFE_EXPOSE"):
        with pytest.raises(TypeError):
            secret.expose(token)  # type: ignore[arg-type]
    with Secret(SEED) as seed:
        account = derive_account(seed, REGTEST)[1]
    with pytest.raises(TypeError):
        account.expose(None)


def test_a_secret_has_no_other_way_out() -> None:
    secret = Secret(CANARY)
    assert len(secret) == len(CANARY)
    ways: tuple[Callable[[Any], object], ...] = (
        bytes,
        bytearray,
        hash,
        list,
        lambda it: it == it,
        lambda it: it[0],
    )
    for way in ways:
        with pytest.raises(TypeError):
            way(secret)


def test_a_closed_secret_is_zero() -> None:
    with Secret(CANARY) as secret:
        view = secret.expose(UNSAFE_EXPOSE)
    assert bytes(view) == bytes(len(CANARY))


def test_wipe_overwrites_in_place() -> None:
    content = bytes(bytearray(CANARY))
    assert content == CANARY
    wipe(content)
    assert content == bytes(len(CANARY))


def test_bytes_that_python_shares_are_not_wiped() -> None:
    """CPython has one object for each byte alone: zeroed, it would be zero for everybody."""
    for shared in (bytes((5,)), b""):
        wipe(shared)
    assert bytes((5,))[0] == len("five") + 1


def test_what_a_secret_is_taken_from_is_wiped() -> None:
    content = bytes(bytearray(CANARY))
    assert bytes(taken(content).expose(UNSAFE_EXPOSE)) == CANARY
    assert content == bytes(len(CANARY))


def test_new_seeds_leave_none_of_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vault key, identity, and the ledger key that caps bring: all are drawn where it is wiped."""
    drawn: list[bytes] = []

    def urandom(size: int) -> bytes:
        drawn.append(bytes(bytearray(b"\x07" * size)))
        return drawn[-1]

    monkeypatch.setattr("keystore.secret.os", SimpleNamespace(urandom=urandom))
    new_vault_key(REGTEST, passphrase(), LEAST_COST)
    new_identity(REGTEST, passphrase(), LEAST_COST)
    key = vault_file(tmp_path / "vault.key", BINDING)
    limit(key, Limits(Caps(Sats(1), Sats(2))))
    assert drawn == [bytes(32), bytes(64), bytes(32)]
    with open_sealed(key).secret as secret:
        assert bytes(secret.expose(UNSAFE_EXPOSE)) == SEED + b"\x07" * 32
