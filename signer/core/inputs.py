"""Inputs: each spends a coin of the one vault named, proven by its whole previous transaction.

1. No final script, nothing that we do not understand, sighash type absent or ALL (A7, D1, G2).
2. The full previous transaction is there (that it hashes to the outpoint's txid and has the output is
   proven by `psbt.reader`); the witness UTXO, if given too, equals its output. A segwit v0 signature
   commits to its own amount only, so a lie about another input's amount is a theft by fee
   (CVE-2020-14199; C1, C2).
3. The script is derived from the registered descriptor and equals the prevout's; scripts in the PSBT are
   compared, never used (C5, C6).
4. Signatures that came along verify under the vault's keys over our own digest (G1).
"""

from signer.bitcoin.psbt.model import PsbtInput, UnverifiedPsbt
from signer.bitcoin.secp import BadSignature, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL, SegwitV0Sighash
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.core.errors import unverified
from signer.core.places import derive_hinted
from signer.core.spend import SpentCoin
from signer.core.vault import Vault


def verify_inputs(psbt: UnverifiedPsbt, vault: Vault) -> tuple[SpentCoin, ...]:
    """The coins that the transaction spends, in input order. Raises VerificationError."""
    return tuple(
        _verify_input(claims, txin.previous, vault)
        for claims, txin in zip(psbt.inputs, psbt.transaction.inputs, strict=True)
    )


def _verify_input(claims: PsbtInput, outpoint: OutPoint, vault: Vault) -> SpentCoin:
    _understood(claims, outpoint)  # 1
    prevout = _prevout(claims, outpoint)  # 2
    derived = derive_hinted(claims.bip32_derivations, vault, f"input {outpoint}")  # 3
    if derived is None or derived.script_pubkey != prevout.script_pubkey:
        raise unverified(
            "input-foreign",
            f"input {outpoint} does not spend an address of vault {vault.vault_id}",
            prevout.script_pubkey.hex(),
            "an address that the vault's descriptor gives at the index that the PSBT names",
        )
    if claims.witness_script not in (None, derived.witness_script) or claims.redeem_script:
        raise unverified(
            "input-script-mismatch", f"input {outpoint} carries a script that is not the vault's"
        )
    return SpentCoin(outpoint, prevout, derived)


def _understood(claims: PsbtInput, outpoint: OutPoint) -> None:
    if claims.final_script_sig is not None or claims.final_script_witness is not None:
        raise unverified("input-already-final", f"input {outpoint} is finalised already")
    if claims.unknown or claims.other:
        raise unverified(
            "psbt-field-not-understood", f"input {outpoint} has a field that we do not understand"
        )
    if claims.sighash_type not in (None, SIGHASH_ALL):
        raise unverified(
            "sighash-type-refused",
            f"input {outpoint} asks for a signature that does not commit to the whole transaction",
            f"0x{claims.sighash_type:02x}",
            "ALL (0x01) or absent",
        )


def _prevout(claims: PsbtInput, outpoint: OutPoint) -> TxOut:
    previous = claims.non_witness_utxo
    if previous is None:
        raise unverified(
            "previous-transaction-missing", f"input {outpoint} lacks its whole previous transaction"
        )
    prevout = previous.outputs[outpoint.vout]
    if claims.witness_utxo not in (None, prevout):
        raise unverified(
            "witness-utxo-mismatch",
            f"the witness UTXO of {outpoint} is not the output of its previous transaction",
            _amount(claims.witness_utxo),
            f"{prevout.amount} sat",
        )
    return prevout


def _amount(txout: TxOut | None) -> str:
    return "" if txout is None else f"{txout.amount} sat"


def input_digests(psbt: UnverifiedPsbt, coins: tuple[SpentCoin, ...]) -> tuple[bytes, ...]:
    """The BIP-143 SIGHASH_ALL digest of each input, from proven prevouts and derived scripts."""
    sighash = SegwitV0Sighash(psbt.transaction)
    return tuple(
        sighash.digest(index, coin.derived.witness_script, coin.prevout.amount)
        for index, coin in enumerate(coins)
    )


def verify_partial_signatures(
    psbt: UnverifiedPsbt, coins: tuple[SpentCoin, ...], digests: tuple[bytes, ...]
) -> None:
    """Refuse a signature that is not a vault key's over our digest. Raises VerificationError."""
    for claims, coin, digest in zip(psbt.inputs, coins, digests, strict=True):
        if not claims.partial_signatures:
            continue
        keys = {key.pubkey for key in coin.derived.keys}
        for partial in claims.partial_signatures:
            if partial.pubkey not in keys:
                raise unverified(
                    "signature-foreign-key",
                    f"input {coin.outpoint} carries a signature by a key that is not the vault's",
                    partial.pubkey.hex(),
                )
            if partial.signature[-1] != SIGHASH_ALL:
                raise unverified(
                    "sighash-type-refused",
                    f"input {coin.outpoint} carries a signature of another sighash type",
                    f"0x{partial.signature[-1]:02x}",
                    "ALL (0x01)",
                )
            _verify_signature(partial.pubkey, digest, partial.signature[:-1], coin.outpoint)


def _verify_signature(pubkey: bytes, digest: bytes, signature: bytes, outpoint: OutPoint) -> None:
    try:
        verify_ecdsa(pubkey, digest, signature)
    except BadSignature:
        raise unverified(
            "signature-invalid",
            f"input {outpoint}: the signature of {pubkey.hex()} does not verify for this transaction",
        ) from None
