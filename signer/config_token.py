"""`[token]` of a configuration: where the token is that holds a member's keys (docs/hsm.md)."""

from dataclasses import dataclass
from pathlib import Path

from signer.core.errors import Objection, Refusal
from signer.toml_table import TomlTable

MOST_KEEPERS = 16


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """`[token]`."""

    module: str
    """The vendor's PKCS#11 library."""
    label: str
    """Of the token."""
    keepers: int
    """Processes that `serve` starts; more than the token's cores bring nothing."""
    answer_seconds: int
    """After which a keeper is given up."""
    sign_seconds: int
    """That keepers have for one spend."""


def token_in(top: TomlTable) -> TokenConfig | None:
    """None where there is no such table."""
    if "token" not in top:
        return None
    table = top.table("token")
    found = TokenConfig(
        module=str(table.path("module")),
        label=table.text("label"),
        keepers=table.number("keepers", 2),
        answer_seconds=table.number("answer_seconds", 1),
        sign_seconds=table.number("sign_seconds", 10),
    )
    if found.keepers > MOST_KEEPERS:
        table.refuse("keepers", f"is at most {MOST_KEEPERS}")
    if found.sign_seconds <= found.answer_seconds:
        table.refuse("sign_seconds", "is more than `answer_seconds`, which one keeper may take")
    table.end()
    return found


def required_token(token: TokenConfig | None, file: Path) -> TokenConfig:
    """What that file must have. Raises Refusal `config-key-missing`."""
    if token is None:
        detail = f"{file}: `token` is missing: where the keys of this member are"
        raise Refusal(Objection("config-key-missing", detail))
    return token
