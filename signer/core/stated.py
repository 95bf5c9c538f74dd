"""What the kernel states and signs with its statement key (design section 5).

Rule 1: a statement's digest is SHA-256("pegwarden/<kind>/v1" || 00 || genesis 32 || vault fingerprint 32 ||
        the fields in proto order), integers big-endian, bytes and text prefixed with their u16 length.
Rule 2: no digest comes from outside: each statement is a type here, with its fields.
"""

from dataclasses import dataclass

from signer.bitcoin.hashes import sha256
from signer.core.evidence import Realm


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _digest(kind: str, realm: Realm, fields: bytes) -> bytes:
    domain = f"pegwarden/{kind}/v1".encode() + b"\x00"
    return sha256(domain + realm.genesis_hash + realm.vault_fingerprint + fields)


@dataclass(frozen=True, slots=True)
class AddressStatement:
    """This address is the vault's at that place."""

    address: str
    script_pubkey: bytes
    branch: int
    """As in the proto: 1 receive, 2 change."""
    index: int
    derivation: str

    kind = "address"

    def digest(self, realm: Realm) -> bytes:
        """32 bytes: what the statement key signs."""
        fields = (
            _text(self.address.encode())
            + _text(self.script_pubkey)
            + _u32(self.branch)
            + _u32(self.index)
            + _text(self.derivation.encode())
        )
        return _digest(self.kind, realm, fields)


@dataclass(frozen=True, slots=True)
class DepositStatement:
    """A deposit to this vault output with that payload credits whom the payload names."""

    vault_address: str
    vault_script_pubkey: bytes
    vault_vout: int
    amount_sat: int
    index: int
    payload: bytes

    kind = "deposit"

    def digest(self, realm: Realm) -> bytes:
        """32 bytes: what the statement key signs."""
        fields = (
            _text(self.vault_address.encode())
            + _text(self.vault_script_pubkey)
            + _u32(self.vault_vout)
            + _u64(self.amount_sat)
            + _u32(self.index)
            + _text(self.payload)
        )
        return _digest(self.kind, realm, fields)


Stated = AddressStatement | DepositStatement
