"""The user's own wallet: embit, a foreign client that knows nothing of this project.

One P2WPKH key of BIP-84; it signs the deposit PSBT that a kernel generated.
"""

from typing import Any

from embit import bip32, script
from embit.finalizer import finalize_psbt
from embit.networks import NETWORKS
from embit.psbt import PSBT

from clients.bitcoind import Bitcoind
from pegwarden.v1 import kernel_pb2

HARDENED = 0x80000000
PATH = (84 + HARDENED, 1 + HARDENED, HARDENED, 0, 0)


class UserWallet:
    """One user with one key."""

    def __init__(self, seed: bytes) -> None:
        self._root = bip32.HDKey.from_seed(seed)
        self._key = self._root.derive(list(PATH))
        self._script: Any = script.p2wpkh(self._key)
        self.address: str = self._script.address(NETWORKS["regtest"])
        """For coins, for change and for what comes back."""
        self.script_pubkey: bytes = self._script.data

    def xpub_text(self) -> str:
        """An account key with origin, as a policy would list it."""
        path = "m/48h/1h/0h/2h"
        account = self._root.derive(path).to_public()
        fingerprint = self._root.my_fingerprint.hex()
        return f"[{fingerprint}/48'/1'/0'/2']{account.to_base58(NETWORKS['regtest']['xpub'])}"

    def utxo(self, node: Bitcoind, txid: str) -> kernel_pb2.UserUtxo:
        """Our output of that transaction, as GenerateDepositPsbt takes it."""
        seen = node.rpc("getrawtransaction", txid, True)
        ours = self.script_pubkey.hex()
        (vout,) = (out["n"] for out in seen["vout"] if out["scriptPubKey"]["hex"] == ours)
        return kernel_pb2.UserUtxo(
            previous_tx=bytes.fromhex(seen["hex"]),
            vout=vout,
            derivations=[
                kernel_pb2.KeyDerivation(
                    pubkey=self._key.to_public().key.sec(),
                    master_fingerprint=self._root.my_fingerprint,
                    path=PATH,
                )
            ],
        )

    def sign(self, psbt: bytes) -> bytes:
        """The final transaction. Raises ValueError when the wallet cannot sign every input."""
        parsed = PSBT.parse(psbt)
        signed = parsed.sign_with(self._root)
        final = finalize_psbt(parsed)
        if signed != len(parsed.inputs) or final is None:
            raise ValueError(f"the wallet signed {signed} of {len(parsed.inputs)} inputs")
        transaction: bytes = final.serialize()
        return transaction
