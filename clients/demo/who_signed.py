"""Whose signatures an answer brings, and what made them: a token, a key that it sealed, or a key file.

1. What signs for a vault is said by the kernel (GetInfo), and by the log at each start (`vault-key`).
2. Whose a signature is, is read from its public key: a token's is the one that the policy lists; that of any
   other member has the origin that the policy lists. That it verifies is the node's to say.
"""

from collections.abc import Iterable, Iterator

from clients.demo.custody import Custody
from clients.demo.narrator import expect
from clients.demo.policy import is_fixed
from clients.demo.processes import events
from clients.demo.stage import House
from clients.member import Member
from pegwarden.v1 import kernel_pb2
from signer.bitcoin.psbt.model import PsbtInput
from signer.bitcoin.psbt.reader import parse_psbt

VAULT_KEY = "vault-key"
Kinds = dict[str, str]
"""Member -> `token`, `hsm-sealed` or `file`."""
Members = Iterable[tuple[House, Custody]]


def expect_kinds(members: Members, vault_id: str, fingerprint: str) -> Kinds:
    """What signs for that vault since the last start of each (1), and should. Raises Unexpected."""
    found: Kinds = {}
    for house, custody in members:
        kind, expected = kinds_told(house).get(fingerprint), custody.kind(vault_id)
        expect(kind == expected, f"{house.name}: {kind} signs for {vault_id}, not {expected}")
        found[house.name] = expected
    return found


def kind_answered(kernel: Member, vault_id: str) -> str:
    """What signs for that vault, in the kernel's words."""
    info = kernel.ask(kernel_pb2.GetInfoRequest(), kernel_pb2.GetInfoResponse)
    (kind,) = (each.kind for each in info.custody.keys if each.vault_id == vault_id)
    return kind


def kinds_told(house: House) -> dict[str, str]:
    """By the vault's fingerprint."""
    return {str(each["vault"]): str(each["kind"]) for each in events(house.log, VAULT_KEY)}


def expect_signed(house: House, vault_id: str, psbt: bytes) -> None:
    """By that member's key for that vault, and by no other, on every input (2). Raises Unexpected."""
    key = house.xpubs[vault_id]
    for each in parse_psbt(psbt).inputs:
        signed = set(_signers(each))
        ours = {bytes.fromhex(key)} if is_fixed(key) else set(_descendants(each, key))
        expect(len(signed) == 1, f"{house.name} brings {len(signed)} signatures for an input")
        expect(signed <= ours, f"{house.name} did not sign with its key for {vault_id}")


def _signers(txin: PsbtInput) -> Iterator[bytes]:
    yield from (each.pubkey for each in txin.partial_signatures)
    yield from (each.xonly for each in txin.tap_script_signatures)


def _descendants(txin: PsbtInput, key: str) -> Iterator[bytes]:
    """Of the key with that origin: `[fingerprint/path]xpub`."""
    origin = bytes.fromhex(key[1:9])
    yield from (each.pubkey for each in txin.bip32_derivations if each.fingerprint == origin)
    yield from (each.xonly for each in txin.tap_derivations if each.fingerprint == origin)
