"""Sealed key files: a secret under a passphrase (scrypt, AES-256-GCM), bound to what it may serve.

1. The seal authenticates the header: role, network, genesis hash, public key and binding cannot be changed
   without the passphrase. Every seal has a fresh salt and nonce.
2. A vault key is sealed unbound and bound once: to its vault, policy and journal's first entry.
3. Files are written whole or not at all (temporary file, fsync, rename, fsync of the directory), mode 0600;
   a file that others can read is refused.
4. GCM cannot tell a wrong passphrase from changed bytes; the refusal says so.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keystore.header import (
    DEFAULT_COST,
    MAX_FILE,
    Binding,
    Header,
    Limits,
    Role,
    malformed_file,
    read_file,
    require_unwrapped,
    write_file,
)
from keystore.secret import UNSAFE_EXPOSE, Secret, random_secret, taken, wipe
from signer.bitcoin.network import Network
from signer.core.errors import Objection, Refusal

LEDGER_KEY_SIZE = 32


@dataclass(frozen=True, slots=True)
class Label:
    """What a new secret is."""

    role: Role
    network: Network
    public: str
    """See `Header.public`."""
    binding: Binding | None = None
    cost: int = DEFAULT_COST
    limits: Limits | None = None
    token: bytes = b""
    """See `Header.token`."""


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A secret with its authenticated header."""

    header: Header
    secret: Secret


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A place and the passphrase that opens it."""

    path: Path
    passphrase: Secret


def seal(secret: Secret, label: Label, passphrase: Secret) -> bytes:
    """The bytes of a sealed file."""
    header = Header(
        label.role,
        label.network,
        label.public,
        salt=os.urandom(32),
        nonce=os.urandom(12),
        cost=label.cost,
        binding=label.binding,
        limits=label.limits,
        token=label.token,
    )
    content = secret.expose(UNSAFE_EXPOSE)
    with _cipher(header, passphrase) as cipher:
        return write_file(header, cipher.encrypt(header.nonce, content, header.associated()))


def unseal(content: bytes, passphrase: Secret) -> OpenedKey:
    """Raises Refusal `key-file-malformed` or `key-passphrase-wrong`."""
    header, sealed = read_file(content)
    try:
        with _cipher(header, passphrase) as cipher:
            clear = cipher.decrypt(header.nonce, sealed, header.associated())
    except InvalidTag:
        raise Refusal(
            Objection(
                "key-passphrase-wrong",
                "the passphrase is wrong, or the file was changed (the seal cannot tell which)",
            )
        ) from None
    return OpenedKey(header, taken(clear))


def create(path: Path, sealed: bytes) -> None:
    """Write a new key file. Raises Refusal `key-file-exists` or `key-file-unusable`."""
    _write(path, sealed, os.link)


def open_sealed(source: KeyFile) -> OpenedKey:
    """Raises Refusal `key-file-missing`, `key-file-exposed`, `key-file-malformed`,
    `key-passphrase-wrong`, `key-kind-wrong` or `key-file-unusable`."""
    return unseal(require_unwrapped(read_sealed(source.path)), source.passphrase)


def read_sealed(path: Path) -> bytes:
    """The bytes of a key file that is its owner's alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refusal(Objection("key-file-missing", f"there is no key file at {path}")) from None
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise malformed_file(f"{path} is no regular file")
        if mode & 0o077:
            detail = f"{path} can be read by others than its owner"
            raise Refusal(Objection("key-file-exposed", detail, f"{mode & 0o777:o}", "600"))
        return os.read(descriptor, MAX_FILE + 1)
    except OSError as error:
        raise _unusable(path, error) from None
    finally:
        os.close(descriptor)


