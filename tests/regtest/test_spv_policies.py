"""Policies that ask the kernel's own chain, on a real node: coins, a frozen feed, releases by proof."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain
from clients.bitcoind import MATURITY, Bitcoind
from clients.jsonrpc import to_btc
from clients.relayer.burials import burials, release_all
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Order
from clients.relayer.federation import Federation, NotSigned
from clients.relayer.proofs import NO_PROOFS, NodeProofs
from clients.relayer.relayer import Relayer
from clients.spv.node import Node
from pegwarden.v1 import header_chain_pb2 as pb
from pegwarden.v1 import types_pb2
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Transaction, TxOut, parse_transaction
from signer.bitcoin.units import Sats
from tests.core.spends import NOW, USER_SCRIPT, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel.chained import LONELY
from tests.kernel.governed import GOVERNANCE, OFFICERS, begin
from tests.kernel.room import ManualClock, Member, policy_text
from tests.regtest.test_releases import (
    AMOUNT,
    ANY_ROLE,
    COIN_SATS,
    DEPTH,
    FEE,
    SWEEPS,
    Company,
    Near,
    Words,
)

CHAIN = replace(LONELY, sources=(ANY_ROLE.name,))
WORK = 2 * DEPTH
"""Expected hashes of so many blocks on regtest."""


def text() -> bytes:
    keys = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
    made = policy_text(
        groups=f"officers = [{keys}]",
        more=GOVERNANCE + SWEEPS,
        when="and(attested(2, watchers), fee_at_most(0.01 BTC), confirmed(1 blocks))",
    )
    release = b'\nrelease_depth = %d\nrelease_work = "%d H"' % (DEPTH, WORK)
    coins = made.replace(b'coins    = "attested(2, watchers)"', b'coins    = "confirmed(1 blocks)"')
    assert coins != made
    return coins.replace(b"lookahead = 20", b"lookahead = 20" + release)


@dataclass
class Chained(Company):
    """The same with headers: no attestor is asked about coins or what is buried."""

    clocks: tuple[ManualClock, ...]

    def feed(self) -> None:
        """All members get the node's headers."""
        node, height = Node(self.node.rpc), 1
        while raws := node.headers(height, 2_000):
            for member in self.members:
                message = pb.SubmitHeadersRequest(headers=b"".join(raws))
                member.running.call("SubmitHeaders", message, ANY_ROLE)
            height += len(raws)

    def mine(self, blocks: int) -> None:
        self.node.mine(blocks)
        self.feed()

    def all_sign(self, draft: Draft) -> bytes:
        return super().all_sign(self.relayer.placed(draft))

    def refused(self, draft: Draft) -> list[str]:
        return super().refused(self.relayer.placed(draft))

    def unconfirmed(self) -> VaultCoin:
        """A coin of the vault in the node's mempool."""
        script = vault().script(0, 0).script_pubkey
        miner = self.node.make_wallet("miner")
        return self.coin_of(miner("sendtoaddress", address_of(script, REGTEST), to_btc(COIN_SATS)))

    def order(self, number: int) -> Order:
        return Order(withdrawal_id(number), address_of(USER_SCRIPT, REGTEST), AMOUNT + number)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bitcoind]:
    """Its clock stands where the kernels' does."""
    with Bitcoind.start(tmp_path_factory.mktemp("bitcoind"), f"-mocktime={NOW}") as started:
        started.make_wallet("miner")
        started.mine(MATURITY + 20)
        yield started


@pytest.fixture
def company(node: Bitcoind, tmp_path: Path) -> Iterator[Chained]:
    burns = tmp_path / "burns.json"
    burns.write_text("[]")
    attestors = tuple(
        Attestor(
            key=AttestorKey(watcher.secret.secret),
            realm=vault().realm,
            chain=Chain(node.rpc, REGTEST),
            burns=BurnList(burns, REGTEST),
            clock=lambda: NOW,
        )
        for watcher in WATCHERS[:2]
    )
    with ExitStack() as opened:
        members, clocks = list[Near](), list[ManualClock]()
        for number in range(3):
            member = Member(tmp_path / str(number), number, text(), chain=CHAIN).init()
            begin(member, *OFFICERS)
            clocks.append(member.clock)
            members.append(Near(f"member-{number}", member.start()))
            opened.callback(members[-1].running.stop)
        federation = Federation(tuple(members), "peg")  # type: ignore[arg-type]
        words, proofs = Silent(attestors), NodeProofs(node.rpc)
        relayer = Relayer(federation, node.rpc, words, REGTEST, proofs)
        made = Chained(node, burns, relayer, tuple(members), tuple(clocks))
        made.feed()
        yield made


class Silent(Words):
    """Attestors that see burns, and say nothing of coins and of what is spent."""

    def coins(self, _: tuple[OutPoint, ...]) -> list[types_pb2.Attestation]:
        return []

    def spends(self, _: object) -> list[types_pb2.Attestation]:
        return []


