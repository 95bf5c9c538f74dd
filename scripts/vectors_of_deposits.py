"""Golden vectors of attested deposits: what a kernel's attestation key signs."""

from collections.abc import Iterator

from coincurve import PrivateKey

from scripts.vector_cast import GAMES, L2_CHAIN_ID, MAGIC, Row, json_number, vaults_of_the_bridge
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.deposits import DepositFacts, attestation_bytes, attestation_digest_of
from signer.core.opreturn import Deposit

KEY = PrivateKey(bytes([0x0C]) * 32)


def deposit_attestations() -> Iterator[Row]:
    """For both vaults, and at the ends of every number."""
    peg, following = vaults_of_the_bridge()
    txid, block = Txid(bytes(range(32))), bytes(range(64, 96))
    usual = Deposit(MAGIC, L2_CHAIN_ID, bytes([0xC0]) * 20)
    other = Deposit(GAMES, 0xFFFFFFFF, bytes(range(1, 21)))
    for vault, vout, amount, payload, height in (
        (peg, 1, 150_000_000, usual, 120),
        (following, 0, 330, usual, 0),
        (following, 0xFFFFFFFE, 2_099_999_997_690_000, other, 0xFFFFFFFF),
    ):
        outpoint = OutPoint(txid, vout)
        facts = DepositFacts(
            vault.fingerprint, outpoint, Sats(amount), payload, block, Height(height)
        )
        digest = attestation_digest_of(REGTEST.genesis_hash, facts)
        yield {
            "vault": vault.vault_id,
            "genesis_hash": REGTEST.genesis_hash.hex(),
            "vault_fingerprint": vault.fingerprint.hex(),
            "txid": txid.hex(),
            "vout": vout,
            "amount_sat": json_number(amount),
            "magic": payload.magic.hex(),
            "l2_chain_id": payload.l2_chain_id,
            "l2_address": payload.l2_address.hex(),
            "block_hash": block.hex(),
            "height": height,
            "bytes": attestation_bytes(REGTEST.genesis_hash, facts).hex(),
            "digest": digest.hex(),
            "attestation_secret": KEY.secret.hex(),
            "attestation_key": KEY.public_key_xonly.format().hex(),
            "signature": KEY.sign_schnorr(digest, bytes(32)).hex(),
        }
