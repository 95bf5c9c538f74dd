"""Core's `walletprocesspsbt`, over its JSON-RPC, with the private key of the member that signs.

It looks for scripts in its wallet, signs and serialises; it neither finalises nor adds derivations.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable

from bench.cases import LOOKAHEAD, Request, Signer
from bench.peers import Peer, Unable, peer, private_descriptor
from clients.bitcoind import Bitcoind
from clients.jsonrpc import JsonRpc
from signer.bitcoin.descriptor import with_checksum


def core_wallet(node: Bitcoind, member: Signer) -> JsonRpc:
    """A wallet of that vault. Raises Unable."""
    name = member.case.name
    node.rpc("createwallet", name, False, True)
    wallet = node.rpc.wallet(name)
    wanted = {
        "desc": with_checksum(private_descriptor(member)),
        "range": [0, LOOKAHEAD],
        "timestamp": "now",
    }
    (answer,) = wallet("importdescriptors", [wanted])
    if not answer["success"]:
        raise Unable(f"it does not take the descriptor: {answer['error']['message']}")
    return wallet


def core(wallet: JsonRpc) -> Callable[[Request], Peer]:
    """The peer that this wallet is."""

    def prepare(request: Request) -> Peer:
        text = b64encode(request.psbt).decode()
        options = (text, True, "DEFAULT", False, False)
        return peer(lambda: b64decode(wallet("walletprocesspsbt", *options)["psbt"]))

    return prepare
