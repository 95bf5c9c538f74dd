"""Golden vectors of what attestors sign, and of what a kernel states."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scripts.vector_cast import (
    ATTESTOR,
    CONTRACT,
    EXPIRY,
    GAMES,
    L2_CHAIN_ID,
    MAGIC,
    STATEMENT_SECRET,
    USER_SCRIPT,
    Row,
    json_number,
    vaults_of_the_bridge,
    withdrawal_id_of,
)
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import (
    AnchorTerms,
    CoinTerms,
    SpentTerms,
    Statement,
    SweepTerms,
    attestation_digest,
    statement_bytes,
    statement_kind,
)
from signer.core.opreturn import Deposit, encode_payload
from signer.core.payment import WithdrawalTerms
from signer.core.stated import AddressStatement, DepositStatement, Stated
from signer.core.vault import CHANGE, RECEIVE, Vault


def _statements() -> Iterator[tuple[Vault, tuple[Statement, ...]]]:
    peg, following = vaults_of_the_bridge()
    ids = [withdrawal_id_of(L2_CHAIN_ID, CONTRACT, burn) for burn in (7, 8)]
    txid = Txid(bytes(range(32)))
    receive, zero = peg.script(RECEIVE, 0).script_pubkey, bytes(32)
    roots = [bytes([0xA0 + number]) * 32 for number in range(3)]
    hashes = [bytes([0xE0 + number]) * 32 for number in range(3)]
    taproot = following.script(CHANGE, 3).script_pubkey
    owed = WithdrawalTerms(ids[0], Sats(50_000_000), USER_SCRIPT)
    yield peg, (owed,)
    yield following, (owed,)
    yield peg, (owed, WithdrawalTerms(ids[1], Sats(2_099_999_997_690_000), taproot))
    yield peg, (CoinTerms(OutPoint(txid, 1), Sats(150_000_000), Height(120), receive),)
    yield (
        following,
        (CoinTerms(OutPoint(txid, 0xFFFFFFFE), Sats(330), Height(900_000), taproot),),
    )
    yield peg, (AnchorTerms(MAGIC, 0, zero, 1, roots[0], hashes[0]),)
    yield (
        peg,
        (
            AnchorTerms(MAGIC, 1, roots[0], 2, roots[1], hashes[1]),
            AnchorTerms(GAMES, 1_000, roots[1], (1 << 64) - 1, roots[2], hashes[2]),
        ),
    )
    yield peg, (SweepTerms(1, peg.fingerprint, 0, Sats(50_000), bytes([0x51]) * 16),)
    yield peg, (SweepTerms(2, following.fingerprint, 0, Sats(90_000), bytes([0x52]) * 16),)
    yield following, (SweepTerms(1, following.fingerprint, 1, Sats(70_000), bytes(range(16))),)
    killer = Txid(bytes(range(32, 64)))
    yield peg, (SpentTerms(OutPoint(txid, 1), killer, Height(121), Height(220)),)
    yield (
        following,
        (
            SpentTerms(OutPoint(txid, 0xFFFFFFFE), killer, Height(900_000), Height(900_099)),
            SpentTerms(OutPoint(killer, 0), txid, Height(0), Height(0xFFFFFFFF)),
        ),
    )


def attestations() -> Iterator[Row]:
    """What attestors sign, for each kind and both vaults."""
    for vault, statements in _statements():
        digest = attestation_digest(vault.realm, EXPIRY, statements)
        yield {
            "kind": statement_kind(statements[0]).value,
            "vault": vault.vault_id,
            "genesis_hash": vault.realm.genesis_hash.hex(),
            "vault_fingerprint": vault.fingerprint.hex(),
            "expiry_unix": EXPIRY,
            "statements": [_fields(each) for each in statements],
            "statement_bytes": [statement_bytes(each).hex() for each in statements],
            "digest": digest.hex(),
            "attestor_secret": ATTESTOR.secret.hex(),
            "attestor": ATTESTOR.public_key_xonly.format().hex(),
            "signature": ATTESTOR.sign_schnorr(digest, bytes(32)).hex(),
        }


def _fields(statement: Statement) -> Row:
    """By the names of the proto."""
    match statement:
        case WithdrawalTerms(withdrawal_id, amount, script):
            return {
                "withdrawal_id": withdrawal_id.hex(),
                "amount_sat": amount,
                "script_pubkey": script.hex(),
            }
        case CoinTerms(outpoint, amount, height, script):
            return {
                "txid": outpoint.txid.hex(),
                "vout": outpoint.vout,
                "amount_sat": amount,
                "confirmed_height": height,
                "script_pubkey": script.hex(),
            }
        case AnchorTerms(magic, previous_batch, previous_root, batch, root, eth_tx_hash):
            return {
                "magic": magic.hex(),
                "previous_batch_id": json_number(previous_batch),
                "previous_state_root": previous_root.hex(),
                "batch_id": json_number(batch),
                "state_root": root.hex(),
                "eth_tx_hash": eth_tx_hash.hex(),
            }
        case SpentTerms(outpoint, spender, height, tip):
            return {
                "txid": outpoint.txid.hex(),
                "vout": outpoint.vout,
                "spending_txid": spender.hex(),
                "confirmed_height": height,
                "tip_height": tip,
            }
    return {
        "kind": statement.kind,
        "to_vault_fingerprint": statement.to_fingerprint.hex(),
        "path_index": statement.path,
        "max_fee_sat": statement.max_fee,
        "nonce": statement.nonce.hex(),
    }


def kernel_statements() -> Iterator[Row]:
    """What a kernel's statement key signs."""
    key = Ed25519PrivateKey.from_private_bytes(STATEMENT_SECRET)
    payload = encode_payload(Deposit(MAGIC, L2_CHAIN_ID, bytes([0xC0]) * 20))
    for vault in vaults_of_the_bridge():
        receive = vault.script(RECEIVE, 0).script_pubkey
        change = vault.script(CHANGE, 3).script_pubkey
        said: tuple[Stated, ...] = (
            AddressStatement(address_of(receive, REGTEST), receive, 1, 0, "/0/0"),
            AddressStatement(address_of(change, REGTEST), change, 2, 3, "/1/3"),
            DepositStatement(address_of(receive, REGTEST), receive, 0, 50_000_000, 0, payload),
        )
        for each in said:
            digest = each.digest(vault.realm)
            yield {
                "kind": each.kind,
                "vault": vault.vault_id,
                "genesis_hash": vault.realm.genesis_hash.hex(),
                "vault_fingerprint": vault.fingerprint.hex(),
                "fields": _stated(each),
                "digest": digest.hex(),
                "statement_secret": STATEMENT_SECRET.hex(),
                "statement_key": key.public_key().public_bytes_raw().hex(),
                "signature": key.sign(digest).hex(),
            }


def _stated(said: Stated) -> Row:
    if isinstance(said, AddressStatement):
        return {
            "address": said.address,
            "script_pubkey": said.script_pubkey.hex(),
            "branch": said.branch,
            "index": said.index,
            "derivation": said.derivation,
        }
    return {
        "vault_address": said.vault_address,
        "vault_script_pubkey": said.vault_script_pubkey.hex(),
        "vault_vout": said.vault_vout,
        "amount_sat": said.amount_sat,
        "index": said.index,
        "payload": said.payload.hex(),
    }
