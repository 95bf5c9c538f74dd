"""What the vault has paid already, on the attestor's own node (ADR 0006).

1. Equal burns (amount and script) are told apart by nothing on Bitcoin. So r of m of them are stated by one
   signature only while at most m - r such payments of the vault are confirmed.
2. A payment of the vault is an output of a transaction that spends a script of the vault's; strangers who
   pay the same do not count. Scripts are derived from the vault's descriptor, `reach` addresses of each
   branch: more than the vault will have used. A vault of fixed keys has one.
3. Blocks are read from `since` on, the height at which the vault was made, at each question: slow and simple.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from clients.attestor.chain import NotSeen
from clients.jsonrpc import JsonRpc, to_sats
from signer.bitcoin.descriptor import Descriptor, derive, is_fixed

WITH_PREVIOUS_OUTPUTS = 3
"""Verbosity of `getblock`."""


@dataclass(frozen=True)
class VaultPayments:
    """Of one vault."""

    rpc: JsonRpc
    descriptor: Descriptor
    since: int
    reach: int = 2_000

    @cached_property
    def _scripts(self) -> frozenset[str]:
        places = product((0, 1), range(self.reach))
        if is_fixed(self.descriptor):
            places = product((0,), (0,))
        return frozenset(derive(self.descriptor, *each).script_pubkey.hex() for each in places)

    def count(self, amount: int, script: bytes) -> int:
        """Confirmed outputs of that amount to that script in transactions of the vault."""
        return sum(
            to_sats(output["value"]) == amount and output["scriptPubKey"]["hex"] == script.hex()
            for transaction in self._transactions()
            for output in transaction["vout"]
        )

    def _transactions(self) -> Iterator[Any]:
        """Those of the vault, in blocks of the active chain."""
        for height in range(self.since, self.rpc("getblockcount") + 1):
            name = self.rpc("getblockhash", height)
            block: Any = self.rpc("getblock", name, WITH_PREVIOUS_OUTPUTS)
            for transaction in block["tx"]:
                if not self._scripts.isdisjoint(_spent_scripts(transaction, height)):
                    yield transaction


def _spent_scripts(transaction: Any, height: int) -> Iterator[str]:
    """Of its inputs. Raises NotSeen where the node does not show them: it may have been made to forget."""
    for each in transaction["vin"]:
        if "prevout" in each:
            yield each["prevout"]["scriptPubKey"]["hex"]
        elif "coinbase" not in each:
            raise NotSeen(
                f"the node does not show what block {height} spends (Core 23 or newer does)"
            )
