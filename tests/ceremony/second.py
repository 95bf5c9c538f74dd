"""The ceremony a second time, from docs/ceremony.md alone: nothing of `signer` or `keystore` is imported.

HKDF by `cryptography`, BIP-32 by embit, hashes by hashlib; the texts are put together line by line.
"""

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from embit.bip32 import HDKey
from embit.networks import NETWORKS


def tagged(tag: str, content: bytes) -> bytes:
    head = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(head + head + content).digest()


def contribution(samples: bytes) -> bytes:
    return tagged("pegwarden/ceremony/samples/v1", samples)


def commitment(lines: list[str], secret: bytes) -> str:
    """The last line's digits; `lines` are those before it."""
    text = "".join(f"{line}\n" for line in lines).encode()
    return tagged("pegwarden/ceremony/commitment/v1", text + secret).hex()


def round_digest(texts: dict[str, str]) -> bytes:
    """Of the commitments' texts, by contributor."""
    ordered = [texts[name].encode() for name in sorted(texts)]
    return tagged(
        "pegwarden/ceremony/round/v1",
        b"".join(len(text).to_bytes(2, "big") + text for text in ordered),
    )


def seed(texts: dict[str, str], secrets: dict[str, bytes]) -> bytes:
    material = b"".join(b"\x00\x20" + secrets[name] for name in sorted(secrets))
    info = b"pegwarden/ceremony/seed/v1"
    return HKDF(SHA256(), 32, round_digest(texts), info).derive(material)


def key_text(seed_bytes: bytes, network: str = "regtest") -> str:
    """The account's xpub with its origin."""
    root = HDKey.from_seed(
        seed_bytes, NETWORKS["main" if network == "mainnet" else network]["xprv"]
    )
    path = f"m/48h/{0 if network == 'mainnet' else 1}h/0h/2h"
    account = root.derive(path).to_public().to_base58()
    origin = root.my_fingerprint.hex() + path[1:].replace("h", "'")
    return f"[{origin}]{account}"
