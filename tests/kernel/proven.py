"""A kernel whose headers are over blocks with its vault's coins, and requests with their proofs."""

from dataclasses import replace
from pathlib import Path

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.hashes import hash256
from signer.journal.header_chain import ChainSetting
from tests.bitcoin.blocks import Block
from tests.core.proven_spends import block_of
from tests.core.spends import Coin
from tests.kernel.chained import LONELY, bring, trunk
from tests.kernel.room import (
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)

COINS = (Coin(), Coin(salt=1), Coin(salt=2, amount=30_000_000))
BLOCK = block_of(*COINS)
WHEN = "and(attested(2, watchers), or(and(spend_at_most(0.3 BTC), {low}), {high}))"
TIERED = WHEN.format(low="confirmed(3 blocks)", high="confirmed(6 blocks)")


def policy_saying(coins: str, when: str = TIERED) -> bytes:
    """The policy of room.py with that `coins`."""
    text = policy_text(when=when).decode()
    return text.replace('"attested(2, watchers)"\n\n[rollups', f'"{coins}"\n\n[rollups').encode()


def proof_message(raw_header: bytes, position: int, block: Block = BLOCK) -> t.TxInclusionProof:
    """That the block's transaction there is in the block with that header."""
    proof = block.proof(position)
    path = t.MerkleBranches(
        position=position, branch=proof.branch, coinbase_branch=block.tree.branch(0)
    )
    return t.TxInclusionProof(
        block_hash=hash256(raw_header),
        transaction=proof.transaction,
        coinbase=block.transactions[0].serialize(),
        branches=path,
    )


class House:
    """The kernel, and what its one source brought."""

    def __init__(
        self, folder: Path, policy: bytes, chain: ChainSetting | None = LONELY, most: int = 12
    ) -> None:
        self.member = Member(folder, 0, policy=policy, chain=chain).init()
        self.running: Running = self.member.start()
        self.headers = trunk(most, BLOCK.tree.root)
        self.brought = 0

    def bring(self, count: int) -> None:
        """So many headers more."""
        bring(self.running, self.headers[self.brought : self.brought + count])
        self.brought += count

    def request(
        self,
        coins: tuple[Coin, ...] = COINS[:1],
        paid: int = 20_000_000,
        *,
        number: int = 1,
        height: int = 1,
        seen: bool = True,
        proven: bool = True,
    ) -> pb.SignPsbtRequest:
        """Pay a withdrawal from coins whose transactions are in the block at that height. `seen`: attestors
        speak of the coins."""
        built = self.running.construct(construct_request(coins, ((number, paid),)))
        spent = tuple(coin for coin in coins if self._is_spent(built, coin))
        words = attested(spent if seen else (), ((number, paid),))
        request = sign_request(built, words)
        for coin in spent if proven else ():
            request.proofs.append(self.proof(coin, height))
        return request

    def proof(self, coin: Coin, height: int = 1) -> t.TxInclusionProof:
        position = [each.txid for each in BLOCK.transactions].index(coin.outpoint.txid)
        return proof_message(self.headers[height - 1], position)

    def restarted(self) -> None:
        self.running.stop()
        self.running = self.member.start()

    @staticmethod
    def _is_spent(built: pb.ConstructWithdrawalTxResponse, coin: Coin) -> bool:
        return built.psbt.find(coin.outpoint.txid) >= 0


def without_proofs(request: pb.SignPsbtRequest) -> pb.SignPsbtRequest:
    """The same request and no proof."""
    bare = pb.SignPsbtRequest()
    bare.CopyFrom(request)
    del bare.proofs[:]
    return bare


LOW = replace(LONELY, fresh=replace(LONELY.fresh, silence=1))
"""A chain that is frozen a second after the last header."""
