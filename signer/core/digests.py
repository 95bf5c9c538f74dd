"""What we would sign, and whether the signatures that came along are over the same (checklist D, G1).

1. Digests are computed here from the transaction, the proven prevouts and our own scripts: BIP-143 ALL in
   P2WSH; BIP-341/342 DEFAULT over one leaf in Taproot.
2. A signature in the PSBT is by a key of the vault, for the leaf that the key stands in, of that type, and
   verifies; anything else is refused. It may be for a leaf of another path: whoever made it offered more
   than this spend needs.
"""

from signer.bitcoin.psbt.model import PsbtInput, TapScriptSignature, UnverifiedPsbt
from signer.bitcoin.secp import BadSignature, verify_ecdsa, verify_schnorr
from signer.bitcoin.sighash import SIGHASH_ALL, SegwitV0Sighash
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT, TaprootSighash
from signer.bitcoin.transaction import OutPoint, Transaction
from signer.core.errors import unverified
from signer.core.spend import SpentCoin
from signer.core.vault import Vault

SignedKeys = dict[tuple[bytes, bytes], bytes]
"""(leaf hash, empty in P2WSH; public key, x-only in Taproot) -> signature, as `satisfaction` wants them."""


class InputDigests:
    """The digests of one transaction's inputs."""

    __slots__ = ("_coins", "_sighash")

    def __init__(
        self, transaction: Transaction, coins: tuple[SpentCoin, ...], vault: Vault
    ) -> None:
        """`coins`: one per input, in order."""
        self._coins = coins
        self._sighash: SegwitV0Sighash | TaprootSighash
        if vault.is_taproot:
            self._sighash = TaprootSighash(transaction, tuple(coin.prevout for coin in coins))
        else:
            self._sighash = SegwitV0Sighash(transaction)

    def digest(self, index: int, leaf_hash: bytes) -> bytes:
        """What a signature for input `index` is over; the leaf's hash is empty in P2WSH."""
        if isinstance(self._sighash, TaprootSighash):
            return self._sighash.digest(index, SIGHASH_DEFAULT, leaf_hash)
        coin = self._coins[index]
        return self._sighash.digest(index, coin.derived.witness_script, coin.prevout.amount)


def verified_signatures(
    psbt: UnverifiedPsbt, coins: tuple[SpentCoin, ...], digests: InputDigests
) -> tuple[SignedKeys, ...]:
    """Per input, all signatures that the PSBT carries. Raises VerificationError."""
    return tuple(
        _schnorr(claims, coin, digests, index)
        if claims.tap_script_signatures
        else _ecdsa(claims, coin, digests, index)
        for index, (claims, coin) in enumerate(zip(psbt.inputs, coins, strict=True))
    )


def _ecdsa(claims: PsbtInput, coin: SpentCoin, digests: InputDigests, index: int) -> SignedKeys:
    if not claims.partial_signatures:
        return {}
    keys = {key.pubkey for key in coin.derived.keys}
    digest = digests.digest(index, b"")
    for partial in claims.partial_signatures:
        if partial.pubkey not in keys:
            raise _foreign_key(coin.outpoint, partial.pubkey)
        if partial.signature[-1] != SIGHASH_ALL:
            raise _other_type(coin.outpoint, partial.signature[-1])
        try:
            verify_ecdsa(partial.pubkey, digest, partial.signature[:-1])
        except BadSignature:
            raise _invalid(coin.outpoint, partial.pubkey) from None
    return {(b"", partial.pubkey): partial.signature for partial in claims.partial_signatures}


def _schnorr(claims: PsbtInput, coin: SpentCoin, digests: InputDigests, index: int) -> SignedKeys:
    standing = {(leaf.leaf_hash, key.xonly) for leaf in coin.derived.leaves for key in leaf.keys}
    for each in claims.tap_script_signatures:
        if _place(each) not in standing:
            raise _foreign_key(coin.outpoint, each.xonly)
        if len(each.signature) != 64:
            raise _other_type(coin.outpoint, each.signature[-1])
        try:
            verify_schnorr(each.xonly, digests.digest(index, each.leaf_hash), each.signature)
        except BadSignature:
            raise _invalid(coin.outpoint, each.xonly) from None
    return {_place(each): each.signature for each in claims.tap_script_signatures}


def _place(signature: TapScriptSignature) -> tuple[bytes, bytes]:
    return signature.leaf_hash, signature.xonly


def _foreign_key(outpoint: OutPoint, key: bytes) -> Exception:
    return unverified(
        "signature-foreign-key",
        f"input {outpoint} carries a signature by a key, or for a leaf, that is not the vault's",
        key.hex(),
    )


def _other_type(outpoint: OutPoint, sighash_type: int) -> Exception:
    return unverified(
        "sighash-type-refused",
        f"input {outpoint} carries a signature of another sighash type",
        f"0x{sighash_type:02x}",
    )


def _invalid(outpoint: OutPoint, key: bytes) -> Exception:
    return unverified(
        "signature-invalid",
        f"input {outpoint}: the signature of {key.hex()} does not verify for this transaction",
    )
