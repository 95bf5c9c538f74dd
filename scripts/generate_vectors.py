"""Makes the golden vectors of `docs/vectors/` for clients in any language. `--compare` fails on a difference.

1. Vaults are those of `policies/examples/bridge.toml`; every secret here is public and fixed.
2. Signatures are deterministic: BIP-340 with 32 zero bytes of auxiliary randomness, and Ed25519.
3. Numbers are JSON numbers where they fit 53 bits and decimal strings else; bytes are hexadecimal.
"""

import json
import sys
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scripts.code_scan import ROOT
from scripts.vector_cast import (
    CONTRACT,
    GAMES,
    L2_CHAIN_ID,
    LOG_SECRET,
    MAGIC,
    Row,
    json_number,
    vaults_of_the_bridge,
    withdrawal_id_of,
)
from scripts.vectors_of_deposits import deposit_attestations
from scripts.vectors_of_evidence import attestations, kernel_statements
from scripts.vectors_of_officers import officer_acts
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.opreturn import Anchor, Deposit, Payload, encode_payload, op_return_script
from signer.core.receipt import Answer, Answered, Receipt, receipt_text, verify_receipt
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.journal.note import origin_of

TARGET = ROOT / "docs" / "vectors"


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
            "burn_counter": json_number(burn),
            "preimage": preimage.hex(),
            "withdrawal_id": withdrawal_id_of(chain, contract, burn).hex(),
        }


def vaults() -> Iterator[Row]:
    """Canonical texts, fingerprints and first scripts."""
    for vault in vaults_of_the_bridge():
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


def receipts() -> Iterator[Row]:
    """What the log key signs of each answer."""
    key = Ed25519PrivateKey.from_private_bytes(LOG_SECRET)
    log_key = key.public_key().public_bytes_raw()
    log = origin_of(REGTEST.genesis_hash, log_key)
    for verdict, txid in (
        (Answered.SIGNED, bytes(range(32))),
        (Answered.PENDING, bytes(range(32))),
        (Answered.REFUSED, b""),
    ):
        answer = Answer(sha256(b"entry"), verdict, sha256(b"request"), txid, 1_208, sha256(b"root"))
        text = receipt_text(answer, log)
        signature = key.sign(text)
        verify_receipt(Receipt(answer, signature), log, log_key)
        yield {
            "decision_id": answer.decision_id.hex(),
            "verdict": answer.verdict,
            "request_digest": answer.request_digest.hex(),
            "txid": txid.hex(),
            "size": answer.size,
            "root": answer.root.hex(),
            "genesis_hash": REGTEST.genesis_hash.hex(),
            "log_secret": LOG_SECRET.hex(),
            "log_key": log_key.hex(),
            "text": text.decode(),
            "signature": signature.hex(),
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
        "batch_id": json_number(said.batch_id),
        "state_root": said.state_root.hex(),
        "eth_tx_hash": said.eth_tx_hash.hex(),
    }


FILES = {
    "withdrawal_ids.json": (withdrawal_ids, "SHA-256 of l2_chain_id u32, contract 20, burn u256"),
    "vaults.json": (vaults, "fingerprint = SHA-256 of canonical_text; scripts for regtest"),
    "attestations.json": (attestations, "BIP-340 over digest; auxiliary randomness 32 zero bytes"),
    "kernel_statements.json": (kernel_statements, "Ed25519 over digest"),
    "officer_acts.json": (officer_acts, "BIP-340 over digest, and OpenSSH over text"),
    "receipts.json": (receipts, "Ed25519 by the log key over text"),
    "payloads.json": (payloads, "the data of one minimal push after OP_RETURN"),
    "deposit_attestations.json": (
        deposit_attestations,
        "BIP-340 by the attestation key over digest",
    ),
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
