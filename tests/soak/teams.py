"""Invariant: whoever of a vault's members signs, with our kernel or with Core's wallet, the transaction is
final, the same for Core and for us, and accepted (tests/regtest/teams.py)."""

import tempfile
from pathlib import Path

from clients.bitcoind import Bitcoind
from tests.regtest.mixed_vaults import NODE_OPTIONS, TEMPLATES
from tests.regtest.teams import company, recoveries, withdrawals

FULL = 50
"""Withdrawals for each template; of the vault with recovery as many recoveries."""


def run(n: int, seed: int) -> list[str]:
    """The transactions that break the invariant."""
    broken: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Bitcoind.start(Path(folder) / "node", *NODE_OPTIONS) as node,
    ):
        for name in TEMPLATES:
            with company(Path(folder) / name, node, name, seed) as members:
                outcomes = list(withdrawals(members, n))
                if len(members.vault.paths) > 1:
                    outcomes += recoveries(members, n)
            broken += [f"{name}: {each}" for each in outcomes if each.objection]
    return broken
