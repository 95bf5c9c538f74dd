"""What an attestor sees of Bitcoin, through its own bitcoind.

1. A coin is attested when the node's own UTXO set has it, at least `depth` blocks deep.
2. Amount, script and height come from the node, never from who asks.
3. The mempool is not looked at: a coin that only an unconfirmed transaction spends is unspent.
"""

from dataclasses import dataclass
from typing import Any

from clients.jsonrpc import JsonRpc, to_sats
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import OutPoint, Txid, display
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import CoinTerms


class NotSeen(Exception):
    """The attestor does not see what it is asked to attest; the message says what it sees."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The attestor's node."""

    rpc: JsonRpc
    network: Network
    depth: int = 1
    """Confirmations that a coin needs."""

    def require_network(self) -> None:
        """Raises NotSeen when the node follows another chain."""
        genesis = self.rpc("getblockhash", 0)
        if genesis != display(Txid(self.network.genesis_hash)):
            raise NotSeen(f"the node's genesis block {genesis} is not that of {self.network}")

    def coin(self, outpoint: OutPoint) -> CoinTerms:
        """The coin as the node has it. Raises NotSeen."""
        seen: Any = self.rpc("gettxout", display(outpoint.txid), outpoint.vout, False)
        if seen is None:
            raise NotSeen(f"{outpoint} is spent, unconfirmed or does not exist")
        if seen["confirmations"] < self.depth:
            raise NotSeen(f"{outpoint} has {seen['confirmations']} of {self.depth} confirmations")
        tip = self.rpc("getblockheader", seen["bestblock"])["height"]
        return CoinTerms(
            outpoint=outpoint,
            amount=Sats(to_sats(seen["value"])),
            height=Height(tip - seen["confirmations"] + 1),
            script_pubkey=bytes.fromhex(seen["scriptPubKey"]["hex"]),
        )
