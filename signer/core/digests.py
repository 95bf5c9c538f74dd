"""What we would sign, and whether the signatures that came along are over the same (checklist D, G1).

1. Digests are computed here from the transaction, the proven prevouts and our own scripts: BIP-143 ALL in
   P2WSH; BIP-341/342 DEFAULT over the leaf of the spend's path in Taproot.
2. A signature in the PSBT is by a key of the path, for its leaf, of that type, and verifies; anything else
   is refused.
"""

from signer.bitcoin.psbt.model import PsbtInput, UnverifiedPsbt
from signer.bitcoin.secp import BadSignature, verify_ecdsa, verify_schnorr
from signer.bitcoin.sighash import SIGHASH_ALL, SegwitV0Sighash
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT, TaprootSighash
from signer.bitcoin.transaction import OutPoint, Transaction
from signer.core.errors import unverified
from signer.core.spend import SpentCoin
from signer.core.vault import Vault


def input_digests(
    transaction: Transaction, coins: tuple[SpentCoin, ...], vault: Vault, path_index: int
) -> tuple[bytes, ...]:
    """One digest per input, by that path."""
    leaf_index = vault.paths[path_index].leaf_index
    if leaf_index is None:
        segwit = SegwitV0Sighash(transaction)
        return tuple(
            segwit.digest(index, coin.derived.witness_script, coin.prevout.amount)
            for index, coin in enumerate(coins)
        )
    taproot = TaprootSighash(transaction, tuple(coin.prevout for coin in coins))
    return tuple(
        taproot.digest(index, SIGHASH_DEFAULT, coin.derived.leaves[leaf_index].leaf_hash)
        for index, coin in enumerate(coins)
    )


def verified_signatures(
    psbt: UnverifiedPsbt, coins: tuple[SpentCoin, ...], digests: tuple[bytes, ...], leaf: int | None
) -> tuple[dict[bytes, bytes], ...]:
    """Per input: key -> signature, of all that the PSBT carries. Raises VerificationError.

    Keys are 33 bytes in P2WSH, x-only in Taproot, as `descriptor.satisfaction` wants them.
    """
    read = _ecdsa if leaf is None else _schnorr
    return tuple(
        read(claims, coin, digest, leaf)
        for claims, coin, digest in zip(psbt.inputs, coins, digests, strict=True)
    )


def _ecdsa(claims: PsbtInput, coin: SpentCoin, digest: bytes, _: int | None) -> dict[bytes, bytes]:
    if not claims.partial_signatures:
        return {}
    keys = {key.pubkey for key in coin.derived.keys}
    for partial in claims.partial_signatures:
        if partial.pubkey not in keys:
            raise _foreign_key(coin.outpoint, partial.pubkey)
        if partial.signature[-1] != SIGHASH_ALL:
            raise _other_type(coin.outpoint, partial.signature[-1])
        try:
            verify_ecdsa(partial.pubkey, digest, partial.signature[:-1])
        except BadSignature:
            raise _invalid(coin.outpoint, partial.pubkey) from None
    return {partial.pubkey: partial.signature for partial in claims.partial_signatures}


def _schnorr(
    claims: PsbtInput, coin: SpentCoin, digest: bytes, leaf: int | None
) -> dict[bytes, bytes]:
    if not claims.tap_script_signatures or leaf is None:
        return {}
    ours = coin.derived.leaves[leaf]
    keys = {key.xonly for key in ours.keys}
    for each in claims.tap_script_signatures:
        if each.xonly not in keys or each.leaf_hash != ours.leaf_hash:
            raise _foreign_key(coin.outpoint, each.xonly)
        if len(each.signature) != 64:
            raise _other_type(coin.outpoint, each.signature[-1])
        try:
            verify_schnorr(each.xonly, digest, each.signature)
        except BadSignature:
            raise _invalid(coin.outpoint, each.xonly) from None
    return {each.xonly: each.signature for each in claims.tap_script_signatures}


def _foreign_key(outpoint: OutPoint, key: bytes) -> Exception:
    return unverified(
        "signature-foreign-key",
        f"input {outpoint} carries a signature by a key, or for a leaf, that is not this path's",
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
