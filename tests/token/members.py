"""A member whose vault key is in a token, or sealed by one, as `pegwarden serve` runs it: kernel in its room,
edge, keepers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.house import ROOT, bench_policy
from keystore.header import LEAST_COST
from keystore.sealed import create
from keystore.secret import Secret
from keystore.token.pinned_key import new_pinned_key
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.bitcoin.network import REGTEST
from signer.core.vault import Vault
from tests import federation
from tests.core.spends import Coin
from tests.kernel import room
from tests.link.test_processes import TwoProcesses
from tests.token.softhsm import LABEL, PIN, VAULT_KEY, SoftToken

MIXED = "@0,@1/**,@2/**"
"""The first member's key has no children."""


@dataclass
class SoftTokenMember(room.Member):
    """Its vault key is the token's."""

    pubkey: bytes = b""

    def make_vault_key(self) -> None:
        passphrase = Secret(room.PASSPHRASE)
        content, _ = new_pinned_key(REGTEST, VAULT_KEY, self.pubkey, passphrase, LEAST_COST)
        create(self.folder / "vault.key", content)


def mixed_policy(pubkey: bytes) -> bytes:
    """The bench's, with the token's key in the first place."""
    text = bench_policy().decode().replace("@0/**,@1/**,@2/**", MIXED)
    return text.replace(federation.MEMBERS[0].key_text, pubkey.hex()).encode()


@dataclass
class TokenHouse(TwoProcesses):
    """Its processes, with a token."""

    token: SoftToken | None = None
    policy: bytes = b""
    paid: int = field(default_factory=lambda: time.time_ns() // 1_000 % (1 << 40))

    def _config(self) -> str:
        assert self.token is not None
        module, label = self.token.module, LABEL
        return f'{super()._config()}\n[token]\nmodule = "{module}"\nlabel = "{label}"\n'

    def serve(self) -> None:
        assert self.token is not None
        pin = self.folder / "pin"
        pin.write_text(PIN)
        pin.chmod(0o600)
        given = ("--config", "member.toml", "--passphrase-file", "passphrase", "--pin-file", "pin")
        with (self.folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "signer", "serve", *given],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env=dict(self.token.environment) | {"PYTHONPATH": str(ROOT)},
            )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of ours beside the token."""
        assert self.token is not None
        return subprocess.run(
            [sys.executable, "-m", "signer", *command],
            cwd=self.folder,
            env=dict(self.token.environment) | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def vault(self) -> Vault:
        return load_policy(self.policy).vaults[0]

    def pay(self, inputs: int = 1) -> pb.SignPsbtResponse:
        """A new withdrawal, signed."""
        coins = []
        for _ in range(inputs):
            self.paid += 1
            coins.append(Coin(self.vault, salt=self.paid))
        payments = ((self.paid, 50_000_000 + self.paid % 1_000_000),)
        with self.connect() as member:
            spent = [t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout) for each in coins]
            asked = room.construct_request(tuple(coins), payments, required_inputs=spent)
            built = member.ask(asked, pb.ConstructWithdrawalTxResponse)
            evidence = room.attested(tuple(coins), payments, now=int(time.time()))
            return member.ask(room.sign_request(built, evidence), pb.SignPsbtResponse)


@contextmanager
def pinned_house(folder: Path, token: SoftToken, pubkey: bytes) -> Iterator[TokenHouse]:
    """A member whose key the token holds, serving."""
    policy = mixed_policy(pubkey)
    clock = room.ManualClock(int(time.time()))
    member = SoftTokenMember(folder, 0, policy, clock, pubkey=pubkey).init()
    yield from _served(member, token, policy)


@contextmanager
def sealed_house(folder: Path, token: SoftToken, kek: bytes) -> Iterator[TokenHouse]:
    """A member whose key file the token seals, serving."""
    policy = bench_policy()
    member = room.Member(folder, 0, policy, room.ManualClock(int(time.time()))).init()
    house = _house(member, token, policy)
    pin = ("--config", "member.toml", "--pin-file", "pin")
    (house.folder / "pin").write_text(PIN)
    (house.folder / "pin").chmod(0o600)
    done = house.run("key", "wrap", "vault.key", "wrapped.key", kek.hex(), *pin)
    assert done.returncode == 0, done.stderr
    config = house.folder / "member.toml"
    config.write_text(config.read_text().replace('"vault.key"', '"wrapped.key"'))
    (house.folder / "vault.key").unlink()
    yield from _serving(house)


def _house(member: room.Member, token: SoftToken, policy: bytes) -> TokenHouse:
    place = member.folder / "journal.sqlite"
    house = TokenHouse("a", member.folder, place, token=token, policy=policy)
    house.furnish(policy)
    return house


def _served(member: room.Member, token: SoftToken, policy: bytes) -> Iterator[TokenHouse]:
    yield from _serving(_house(member, token, policy))


def _serving(house: TokenHouse) -> Iterator[TokenHouse]:
    try:
        house.start()
        yield house
    finally:
        house.stop()