def bind(source: KeyFile, binding: Binding) -> None:
    """Bind a vault key, once and for ever. Raises `key-already-bound`, `key-role-wrong` and those of
    `open_sealed`."""
    opened = open_sealed(source)
    with opened.secret:
        header = opened.header
        if header.role is not Role.VAULT:
            raise Refusal(
                Objection("key-role-wrong", "only a vault key is bound", header.role.value, "vault")
            )
        if header.binding is not None:
            raise Refusal(
                Objection(
                    "key-already-bound",
                    "the key is bound already",
                    f"vault {header.binding.vault_fingerprint.hex()}",
                )
            )
        label = replace(_label_of(header), binding=binding)
        _write(source.path, seal(opened.secret, label, source.passphrase), os.replace)


def limit(source: KeyFile, limits: Limits) -> Header:
    """Seal a vault key with these caps; one that had none gets a ledger key. Raises `key-role-wrong` and
    those of `open_sealed`."""
    opened = open_sealed(source)
    with opened.secret:
        header = opened.header
        if header.role is not Role.VAULT:
            raise Refusal(
                Objection("key-role-wrong", "only a vault key has caps", header.role.value, "vault")
            )
        label = replace(_label_of(header), limits=limits)
        with _with_ledger_key(opened) as secret:
            _write(source.path, seal(secret, label, source.passphrase), os.replace)
    return read_file(read_sealed(source.path))[0]


def _with_ledger_key(opened: OpenedKey) -> Secret:
    """A copy of the secret that ends in the key of a ledger."""
    content = opened.secret.expose(UNSAFE_EXPOSE)
    if opened.header.limits is not None or opened.header.token:
        return Secret(content)
    with random_secret(LEDGER_KEY_SIZE) as ledger_key:
        return taken(b"".join((content, ledger_key.expose(UNSAFE_EXPOSE))))


def ledger_key_of(opened: OpenedKey) -> Secret:
    """The key of its ledger, with which the secret of a key with caps ends."""
    return Secret(opened.secret.expose(UNSAFE_EXPOSE)[-LEDGER_KEY_SIZE:])


def _label_of(header: Header) -> Label:
    return Label(
        role=header.role,
        network=header.network,
        public=header.public,
        binding=header.binding,
        cost=header.cost,
        limits=header.limits,
        token=header.token,
    )


def backup(source: KeyFile, target: KeyFile) -> Header:
    """Seal the same secret with the same binding and caps in a new file under another passphrase, and read it
    back. Raises what `open_sealed` and `create` raise."""
    opened = open_sealed(source)
    with opened.secret:
        label = _label_of(opened.header)
        create(target.path, seal(opened.secret, label, target.passphrase))
        return _read_back(target, opened)


def restore(source: KeyFile, target: KeyFile) -> Header:
    """The way back from a backup; an existing file is never overwritten."""
    return backup(source, target)


def _read_back(target: KeyFile, original: OpenedKey) -> Header:
    again = open_sealed(target)
    with again.secret:
        same = again.secret.expose(UNSAFE_EXPOSE) == original.secret.expose(UNSAFE_EXPOSE)
        if not same or _label_of(again.header) != _label_of(original.header):
            raise _unusable(target.path, OSError("what was written does not read back"))
        return again.header


@contextmanager
def _cipher(header: Header, passphrase: Secret) -> Iterator[AESGCM]:
    scrypt = Scrypt(salt=header.salt, length=32, n=header.cost, r=8, p=1)
    key = scrypt.derive(passphrase.expose(UNSAFE_EXPOSE))
    try:
        yield AESGCM(key)
    finally:
        wipe(key)  # not earlier: AESGCM may refer to it


def _write(path: Path, content: bytes, publish: Callable[[Path, Path], None]) -> None:
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        publish(draft, path)
        draft.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except FileExistsError:
        with suppress(OSError):
            draft.unlink()
        detail = f"{path} exists; a key file is never overwritten"
        raise Refusal(Objection("key-file-exists", detail)) from None
    except OSError as error:
        raise _unusable(path, error) from None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> Refusal:
    return Refusal(Objection("key-file-unusable", f"{path}: {error.strerror or error}"))
