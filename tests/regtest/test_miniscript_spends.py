"""Core relays the witnesses of generated miniscripts, and none of 200 that others could write instead."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from typing import NamedTuple

from clients.bitcoind import Bitcoind
from signer.bitcoin.address import address_of
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Transaction, parse_transaction
from tests.bitcoin.miniscript.generator import generate
from tests.bitcoin.miniscript.malleation import alterations
from tests.bitcoin.miniscript.spending import AMOUNT, Coin, Spend, consensus_accepts, spend
from tests.soak.miniscript import ALTERED

SPENDS = 40
DEPTH = 144
OLDER = (0, 1, 17, DEPTH)
AFTER = (0, 1, 17)


class Plan(NamedTuple):
    """A spend that can be made again, for a coin that exists."""

    coin: Coin
    older: int
    after: int
    seed: int

    def spend(self) -> Spend:
        return spend(self.coin, self.older, self.after, Random(self.seed))


def plans(random: Random) -> Iterator[Plan]:
    """Without end: those with a witness, in both contexts."""
    while True:
        coin = Coin(generate(random, random.choice(list(Context))))
        plan = Plan(coin, random.choice(OLDER), random.choice(AFTER), random.getrandbits(32))
        if plan.spend().items is not None:
            yield plan


def funded(bitcoind: Bitcoind, plan: Plan) -> Plan:
    script = plan.coin.prevout.script_pubkey
    txid = bitcoind.fund(address_of(script, REGTEST), AMOUNT)
    previous = parse_transaction(bytes.fromhex(bitcoind.rpc("getrawtransaction", txid)))
    vout = [txout.script_pubkey for txout in previous.outputs].index(script)
    return plan._replace(coin=replace(plan.coin, outpoint=OutPoint(previous.txid, vout)))


def refusal(bitcoind: Bitcoind, transaction: Transaction) -> str | None:
    """Why Core would not take it into its mempool; None if it would."""
    (verdict,) = bitcoind.rpc("testmempoolaccept", [transaction.serialize().hex()])
    return None if verdict["allowed"] else str(verdict["reject-reason"])


def test_core_relays_ours_and_no_alteration(bitcoind: Bitcoind) -> None:
    random, left_to_policy = Random(4), 0
    made = [funded(bitcoind, plan) for plan in islice(plans(random), SPENDS)]
    bitcoind.mine(DEPTH, bitcoind.make_wallet("miniscript-depth")("getnewaddress"))
    for plan in made:
        ours = plan.spend()
        assert refusal(bitcoind, ours.with_witness(ours.witness)) is None
        for witness in islice(alterations(ours, random), ALTERED):
            altered = ours.with_witness(witness)
            assert refusal(bitcoind, altered) is not None
            left_to_policy += consensus_accepts(altered, plan.coin.prevout)
    assert left_to_policy > 10
