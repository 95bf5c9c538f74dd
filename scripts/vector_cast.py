"""Who and what the golden vectors are about: public, fixed secrets, and the vaults of the example bridge."""

from functools import cache
from typing import Any

from coincurve import PrivateKey

from policies.load import load_policy
from scripts.code_scan import ROOT
from signer.bitcoin.hashes import sha256
from signer.core.vault import Vault

POLICY = ROOT / "policies" / "examples" / "bridge.toml"
EXPIRY = 1_800_000_000
ATTESTOR = PrivateKey(bytes([0x07]) * 32)
STATEMENT_SECRET = bytes([0x08]) * 32
OFFICER, SSH_SECRET = PrivateKey(bytes([0x09]) * 32), bytes([0x0A]) * 32
LOG_SECRET = bytes([0x0B]) * 32
USER_SCRIPT = bytes.fromhex("00141454b724d55c710337f3e45c729cb0ef77116cf8")
L2_CHAIN_ID, CONTRACT = 31_337, bytes([0x11]) * 20
MAGIC, GAMES = b"PGWD", b"GAME"
SAFE = 1 << 53
Row = dict[str, Any]


@cache
def vaults_of_the_bridge() -> tuple[Vault, Vault]:
    """`peg` (P2WSH) and `next` (Taproot)."""
    peg, following = load_policy(POLICY.read_bytes()).vaults
    return peg, following


def json_number(value: int) -> int | str:
    """A JSON number where it fits 53 bits, else a decimal string."""
    return value if value < SAFE else str(value)


def withdrawal_id_of(chain: int, contract: bytes, burn: int) -> bytes:
    """As docs/integrate.md says."""
    return sha256(chain.to_bytes(4, "big") + contract + burn.to_bytes(32, "big"))