def test_a_coin_counts_from_its_first_confirmation(company: Chained) -> None:
    coin = company.unconfirmed()
    draft = company.relayer.construct((company.owe(1),), (coin,), FEE)
    assert all("proof-missing" in each for each in company.refused(draft))
    company.node.mine(1)
    with pytest.raises(NotSigned) as caught:
        company.relayer.finish(draft)
    assert [reason.code for reason in caught.value.reasons] == ["header-unknown"] * 3
    company.feed()
    txid = company.relayer.broadcast(company.all_sign(draft))
    assert company.relayer.confirmations(txid) == 0


def test_a_coin_that_nobody_mined_is_no_coin(company: Chained) -> None:
    """A phantom: a transaction that pays the vault and exists nowhere, with another one's proof or a bent
    one. Where no attestor is asked, the proof is all that keeps it out."""
    real = company.fund()
    company.feed()
    script = vault().script(0, 0).script_pubkey
    parent = parse_transaction(real.previous_tx)
    made = (TxOut(Sats(90_000_000), script),)
    phantom = Transaction(2, parent.inputs, made, 0)
    coin = VaultCoin(OutPoint(phantom.txid, 0), 0, 0, phantom.stripped)
    draft = company.relayer.construct((company.owe(2),), (coin,), FEE)
    assert all("proof-missing" in each for each in company.refused(draft))
    (true,) = company.relayer.proofs.of((real.outpoint.txid,))
    bent = types_pb2.TxInclusionProof()
    bent.CopyFrom(true)
    bent.transaction = phantom.stripped
    federation = company.relayer.federation
    for proof, code in ((true, "proof-unused"), (bent, "merkle-root")):
        with pytest.raises(NotSigned) as caught:
            federation.collect(replace(draft, proofs=(proof,)))
        assert all(code in str(each) for each in caught.value.reasons)
    company.all_sign(company.relayer.construct((company.order(2),), (real,), FEE))


def test_a_frozen_feed_is_noticed(company: Chained) -> None:
    coin = company.fund()
    company.feed()
    draft = company.relayer.construct((company.owe(3),), (coin,), FEE)
    for clock in company.clocks:
        clock.moment = NOW + LONELY.fresh.silence + 1
    assert all("header-feed-frozen" in each for each in company.refused(draft))
    company.mine(1)
    company.all_sign(draft)


def test_a_reorganisation_takes_confirmations_back(company: Chained) -> None:
    """Of three blocks: the coin is in none of the four that take their place."""
    coin = company.unconfirmed()
    block, *_ = company.node.mine(3)
    company.feed()
    draft = company.relayer.placed(company.relayer.construct((company.owe(4),), (coin,), FEE))
    company.node.rpc("invalidateblock", block)
    miner = company.node.make_wallet("miner")("getnewaddress")
    for _ in range(4):
        company.node.rpc("generateblock", miner, [])
    company.feed()
    with pytest.raises(NotSigned) as caught:
        company.relayer.federation.collect(draft)
    assert all("coin-unconfirmed" in str(each) for each in caught.value.reasons)
    company.mine(1)
    company.all_sign(draft)


def test_a_swept_pin_is_struck_by_proof_and_not_without(company: Chained) -> None:
    coin, fresh = company.fund(), company.fund()
    company.feed()
    company.signed(5, coin)
    elsewhere = company.relayer.construct((company.order(5),), (fresh,), FEE)
    assert company.refused(elsewhere) == ["withdrawal-pinned"] * 3
    company.relayer.broadcast(company.swept(coin, nonce=5))
    company.mine(DEPTH - 1)
    with pytest.raises(NotSigned, match="release-too-shallow"):
        release_all(company.relayer, burials(company.relayer, DEPTH - 1))
    company.mine(1)
    without = replace(company.relayer, proofs=NO_PROOFS)
    with pytest.raises(NotSigned, match="release-unproven"):
        release_all(without, burials(without, DEPTH))
    assert company.refused(elsewhere) == ["withdrawal-pinned"] * 3
    lines = release_all(company.relayer, burials(company.relayer, DEPTH))
    assert [line.split()[-1] for line in lines] == ["waiting"] * 3
    txid = company.relayer.broadcast(company.all_sign(elsewhere))
    company.mine(DEPTH)
    release_all(company.relayer, burials(company.relayer, DEPTH))
    assert company.states(5) == ["closed"] * 3
    assert company.relayer.confirmations(txid) == DEPTH


def test_a_struck_pin_whose_killer_is_reorganised_away_locks(company: Chained) -> None:
    coin, fresh = company.fund(), company.fund()
    company.feed()
    company.signed(6, coin)
    company.relayer.broadcast(company.swept(coin, nonce=6))
    (block,) = company.node.mine(1)
    company.mine(DEPTH - 1)
    release_all(company.relayer, burials(company.relayer, DEPTH))
    company.node.rpc("invalidateblock", block)
    miner = company.node.make_wallet("miner")("getnewaddress")
    for _ in range(DEPTH + 1):
        company.node.rpc("generateblock", miner, [])
    company.feed()
    draft = company.relayer.construct((company.order(6),), (fresh,), FEE)
    assert all("chain-reorganised" in each for each in company.refused(draft))
