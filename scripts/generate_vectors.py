"""Makes the golden vectors of `docs/vectors/` for clients in any language. `--compare` fails on a difference.

1. Vaults are those of `policies/examples/bridge.toml`; every secret here is public and fixed.
2. Signatures are deterministic: BIP-340 with 32 zero bytes of auxiliary randomness, and Ed25519.
3. Numbers are JSON numbers where they fit 53 bits and decimal strings else; bytes are hexadecimal.
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.load import load_policy
from scripts.code_scan import ROOT
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.acts import (
    GENESIS_POLICY,
    Act,
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    StatedAct,
    act_text,
)
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
from signer.core.officers import officer_digest
from signer.core.opreturn import Anchor, Deposit, Payload, encode_payload, op_return_script
from signer.core.payment import WithdrawalTerms
from signer.core.ssh import ED25519, format_public_key, ssh_string
from signer.core.ssh_signature import MAGIC as SSH_MAGIC
from signer.core.ssh_signature import (
    NAMESPACE,
    armoured,
    signed_bytes,
    verify_ssh_signature,
)
from signer.core.stated import AddressStatement, DepositStatement, Stated
from signer.core.vault import CHANGE, RECEIVE, Vault

TARGET = ROOT / "docs" / "vectors"
POLICY = ROOT / "policies" / "examples" / "bridge.toml"
EXPIRY = 1_800_000_000
ATTESTOR = PrivateKey(bytes([0x07]) * 32)
STATEMENT_SECRET = bytes([0x08]) * 32
OFFICER, SSH_SECRET = PrivateKey(bytes([0x09]) * 32), bytes([0x0A]) * 32
USER_SCRIPT = bytes.fromhex("00141454b724d55c710337f3e45c729cb0ef77116cf8")
L2_CHAIN_ID, CONTRACT = 31_337, bytes([0x11]) * 20
MAGIC, GAMES = b"PGWD", b"GAME"
SAFE = 1 << 53
Row = dict[str, Any]


@cache
def _vaults() -> tuple[Vault, Vault]:
    """`peg` (P2WSH) and `next` (Taproot)."""
    peg, following = load_policy(POLICY.read_bytes()).vaults
    return peg, following


def _number(value: int) -> int | str:
    return value if value < SAFE else str(value)


def _withdrawal_id(chain: int, contract: bytes, burn: int) -> bytes:
    return sha256(chain.to_bytes(4, "big") + contract + burn.to_bytes(32, "big"))


def withdrawal_ids() -> Iterator[Row]:
    """Ids, and what they are the hash of."""
    high = (1 << 256) - 1
    for chain, contract, burn in (
        (L2_CHAIN_ID, CONTRACT, 7),
        (L2_CHAIN_ID, CONTRACT, 8),
        (1, CONTRACT, 7),
        (0xFFFFFFFF, bytes(range(20)), high),
    ):
        preimage = chain.to_bytes(4, "big") + contract + burn.to_bytes(32, "big")
        yield {
            "l2_chain_id": chain,
            "contract": contract.hex(),
            "burn_counter": _number(burn),
            "preimage": preimage.hex(),
            "withdrawal_id": _withdrawal_id(chain, contract, burn).hex(),
        }


def vaults() -> Iterator[Row]:
    """Canonical texts, fingerprints and first scripts."""
    for vault in _vaults():
        places = [(RECEIVE, 0), (RECEIVE, 1), (CHANGE, 3)]
        yield {
            "vault": vault.vault_id,
            "canonical_text": vault.text,
            "descriptor": with_checksum(vault.text),
            "fingerprint": vault.fingerprint.hex(),
            "scripts": [_script(vault, branch, index) for branch, index in places],
        }


def _script(vault: Vault, branch: int, index: int) -> Row:
    script = vault.script(branch, index).script_pubkey
    return {
        "derivation": f"/{branch}/{index}",
        "script_pubkey": script.hex(),
        "address": address_of(script, REGTEST),
    }


def _statements() -> Iterator[tuple[Vault, tuple[Statement, ...]]]:
    peg, following = _vaults()
    ids = [_withdrawal_id(L2_CHAIN_ID, CONTRACT, burn) for burn in (7, 8)]
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
                "previous_batch_id": _number(previous_batch),
                "previous_state_root": previous_root.hex(),
                "batch_id": _number(batch),
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
    for vault in _vaults():
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


def payloads() -> Iterator[Row]:
    """OP_RETURN payloads and their scripts."""
    said: tuple[Payload, ...] = (
        Deposit(MAGIC, L2_CHAIN_ID, bytes([0xC0]) * 20),
        Deposit(GAMES, 0xFFFFFFFF, bytes(range(1, 21))),
        Anchor(MAGIC, 1, bytes([0xA0]) * 32, bytes([0xE0]) * 32),
        Anchor(GAMES, (1 << 64) - 1, bytes(range(32)), bytes(range(32, 64))),
    )
    for each in said:
        data = encode_payload(each)
        yield {
            "kind": "deposit" if isinstance(each, Deposit) else "anchor",
            "fields": _payload(each),
            "payload": data.hex(),
            "script_pubkey": op_return_script(data).hex(),
        }


def _payload(said: Payload) -> Row:
    if isinstance(said, Deposit):
        return {
            "magic": said.magic.hex(),
            "l2_chain_id": said.l2_chain_id,
            "l2_address": said.l2_address.hex(),
        }
    return {
        "magic": said.magic.hex(),
        "batch_id": _number(said.batch_id),
        "state_root": said.state_root.hex(),
        "eth_tx_hash": said.eth_tx_hash.hex(),
    }


def officer_acts() -> Iterator[Row]:
    """What officers sign, one text of each action, by an x-only key and by an OpenSSH key."""
    peg, following = _vaults()
    withdrawal_id = sha256(b"withdrawal")
    terms = WithdrawalTerms(withdrawal_id, Sats(1_250_000_000), USER_SCRIPT)
    move = SweepTerms(2, following.fingerprint, 0, Sats(20_000), bytes(range(16)))
    officer = OFFICER.public_key_xonly.format()
    acts: tuple[Act, ...] = (
        ApproveWithdrawal(peg.fingerprint, terms),
        RejectWithdrawal(peg.fingerprint, terms),
        ApproveMove(peg.fingerprint, move),
        HoldWithdrawal(withdrawal_id, EXPIRY),
        HoldDestination(USER_SCRIPT, EXPIRY),
        LiftHolds(officer),
        ApprovePolicy(sha256(b"policy"), GENESIS_POLICY, 1),
    )
    for act in acts:
        text = act_text(StatedAct(act, REGTEST, EXPIRY))
        digest = officer_digest(text)
        yield {
            "text": text,
            "digest": digest.hex(),
            "officer_secret": OFFICER.secret.hex(),
            "officer": officer.hex(),
            "signature": OFFICER.sign_schnorr(digest, bytes(32)).hex(),
            "ssh_secret": SSH_SECRET.hex(),
            **_ssh_signed(text),
        }


def _ssh_signed(text: str) -> Row:
    """As `ssh-keygen -Y sign -n pegwarden` signs with that Ed25519 key."""
    key = Ed25519PrivateKey.from_private_bytes(SSH_SECRET)
    blob = ssh_string(ED25519) + ssh_string(key.public_key().public_bytes_raw())
    inner = ssh_string(ED25519) + ssh_string(key.sign(signed_bytes(b"sha512", text.encode())))
    fields = (blob, NAMESPACE, b"", b"sha512", inner)
    signature = SSH_MAGIC + bytes((0, 0, 0, 1)) + b"".join(map(ssh_string, fields))
    verify_ssh_signature(blob, text.encode(), signature)
    return {"ssh_key": format_public_key(blob), "ssh_signature": armoured(signature).decode()}


FILES = {
    "withdrawal_ids.json": (withdrawal_ids, "SHA-256 of l2_chain_id u32, contract 20, burn u256"),
    "vaults.json": (vaults, "fingerprint = SHA-256 of canonical_text; scripts for regtest"),
    "attestations.json": (attestations, "BIP-340 over digest; auxiliary randomness 32 zero bytes"),
    "kernel_statements.json": (kernel_statements, "Ed25519 over digest"),
    "officer_acts.json": (officer_acts, "BIP-340 over digest, and OpenSSH over text"),
    "payloads.json": (payloads, "the data of one minimal push after OP_RETURN"),
}


def render() -> dict[str, str]:
    """File name -> text."""
    return {
        name: json.dumps({"about": about, "cases": list(make())}, indent=1) + "\n"
        for name, (make, about) in FILES.items()
    }


def main() -> int:
    """Write, or compare."""
    made = render()
    if "--compare" not in sys.argv[1:]:
        TARGET.mkdir(exist_ok=True)
        for name, text in made.items():
            (TARGET / name).write_text(text)
        return 0
    present = {path.name: path.read_text() for path in TARGET.glob("*.json")}
    differing = sorted(name for name in made | present if made.get(name) != present.get(name))
    if differing:
        print(f"docs/vectors differs: {', '.join(differing)}. Run `make generate`.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
