"""Officers with their secrets, for tests: x-only keys, real `ssh-keygen` keys, FIDO2 tokens in software."""

import hashlib
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signer.bitcoin.network import REGTEST, Network
from signer.core.acts import Act, SignedAct, StatedAct, act_text
from signer.core.officers import claimed_act, officer_digest
from signer.core.ssh import SK_ECDSA, SK_ED25519, parse_public_key


class Signing:
    """What all of them do."""

    def sign(self, text: str) -> SignedAct:
        return claimed_act(text, self.key, self.signature(text))

    def says(self, act: Act, expires: int, network: Network = REGTEST) -> SignedAct:
        return self.sign(act_text(StatedAct(act, network, expires)))


@dataclass(frozen=True)
class Officer(Signing):
    """With an x-only key."""

    name: str

    @property
    def secret(self) -> PrivateKey:
        return PrivateKey(hashlib.sha256(f"officer {self.name}".encode()).digest())

    @property
    def key(self) -> bytes:
        return self.secret.public_key_xonly.format()

    def signature(self, text: str) -> bytes:
        return self.secret.sign_schnorr(officer_digest(text))


@dataclass(frozen=True)
class SshOfficer(Officer):
    """With an Ed25519 key that the real `ssh-keygen` made and signs with."""

    @property
    def line(self) -> str:
        return Path(f"{ssh_key_file(self.name)}.pub").read_text().rstrip("\n")

    @property
    def key(self) -> bytes:
        return parse_public_key(self.line)

    def signature(
        self, text: str, namespace: str = "pegwarden", hash_name: str = "sha512"
    ) -> bytes:
        command = [
            "ssh-keygen",
            "-q",
            "-Y",
            "sign",
            "-n",
            namespace,
            "-f",
            str(ssh_key_file(self.name)),
        ]
        command += ["-O", f"hashalg={hash_name}"]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


_FOLDER = TemporaryDirectory(prefix="pegwarden-officers-")


@cache
def ssh_key_file(name: str) -> Path:
    place = Path(_FOLDER.name) / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(place)]
    subprocess.run(command, check=True, capture_output=True)
    return place


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def mpint(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


@dataclass(frozen=True)
class Token(Signing):
    """A FIDO2 token in software, as OpenSSH's PROTOCOL.u2f and PROTOCOL.sshsig describe what it does."""

    kind: bytes = SK_ED25519
    application: bytes = b"ssh:"
    flags: int = 0x01
    counter: int = 7
    namespace: bytes = b"pegwarden"
    reserved: bytes = b""
    hash_name: bytes = b"sha512"
    version: int = 1
    magic: bytes = b"SSHSIG"

    @property
    def ed25519(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)

    @property
    def p256(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(12_345, ec.SECP256R1())

    @property
    def key(self) -> bytes:
        if self.kind == SK_ECDSA:
            form = (Encoding.X962, PublicFormat.UncompressedPoint)
            public = string(b"nistp256") + string(self.p256.public_key().public_bytes(*form))
        else:
            public = string(self.ed25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        application = b"" if self.kind == b"ssh-ed25519" else string(self.application)
        return string(self.kind) + public + application

    def signature(self, text: str) -> bytes:
        digest = hashlib.new(self.hash_name.decode(), text.encode()).digest()
        fields = (self.namespace, self.reserved, self.hash_name, digest)
        inner = self.inner(self.magic + b"".join(map(string, fields)))
        head = self.magic + self.version.to_bytes(4, "big") + string(self.key)
        return head + b"".join(map(string, (*fields[:3], inner)))

    def inner(self, signed: bytes) -> bytes:
        """The signature proper, of the key's type."""
        if self.kind == b"ssh-ed25519":
            return string(self.kind) + string(self.ed25519.sign(signed))
        told = bytes((self.flags,)) + self.counter.to_bytes(4, "big")
        sent = hashlib.sha256(self.application).digest() + told + hashlib.sha256(signed).digest()
        return string(self.kind) + string(self.raw(sent)) + told

    def raw(self, sent: bytes) -> bytes:
        if self.kind == SK_ED25519:
            return self.ed25519.sign(sent)
        r, s = decode_dss_signature(self.p256.sign(sent, ec.ECDSA(SHA256())))
        return mpint(r) + mpint(s)
