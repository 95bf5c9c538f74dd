"""What an attestor sees of Bitcoin, through its own bitcoind.

1. A coin is attested when the node's own UTXO set has it, at least `depth` blocks deep.
2. Amount, script and height come from the node, never from who asks.
3. The mempool is not looked at: a coin that only an unconfirmed transaction spends is unspent.
4. A spend is attested when a block of the node's active chain holds the transaction, and the transaction
   itself, read from the node, spends the output. How deep is deep enough is the kernel's to say.
5. A node that downloads, or whose tip is old, does not see what was paid: burns are not stated by it.
"""

from dataclasses import dataclass
from typing import Any

from clients.jsonrpc import JsonRpc, NodeError, to_sats
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import OutPoint, Txid, display, parse_transaction
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import CoinTerms, SpentTerms

NO_SUCH_TRANSACTION = -5


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

    def require_fresh(self, max_tip_age: int, now: int) -> None:
        """Raises NotSeen when the node is behind: its tip's median time lies further back than that."""
        seen: Any = self.rpc("getblockchaininfo")
        if seen["initialblockdownload"]:
            raise NotSeen("the node still downloads blocks: it does not see what was paid")
        age = now - seen["mediantime"]
        if age > max_tip_age:
            raise NotSeen(
                f"the median time of the node's tip is {age} seconds old, {max_tip_age} at most: it may not "
                "see what was paid"
            )

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

    def spend(self, outpoint: OutPoint, spender: Txid) -> SpentTerms:
        """That transaction as the node has it in its chain. Raises NotSeen."""
        try:
            seen: Any = self.rpc("getrawtransaction", display(spender), True)
        except NodeError as error:
            if error.code != NO_SUCH_TRANSACTION:
                raise
            raise NotSeen(f"the node knows no transaction {display(spender)}") from None
        transaction = parse_transaction(bytes.fromhex(seen["hex"]))
        spent = {txin.previous for txin in transaction.inputs}
        if transaction.txid != spender or outpoint not in spent or "coinbase" in seen["vin"][0]:
            raise NotSeen(f"{display(spender)} does not spend {outpoint}")
        if "blockhash" not in seen:
            raise NotSeen(f"{display(spender)} is unconfirmed")
        header: Any = self.rpc(
            "getblockheader", seen["blockhash"]
        )  # height and depth of one moment
        if header["confirmations"] < 1:
            raise NotSeen(f"the block of {display(spender)} is not in the active chain")
        height, depth = header["height"], header["confirmations"]
        return SpentTerms(outpoint, spender, Height(height), Height(height + depth - 1))
