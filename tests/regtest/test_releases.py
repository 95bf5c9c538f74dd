"""Releases against a real node: buried payments, killed pins, reorganisations, by relayer and attestors."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain, NotSeen
from clients.bitcoind import MATURITY, Bitcoind
from clients.demo.watchers import Watchers
from clients.jsonrpc import to_btc
from clients.member import Refused
from clients.relayer.burials import Burial, burials, release, release_all
from clients.relayer.coins import VaultCoin, coin_on_chain
from clients.relayer.draft import Draft, Fee, Order
from clients.relayer.federation import Federation, NotSigned
from clients.relayer.moves import Move, move_draft
from clients.relayer.named import strike
from clients.relayer.relayer import Relayer
from pegwarden.v1 import approval_pb2, types_pb2
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, parse_transaction, txid_from_display
from signer.bitcoin.units import Sats
from signer.core.acts import ApproveMove
from signer.core.caller import Caller
from signer.core.caller import Role as CallerRole
from signer.core.errors import Refusal
from signer.core.evidence import SweepTerms
from tests.core.spends import NOW, USER_SCRIPT, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel.governed import ADA, BOB, GOVERNANCE, OFFICERS, SECRETARY, begin
from tests.kernel.room import Member, Running, policy_text

DEPTH = 10
COIN_SATS, AMOUNT = 50_000_000, 20_000_000
FEE = Fee(2_000)
ANY_ROLE = Caller("relayer-1", frozenset(CallerRole))
SWEEPS = '[[allow]]\nspend = "sweep"\nfrom = "peg"\nto = "peg"\nwhen = "approved(1, officers)"\n'
Answer = TypeVar("Answer", bound=Message)


def text() -> bytes:
    keys = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
    made = policy_text(groups=f"officers = [{keys}]", more=GOVERNANCE + SWEEPS)
    return made.replace(b"lookahead = 20", b"lookahead = 20\nrelease_depth = %d" % DEPTH)


@dataclass
class Near:
    """A kernel in this process, asked as `clients.member.Member` is."""

    name: str
    running: Running

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        method = request.DESCRIPTOR.name.removesuffix("Request")
        try:
            return answer.FromString(self.running.call(method, request, ANY_ROLE))
        except Refusal as refusal:
            said = types_pb2.Refusal(code=refusal.code)
            raise Refused(self.name, "REFUSED", said) from None


@dataclass(frozen=True)
class Words(Watchers):
    """Two attestors; moves are the officers' to approve."""

    def sweeps(self, _: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        return []


@dataclass
class Company:
    """Three kernels, two attestors, one relayer, one node."""

    node: Bitcoind
    burns: Path
    relayer: Relayer
    members: tuple[Near, ...]

    def fund(self) -> VaultCoin:
        """A confirmed coin of the vault."""
        script = vault().script(0, 0).script_pubkey
        txid = self.node.fund(address_of(script, REGTEST), COIN_SATS)
        return self.coin_of(txid)

    def coin_of(self, txid: str) -> VaultCoin:
        script = vault().script(0, 0).script_pubkey
        outputs = parse_transaction(self.relayer.raw(txid)).outputs
        vout = next(n for n, each in enumerate(outputs) if each.script_pubkey == script)
        return coin_on_chain(self.node.rpc, OutPoint(txid_from_display(txid), vout), 0, 0)

    def owe(self, number: int) -> Order:
        """A burn that the attestors see."""
        rows = json.loads(self.burns.read_text())
        order = Order(withdrawal_id(number), address_of(USER_SCRIPT, REGTEST), AMOUNT + number)
        rows.append(
            {
                "withdrawal_id": order.withdrawal_id.hex(),
                "amount_sat": order.amount_sat,
                "address": order.address,
            }
        )
        self.burns.write_text(json.dumps(rows))
        return order

    def all_sign(self, draft: Draft) -> bytes:
        """Every kernel signs; the final transaction."""
        federation = self.relayer.federation
        signed = [federation.sign(member, draft).psbt for member in federation.members]
        return federation.extract(signed[:2])

    def signed(self, number: int, coin: VaultCoin) -> bytes:
        """A withdrawal that all have on record, ready to be sent."""
        return self.all_sign(self.relayer.construct((self.owe(number),), (coin,), FEE))

    def states(self, number: int) -> list[str]:
        return [info.state for info in self.relayer.federation.on_record(withdrawal_id(number))]

    def refused(self, draft: Draft) -> list[str]:
        """What each kernel says to that draft."""
        with pytest.raises(NotSigned) as caught:
            self.relayer.federation.collect(draft)
        return [str(reason).rpartition(": ")[2] for reason in caught.value.reasons]

    def swept(self, coin: VaultCoin, nonce: int) -> bytes:
        """Two officers let the pin go: all sign the sweep of that coin."""
        terms = SweepTerms(1, vault().fingerprint, 0, Sats(50_000), bytes([nonce]) * 16)
        for officer in (ADA, BOB):
            said = officer.says(ApproveMove(vault().fingerprint, terms), NOW + 3_600)
            act = approval_pb2.OfficerAct(
                text=said.text, officer_key=said.officer, signature=said.signature
            )
            for member in self.members:
                request = approval_pb2.SubmitApprovalRequest(act=act)
                member.running.call("SubmitApproval", request, SECRETARY)
        return self.all_sign(move_draft(self.relayer, Move("peg", terms.nonce), (coin,), FEE))


@pytest.fixture
def company(bitcoind: Bitcoind, tmp_path: Path) -> Iterator[Company]:
    burns = tmp_path / "burns.json"
    burns.write_text("[]")
    if not bitcoind.make_wallet("miner")("getbalances")["mine"]["trusted"]:
        bitcoind.mine(MATURITY + 1)
    attestors = tuple(
        Attestor(
            key=AttestorKey(watcher.secret.secret),
            realm=vault().realm,
            chain=Chain(bitcoind.rpc, REGTEST),
            burns=BurnList(burns, REGTEST),
            clock=lambda: NOW,
        )
        for watcher in WATCHERS[:2]
    )
    with ExitStack() as opened:
        members = []
        for number in range(3):
            member = Member(tmp_path / str(number), number, text()).init()
            begin(member, *OFFICERS)
            members.append(Near(f"member-{number}", member.start()))
            opened.callback(members[-1].running.stop)
        federation = Federation(tuple(members), "peg")  # type: ignore[arg-type]
        relayer = Relayer(federation, bitcoind.rpc, Words(attestors), REGTEST)
        yield Company(bitcoind, burns, relayer, tuple(members))


def test_a_buried_payment_is_closed_on_all(company: Company) -> None:
    """Paid, and as deep as the policy asks: closed everywhere. One block less: nowhere."""
    raw = company.signed(1, company.fund())
    txid = company.relayer.broadcast(raw)
    company.node.mine(DEPTH - 1)
    assert burials(company.relayer, DEPTH) == []
    early = burials(company.relayer, DEPTH - 1)
    assert len(early) == 3
    with pytest.raises(NotSigned, match="release-too-shallow"):
        release_all(company.relayer, early)
    assert company.states(1) == ["open"] * 3
    company.node.mine(1)
    lines = release_all(company.relayer, burials(company.relayer, DEPTH))
    assert lines == [f"member-{n} {withdrawal_id(1).hex()} closed" for n in range(3)]
    assert company.states(1) == ["closed"] * 3
    assert burials(company.relayer, DEPTH) == []
    assert company.relayer.book().ids() == ()
    assert company.relayer.confirmations(txid) == DEPTH
    order = Order(withdrawal_id(1), address_of(USER_SCRIPT, REGTEST), AMOUNT + 1)
    anew = company.relayer.construct((order,), (company.fund(),), FEE)
    assert all(each.startswith("withdrawal-closed") for each in company.refused(anew))


def test_a_swept_pin_is_struck_and_the_withdrawal_paid_anew(company: Company) -> None:
    """The officers sweep the coin that a withdrawal is pinned to. It waits until the sweep is buried."""
    coin, fresh = company.fund(), company.fund()
    company.signed(3, coin)
    order = Order(withdrawal_id(3), address_of(USER_SCRIPT, REGTEST), AMOUNT + 3)
    elsewhere = company.relayer.construct((order,), (fresh,), FEE)
    assert company.refused(elsewhere) == ["withdrawal-pinned"] * 3
    company.relayer.broadcast(company.swept(coin, nonce=3))
    company.node.mine(DEPTH - 1)
    assert company.refused(elsewhere) == ["withdrawal-pinned"] * 3
    company.node.mine(1)
    lines = release_all(company.relayer, burials(company.relayer, DEPTH))
    assert [line.split()[-1] for line in lines] == ["waiting"] * 3
    assert company.states(3) == ["waiting"] * 3
    txid = company.relayer.broadcast(
        company.all_sign(company.relayer.construct((order,), (fresh,), FEE))
    )
    company.node.mine(DEPTH)
    release_all(company.relayer, burials(company.relayer, DEPTH))
    assert company.states(3) == ["closed"] * 3
    assert company.relayer.confirmations(txid) == DEPTH


def test_a_killer_that_is_reorganised_away_strikes_nothing(company: Company) -> None:
    coin = company.fund()
    company.signed(5, coin)
    company.relayer.broadcast(company.swept(coin, nonce=5))
    (block,) = company.node.mine(1)
    company.node.mine(DEPTH - 2)
    shallow = burials(company.relayer, DEPTH - 1)
    with pytest.raises(NotSigned, match="release-too-shallow"):
        release_all(company.relayer, shallow)
    company.node.rpc("invalidateblock", block)
    miner = company.node.make_wallet("miner")("getnewaddress")
    for _ in range(DEPTH):
        company.node.rpc("generateblock", miner, [])
    for each in shallow:
        with pytest.raises(NotSeen):
            release(company.relayer, each)
    assert company.states(5) == ["open"] * 3
    company.node.mine(DEPTH)  # it is mined again, and buried this time
    release_all(company.relayer, burials(company.relayer, DEPTH))
    assert company.states(5) == ["waiting"] * 3


def test_the_funding_of_a_pin_is_reorganised_away(company: Company) -> None:
    """The depositor spends the same money elsewhere while the deposit's block is replaced."""
    miner = company.node.make_wallet("miner")
    source = next(each for each in miner("listunspent", 100) if each["amount"] > 1)
    spends = [{"txid": source["txid"], "vout": source["vout"]}]
    rest = to_btc(int(source["amount"] * 10**8) - COIN_SATS - 10_000)
    home = miner("getnewaddress")
    script = vault().script(0, 0).script_pubkey
    deposit = _signed(miner, spends, {address_of(script, REGTEST): to_btc(COIN_SATS), home: rest})
    back = _signed(miner, spends, {home: to_btc(int(source["amount"] * 10**8) - 10_000)})
    txid = company.node.rpc("sendrawtransaction", deposit)
    (block,) = company.node.mine(1)
    coin = company.coin_of(txid)
    company.signed(7, coin)
    company.node.rpc("invalidateblock", block)
    company.node.rpc("generateblock", home, [back])
    company.node.mine(DEPTH - 2)
    killer = parse_transaction(bytes.fromhex(back))
    found = strike(company.relayer, withdrawal_id(7), killer)
    assert [len(each.descent) for each in found] == [1, 1, 1]
    with pytest.raises(NotSigned, match="release-too-shallow"):
        release_all(company.relayer, found)
    company.node.mine(1)
    release_all(company.relayer, found)
    assert company.states(7) == ["waiting"] * 3
    fresh = company.fund()
    order = Order(withdrawal_id(7), address_of(USER_SCRIPT, REGTEST), AMOUNT + 7)
    company.relayer.broadcast(company.all_sign(company.relayer.construct((order,), (fresh,), FEE)))


def _signed(miner: object, spends: list[dict[str, object]], outputs: dict[str, str]) -> str:
    assert callable(miner)
    raw = miner("createrawtransaction", spends, outputs)
    return str(miner("signrawtransactionwithwallet", raw)["hex"])


def test_what_is_buried_elsewhere_is_not_believed(company: Company) -> None:
    """A transaction that is no killer, and one that nobody knows."""
    coin, other = company.fund(), company.fund()
    company.signed(9, coin)
    stranger = parse_transaction(other.previous_tx)
    assert strike(company.relayer, withdrawal_id(9), stranger) == []
    (member, *_) = company.members
    lie = Burial(member, withdrawal_id(9), coin.outpoint, coin.outpoint, stranger)  # type: ignore[arg-type]
    with pytest.raises(NotSeen, match="does not spend"):
        release(company.relayer, lie)
    assert company.states(9) == ["open"] * 3
