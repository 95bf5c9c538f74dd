"""A kernel that attests deposits, on regtest headers whose blocks hold them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from keystore.attestation import new_attestation_key
from keystore.file_keystore import FileKeystore, open_keystore
from keystore.header import LEAST_COST
from keystore.ledger import ledger_files
from keystore.sealed import read_sealed
from keystore.secret import Secret
from pegwarden.v1 import header_chain_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.hashes import hash256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import Transaction
from signer.journal.header_chain import ChainSetting
from signer.ports.machine import NoMachine
from tests.bitcoin.blocks import Block
from tests.core.deposited import INDEX, UserDeposit, block_with
from tests.kernel.chained import LONELY, bring, on_top, trunk
from tests.kernel.governed import GENESIS, OFFICERS, begin
from tests.kernel.room import PASSPHRASE, Member, Running

BELOW = 12
"""Headers below the block of interest."""


@cache
def sealed_attestation_key() -> tuple[bytes, bytes]:
    """Made once: scrypt is slow."""
    return new_attestation_key(REGTEST, Secret(PASSPHRASE), LEAST_COST)


@dataclass
class AttestingMember(Member):
    """Its keystore has an attestation key beside the others."""

    def start_keystore(self) -> FileKeystore:
        identity, vault = (read_sealed(self._file(name).path) for name in ("identity", "vault"))
        sealed, _ = sealed_attestation_key()
        keystore = open_keystore(identity, (vault,), Secret(PASSPHRASE), attestation=sealed)
        keystore.open_ledgers(ledger_files(self.folder / "ledgers"))
        return keystore


@dataclass(frozen=True)
class MachineOf(NoMachine):
    """Its wall shows the time of the member's clock."""

    member: Member

    def wall(self) -> int:
        return self.member.clock.now()


@dataclass
class Room:
    """It runs, with a block that holds these transactions behind a coinbase, and headers on it."""

    member: Member
    running: Running
    block: Block
    below: list[bytes]
    above: list[bytes]
    """The block's header, and those that follow."""

    @property
    def block_hash(self) -> bytes:
        return hash256(self.above[0])

    def proof(self, position: int = 1) -> t.TxInclusionProof:
        proof = self.block.proof(position)
        assert proof.coinbase is not None
        return t.TxInclusionProof(
            block_hash=self.block_hash,
            transaction=proof.transaction,
            coinbase=proof.coinbase.transaction,
            branches=t.MerkleBranches(
                position=position, branch=proof.branch, coinbase_branch=proof.coinbase.branch
            ),
        )

    def grow(self, upto: int) -> None:
        """Bring headers until the block has so many confirmations."""
        bring(self.running, self.above[:upto])

    def verify(self, deposit: UserDeposit, **other: object) -> pb.VerifyDepositResponse:
        asked = deposit_request(self, deposit, **other)
        answer = self.running.call("VerifyDeposit", asked)
        return pb.VerifyDepositResponse.FromString(answer)

    def attest(self, deposit: UserDeposit, **other: object) -> pb.AttestDepositResponse:
        asked = pb.AttestDepositRequest(deposit=deposit_request(self, deposit, **other))
        answer = self.running.call("AttestDeposit", asked)
        return pb.AttestDepositResponse.FromString(answer)


def deposit_request(room: Room, deposit: UserDeposit, **other: object) -> pb.VerifyDepositRequest:
    return pb.VerifyDepositRequest(
        **{  # type: ignore[arg-type]
            "vault_id": "peg",
            "proof": room.proof(),
            "vout": 0,
            "index": INDEX,
            "previous_txs": [deposit.source.serialize()],
            **other,
        }
    )


def enter(
    folder: Path,
    transactions: Sequence[Transaction],
    member: type[Member] = AttestingMember,
    policy: bytes = GENESIS,
    chain: ChainSetting = LONELY,
) -> Room:
    """A governed member; nothing above the block below is brought yet."""
    made = member(folder, 0, policy, chain=chain).init()
    if b"[governance]" in policy:
        begin(made, *OFFICERS)
    block = block_with(*transactions)
    below = trunk(BELOW)
    above = on_top(below, 1, block.header.merkle_root)
    above += on_top((*below, *above), 9)
    running = made.start()
    kernel = replace(running.handler.kernel, clock=MachineOf(made))
    running.handler = replace(running.handler, kernel=kernel)
    bring(running, below)
    return Room(made, running, block, below, above)


def rival(room: Room, count: int) -> list[bytes]:
    """Headers beside the block: another branch."""
    return on_top(room.below, count, b"r" * 32)


def branch_with(room: Room, *transactions: Transaction) -> Room:
    """The same room, told of another branch, with another block of these transactions."""
    block = block_with(*transactions, seed=2)
    above = on_top(room.below, 1, block.header.merkle_root)
    above += on_top((*room.below, *above), 9)
    return replace(room, block=block, above=above)
