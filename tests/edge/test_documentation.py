"""docs/configuration.md says what the code does."""

from dataclasses import fields
from pathlib import Path

import pytest

from signer.core.caller import Role
from signer.edge.limits import EdgeLimits
from signer.edge.roles import ROLES

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs/configuration.md").read_text()
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if "|" in line
]
HEAD = next(row for row in ROWS if row[0] == "RPC")


@pytest.mark.parametrize("method", ROLES)
def test_the_role_table_is_the_codes(method: str) -> None:
    row = next(row for row in ROWS if row[0] == method)
    said = {Role(role) for role, mark in zip(HEAD[1:], row[1:], strict=True) if mark == "yes"}
    assert said == ROLES[method]


def test_every_limit_stands_there_with_its_default() -> None:
    said: dict[str, str] = {}
    for row in ROWS:
        if row[0].startswith("`") and len(row) == 4:
            names = [name.strip("` ") for name in row[0].split(",")]
            said |= dict(zip(names, row[1].split(", "), strict=True))
    assert said == {each.name: str(getattr(EdgeLimits(), each.name)) for each in fields(EdgeLimits)}
