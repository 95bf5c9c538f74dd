"""`pegwarden key generate | pin | wrap | unwrap`: keys in a token, and files that a token seals.

1. A process that loads the token's module is given no passphrase, and no seed that is not sealed by one.
2. Nothing in the token is changed or destroyed: a key is made under an id that it does not know.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from keystore.header import FILE_KIND, WrapKind, require_unwrapped
from keystore.hsm_sealed import TokenDesk, unwrap, wrap, wrap_kind_of
from keystore.sealed import create, read_sealed
from keystore.token.attributes import make_sealing_key, make_signing_key
from keystore.token.cryptoki import Token, TokenError
from keystore.token.keeper import Keeper, TokenPlace, log_in
from keystore.token.pinned_key import new_pinned_key
from keystore.token.questions import MAKING, MOST_ID, Operation, read_question
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options, pin_options
from signer.config import KernelConfig, load_config
from signer.config_token import required_token
from signer.core.errors import Objection, Refusal
from signer.room import memory


def _bytes_of(least: int, most: int) -> Callable[[click.Context, click.Parameter, str], bytes]:
    """Reads an argument of that many bytes."""

    def read(_: click.Context, __: click.Parameter, text: str) -> bytes:
        try:
            content = bytes.fromhex(text)
        except ValueError:
            content = b""
        if not least <= len(content) <= most:
            raise click.BadParameter(f"{least} to {most} bytes in hexadecimal digits")
        return content

    return read


OPENING = frozenset((Operation.OPEN,))
"""What a keeper does for `unwrap`."""
_ident = click.argument("ident", callback=_bytes_of(1, MOST_ID))


@click.command("generate")
@_ident
@click.option("--kek", is_flag=True, help="A key that seals key files, instead of one that signs.")
@config_option
@pin_options
@json_option
def generate_command(
    ident: bytes,
    config_path: Path,
    pin_source: PassphraseSource,
    emit: Emit,
    *,
    kek: object,
) -> None:
    """Make a key in the token of [token], under the id IDENT (hexadecimal): it never leaves it."""
    memory.harden()
    with logged_in(load_config(config_path), pin_source) as token:
        made = (make_sealing_key if kek else make_signing_key)(token, ident)
    public = made.pubkey.hex() or None
    members = {"ok": True, "ident": ident.hex(), "public": public, "absent": list(made.absent)}
    lines = [f"public  {public}"] if public else [f"A key that seals, id {ident.hex()}."]
    emit(members, [*lines, *(f"absent  {each}" for each in made.absent)])


@click.command("pin")
@click.argument("key", type=FILE)
@_ident
@click.argument("public", callback=_bytes_of(33, 33))
@config_option
@passphrase_options()
@json_option
def pin_command(
    key: Path,
    ident: bytes,
    public: bytes,
    config_path: Path,
    passphrase_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Make the file KEY of a token's key: its id IDENT and its PUBLIC key, as `key generate` printed them.

    A policy lists PUBLIC; `key bind` binds the file as any other.
    """
    config = load_config(config_path)
    with passphrase_source.read_new("Passphrase") as passphrase:
        content, text = new_pinned_key(config.network, ident, public, passphrase)
    create(key, content)
    emit({"ok": True, "file": str(key), "public": text}, [f"{key}: {text}"])


@click.command("wrap")
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@click.argument("kek", callback=_bytes_of(1, MOST_ID))
@click.option("--backup", is_flag=True, help="A copy to put away: no kernel uses it.")
@config_option
@pin_options
@json_option
def wrap_command(
    source: Path,
    target: Path,
    kek: bytes,
    config_path: Path,
    pin_source: PassphraseSource,
    emit: Emit,
    *,
    backup: object,
) -> None:
    """Seal the bound key file SOURCE by the token's key KEK, too, in the new file TARGET (hsm-sealed).

    Name TARGET in [keys] in place of SOURCE, and try a start. Destroy SOURCE once a backup is proved that
    does not need this token (docs/hsm.md).
    """
    memory.harden()
    kind = WrapKind.BACKUP if backup else WrapKind.SEALED
    inner = require_unwrapped(read_sealed(source))
    with logged_in(load_config(config_path), pin_source) as token:
        content = wrap(inner, kind, kek, TokenDesk(_Here(Keeper(token, MAKING)), 0.0))
    create(target, content)
    emit({"ok": True, "file": str(target), "kind": kind.value}, [f"{target}: {kind.value}"])


@click.command("unwrap")
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@config_option
@pin_options
@json_option
def unwrap_command(
    source: Path,
    target: Path,
    config_path: Path,
    pin_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Take the token's seal off SOURCE, a file of `key wrap`: TARGET, a new file, is under its passphrase.

    For what needs such a file (`key caps`, `key backup`). Then wrap TARGET again, and destroy it
    (docs/hsm.md); best, it is in memory (/dev/shm) from the beginning.
    """
    memory.harden()
    content = read_sealed(source)
    kind = wrap_kind_of(content)
    with logged_in(load_config(config_path), pin_source) as token:
        inner = unwrap(content, kind, TokenDesk(_Here(Keeper(token, OPENING)), 0.0))
    create(target, inner)
    members = {"ok": True, "file": str(target), "kind": FILE_KIND, "was": kind.value}
    emit(members, [f"{target}: {FILE_KIND}, was {kind.value}: under its passphrase alone"])


class _Here(NamedTuple):
    """A keeper in this process: a command holds nothing that its token could not have."""

    keeper: Keeper

    def ask(self, question: bytes, deadline: float) -> bytes:  # noqa: ARG002 (as a kernel asks)
        """See `keystore.hsm_sealed.AsksToken`."""
        return self.keeper.answer(read_question(question))


@contextmanager
def logged_in(config: KernelConfig, source: PassphraseSource) -> Iterator[Token]:
    """The token of [token]. Raises Refusal `token-unavailable` where the token fails, and those of
    `log_in`."""
    place = required_token(config.token, config.path)
    with source.read("PIN") as pin:
        token, _ = log_in(TokenPlace(place.module, place.label), pin)
    try:
        yield token
    except TokenError as error:
        raise Refusal(Objection("token-unavailable", str(error))) from None
