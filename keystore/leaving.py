"""What leaves a vault by a transaction, by the keystore's own reckoning: inputs less what it finds to stay.

1. The descriptor is hashed here again: it must be the one that the key is bound to, by whatever name.
2. P2WSH: a signature commits to its own input's amount alone, so two requests with lies that complete each
   other would each count too little (CVE-2020-14199). Each previous transaction is hashed here again and must
   be the outpoint's; the amount is the one in it. Taproot: a signature commits to all amounts (BIP-341), so a
   lie about one spoils every signature.
3. The change stays if its script is our own derivation on the change branch, at the index that the core says
   (a vault of fixed keys has one script, and what pays it is change).
   What is paid to the successor in the sealed header stays if it is our own derivation on its receive branch.
4. All else leaves, the fee included. No output counts twice.
What contradicts the transaction is a Fault: nothing is signed.
"""

from collections.abc import Iterator
from functools import lru_cache

from keystore.header import Binding
from signer.bitcoin.descriptor import Descriptor, canonical_text, derive, is_fixed
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.bitcoin.previous import Allowance, read_previous
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats, sats_checked
from signer.core.errors import Fault
from signer.core.spend import VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault


def leaves(spend: VerifiedSpend, binding: Binding, successor: bytes = b"") -> Sats:
    """Sats that leave by this transaction. Raises Fault where what the core says is not so."""
    if fingerprint_of(spend.vault) != binding.vault_fingerprint:  # 1
        raise Fault("the descriptor is not the one that the key is bound to")
    if len(spend.coins) != len(spend.transaction.inputs):
        raise Fault("not one coin for each input")
    try:
        entered = sum(_amounts(spend))
        stayed = sum(_staying(spend, successor).values())
        return sats_checked(entered - stayed)
    except Malformed as error:
        raise Fault(f"amounts that no transaction has: {error.detail}") from None


def fingerprint_of(vault: Vault) -> bytes:
    """SHA-256 of the canonical text of its descriptor, not of what it says of itself."""
    return _fingerprint(vault.descriptor, vault.network)


@lru_cache(maxsize=64)
def _fingerprint(descriptor: Descriptor, network: Network) -> bytes:
    return sha256(canonical_text(descriptor, network).encode())


def _amounts(spend: VerifiedSpend) -> Iterator[Sats]:
    """What each input brings (2)."""
    allowance = Allowance()
    for index, coin in enumerate(spend.coins):
        if not spend.vault.is_taproot and _proven(spend, index, allowance) != coin.prevout:
            raise Fault(f"input {index}: the coin is not what its previous transaction says")
        yield coin.prevout.amount


def _proven(spend: VerifiedSpend, index: int, allowance: Allowance) -> TxOut | None:
    raw, outpoint = spend.psbt.inputs[index].non_witness_utxo, spend.transaction.inputs[index]
    if raw is None:
        raise Fault(f"input {index}: no previous transaction")
    previous = read_previous(raw, allowance)
    if previous.txid != outpoint.previous.txid:
        raise Fault(f"input {index}: not the previous transaction that the outpoint names")
    return previous.output(outpoint.previous.vout)


def _staying(spend: VerifiedSpend, successor: bytes) -> dict[int, Sats]:
    """Output -> amount, of the outputs that we derive ourselves (3)."""
    claims = [
        (each.vout, each.to, RECEIVE, each.index)
        for each in spend.rotations
        if fingerprint_of(each.to) == successor
    ]
    if spend.change is not None:
        branch = RECEIVE if is_fixed(spend.vault.descriptor) else CHANGE
        claims.append((spend.change.vout, spend.vault, branch, spend.change.index))
    outputs = spend.transaction.outputs
    return {
        vout: outputs[vout].amount
        for vout, vault, branch, index in claims
        if 0 <= vout < len(outputs)
        and derive(vault.descriptor, branch, index).script_pubkey == outputs[vout].script_pubkey
    }
