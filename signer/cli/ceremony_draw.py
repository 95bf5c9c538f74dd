"""Where a contributor's samples come from: the system, dice, or a token's generator.

Rule 1: samples are in a buffer that its taker zeroes; they are judged by `signer.ceremony.health`, not here.
Rule 2: a token's are drawn in a process that is given no passphrase and no other contribution.
"""

from pathlib import Path
from typing import NamedTuple

import click

from keystore.passphrase import passphrase_from_file, passphrase_from_prompt
from keystore.secret import UNSAFE_EXPOSE, Secret, random_secret, taken
from keystore.token.cryptoki import TokenError
from keystore.token.keeper import TokenPlace, log_in
from signer.ceremony.health import SOURCES
from signer.cli.passphrases import PassphraseSource
from signer.core.errors import Objection, Refusal

_ROLLS = frozenset(b"123456")


class Drawing(NamedTuple):
    """What the user said of a source."""

    source: str
    dice_file: Path | None
    module: str | None
    label: str | None
    pin: PassphraseSource


def draw(drawing: Drawing) -> Secret:
    """The samples. Raises Refusal `ceremony-entropy-weak`, `passphrase-unreadable` and those of a token."""
    if drawing.source == "dice":
        return _rolls(drawing.dice_file)
    if drawing.source == "token":
        return _token_bytes(drawing)
    return random_secret(SOURCES["os"].least)


def _rolls(place: Path | None) -> Secret:
    question = f"{SOURCES['dice'].least} rolls or more, digits 1 to 6, in order: "
    given = passphrase_from_prompt(question) if place is None else passphrase_from_file(place)
    with given:
        rolls = bytes(given.expose(UNSAFE_EXPOSE)).translate(None, b" \t\r\n")
    if not _ROLLS.issuperset(rolls):
        raise Refusal(Objection("ceremony-entropy-weak", "rolls of dice are digits from 1 to 6"))
    return taken(rolls)


def _token_bytes(drawing: Drawing) -> Secret:
    if drawing.module is None or drawing.label is None:
        raise click.UsageError("--source token needs --module and --label")
    with drawing.pin.read("PIN") as pin:
        token, _ = log_in(TokenPlace(drawing.module, drawing.label), pin)
    try:
        return taken(token.random(SOURCES["token"].least))
    except TokenError as error:
        raise Refusal(Objection("token-unavailable", str(error))) from None
