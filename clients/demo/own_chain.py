"""A kernel sees Bitcoin for itself: headers brought by a source, a deposit proven by its block.

1. `spv sync` brings the node's headers to one kernel, `spv prove` makes the proof, the kernel judges it.
2. What is changed in the claim is refused by the same kernel, with a code.
"""

from pathlib import Path

from clients.bitcoind import Bitcoind
from clients.demo.command import REFUSED, pegwarden
from clients.demo.narrator import Narrator, expect
from clients.demo.scene import L2_CHAIN_ID, L2_USER, VAULT
from clients.demo.stage import House
from clients.relayer.coins import VaultCoin
from signer.bitcoin.transaction import display

SOURCE = "relayer"
"""A caller whom `init` made a source of headers."""


def own_chain(node: Bitcoind, house: House, coin: VaultCoin, narrator: Narrator) -> None:
    """Of that member, and the deposit that made the coin."""
    files = house.credentials(SOURCE)
    kernel = (
        *("--connect", house.address, "--ca", str(files.ca)),
        *("--cert", str(files.certificate), "--cert-key", str(files.key)),
    )
    asked = ("--node", f"127.0.0.1:{node.address.port}", "--cookie", str(node.address.cookie))
    told = pegwarden("spv", "sync", *asked, *kernel)
    height = node.rpc("getblockcount")
    narrator.step(f"{house.name} verified {told['added']} headers, up to height {height}")

    file, txid = Path(house.directory.parent, "proof.json"), display(coin.outpoint.txid)
    pegwarden("spv", "prove", txid, "--previous", "all", "-o", str(file), *asked)
    place = ("--vault", VAULT, "--vout", str(coin.outpoint.vout))
    claim = ("spv", "deposit", str(file), *place, *kernel)
    early = pegwarden(*claim, "--index", str(coin.index), status=REFUSED)
    expect(early["not_yet"] == ["deposit-unburied"], f"deep already, or nothing: {early}")
    narrator.told(
        "a deposit that is not deep enough", early["not_yet"][0], f"{early['blocks']} confirmations"
    )
    node.mine(early["needed_blocks"] - early["blocks"])
    pegwarden("spv", "sync", *asked, *kernel)
    proven = pegwarden(*claim, "--index", str(coin.index))
    credited = (proven["amount_sat"], proven["l2_chain_id"], proven["l2_address"])
    expect(credited == (coin.amount, L2_CHAIN_ID, L2_USER.hex()), f"another deposit: {proven}")
    expect(proven["is_on_best_chain"], f"a deposit that is nowhere: {proven}")
    narrator.step(
        f"{house.name} saw the first deposit in block {proven['block_hash'][:16]}..., "
        f"{proven['blocks']} confirmations by its own headers"
    )
    other = pegwarden(*claim, "--index", str(coin.index + 1), status=REFUSED)
    expect(other["code"] == "deposit-output", f"a deposit to another address: {other}")
    detail = other["objections"][0]["detail"]
    narrator.told("a deposit that is said to be of another address", other["code"], detail)
    bent = file.read_text().replace('"position": ', '"position": 1')
    file.write_text(bent)
    said = pegwarden("spv", "verify", str(file), status=REFUSED)
    narrator.told("its proof, at another position", said["code"], said["detail"])
