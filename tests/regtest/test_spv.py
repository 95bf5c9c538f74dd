"""The clients of `spv` between a real node and a real kernel with two sources: headers, deposits, anchors.

All in one place, whose chain and record grow. The tests do not rest on each other, but for the last: it locks
the kernel.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clients.bitcoind import Bitcoind
from clients.demo.charter import bind, signed_charter
from clients.demo.command import pegwarden
from clients.demo.officers import officers_of
from clients.demo.policy import MAGIC, People, governed, groups, policy_text
from clients.demo.stage import House, build
from clients.jsonrpc import to_btc
from clients.member import Member, Refused
from clients.spv.messages import deposit_request
from clients.spv.node import Node
from clients.spv.proof_file import read_proof
from clients.spv.prove import Previous, Wanted, prove
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.secp import verify_schnorr
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    parse_transaction,
    txid_from_display,
)
from signer.bitcoin.units import Sats
from signer.core.deposits import DepositFacts, attestation_digest_of
from signer.core.opreturn import Anchor, Deposit, encode_payload, op_return_script
from signer.core.vault import RECEIVE, Vault, VaultDefinition, register
from tests.cli.desk import Desk, Said
from tests.federation import MEMBERS, WATCHERS

SOURCES, STRANGER = ("indexer", "relayer"), "stranger"
DEPOSIT = Deposit(MAGIC, 31_337, bytes(range(20)))
ANCHOR = Anchor(MAGIC, 7, b"\x01" * 32, b"\x02" * 32)
SECONDS = 30.0
DEPTH = 6
"""Confirmations from which a deposit is attested unless the policy says otherwise."""


@dataclass
class Place:
    """A node, a kernel, and two sources between them."""

    node: Bitcoind
    house: House
    vault: Vault
    policy: Path
    attestation_key: bytes

    def node_options(self) -> tuple[str, ...]:
        address = self.node.address
        return ("--node", f"127.0.0.1:{address.port}", "--cookie", str(address.cookie))

    def kernel_options(self, caller: str) -> tuple[str, ...]:
        files = self.house.credentials(caller)
        names = ("--cert", str(files.certificate), "--cert-key", str(files.key))
        return ("--connect", self.house.address, "--ca", str(files.ca), *names)

    def tip(self) -> pb.GetTipResponse:
        with self.house.connect() as member:
            return member.ask(pb.GetTipRequest(), pb.GetTipResponse)

    def best(self) -> bytes:
        """Of the node."""
        return bytes.fromhex(self.node.rpc("getbestblockhash"))[::-1]

    def sync(self, desk: Desk, caller: str) -> Said:
        told = desk("spv", "sync", *self.node_options(), *self.kernel_options(caller), "--json")
        assert told.status == 0, told
        return told

    def sync_all(self, desk: Desk) -> None:
        for caller in SOURCES:
            self.sync(desk, caller)

    def spend(self, outputs: list[dict[str, str]]) -> str:
        """A payment of the node's wallet, in a block."""
        sent = self.node.make_wallet("miner")("send", outputs)
        self.node.mine(1)
        return str(sent["txid"])

    def deposit(self, index: int) -> tuple[str, int]:
        """Txid and vout of a deposit in a block."""
        script = self.vault.script(RECEIVE, index).script_pubkey
        paid = {address_of(script, REGTEST): to_btc(1_000_000)}
        txid = self.spend([paid, {"data": encode_payload(DEPOSIT).hex()}])
        outputs = self.transaction(txid).outputs
        return txid, next(at for at, each in enumerate(outputs) if each.script_pubkey == script)

    def replace_blocks(self, first: str, count: int) -> None:
        """So many empty blocks in the place of that one and those on it."""
        self.node.rpc("invalidateblock", first)
        home = address_of(self.vault.script(RECEIVE, 99).script_pubkey, REGTEST)
        for _ in range(count):
            self.node.rpc("generateblock", home, [])

    def transaction(self, txid: str) -> Transaction:
        return parse_transaction(bytes.fromhex(self.node.rpc("getrawtransaction", txid)))

    def proof(self, desk: Desk, txid: str, previous: str) -> Path:
        """What `spv prove` writes."""
        path = self.policy.with_name("proof.json")
        options = ("--previous", previous, "-o", path, *self.node_options())
        made = desk("spv", "prove", txid, *options)
        assert made.status == 0, made
        return path


def _policy(folder: Path, keys: tuple[str, ...]) -> str:
    """One vault that pays withdrawals, and officers, without whom no deposit is attested."""
    officers = officers_of(folder)
    for each in officers:
        each.make()
    watchers = tuple(each.key for each in WATCHERS)
    text, alone = policy_text(2, keys, watchers), groups(watchers)
    assert text.count(alone) == 1
    return text.replace(alone, governed(People(watchers, tuple(each.listed for each in officers))))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("spv")
    issued = (*(f"{each}:{each}" for each in SOURCES), f"{STRANGER}:indexer")
    house = build(folder, "alice", ("peg",), issued)
    keys = (house.xpubs["peg"], *(each.key_text for each in MEMBERS[:2]))
    charter = signed_charter(folder, _policy(folder, keys))
    bind(house, charter.arguments())
    config = Path(house.config)
    text = config.read_text()
    attestation = Path(house.directory, "keys", "attestation.json")
    opened = ("--config", house.config, "--passphrase-file", house.passphrase)
    key = pegwarden("key", "attestation", str(attestation), *opened)["attestation_key"]
    text = text.replace("\n[keys]\n", '\n[keys]\nattestation = "keys/attestation.json"\n')
    made = f'sources = ["indexer", "relayer", "{STRANGER}"]\nsources_needed = 1'
    assert text.count(made) == 1
    config.write_text(text.replace(made, 'sources = ["indexer", "relayer"]\nsources_needed = 2'))
    template = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
    vault = register(VaultDefinition("peg", template, keys, 100), REGTEST)
    with Bitcoind.start(folder / "node") as node:
        house.serve()
        try:
            house.wait_until_it_answers()
            node.mine(102)
            yield Place(node, house, vault, charter.policy, bytes.fromhex(key))
            house.stop()
        finally:
            house.crash()


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(capsys)


def test_a_kernel_has_the_nodes_headers_once_two_sources_brought_them(
    place: Place, desk: Desk
) -> None:
    first = place.sync(desk, "indexer").json
    assert first["hash"] == place.node.rpc("getbestblockhash")
    if first["added"] == first["height"]:  # nobody was here before
        assert place.tip().vouched_height == 0
    second = place.sync(desk, "relayer").json
    assert (second["added"], second["height"]) == (0, first["height"])
    tip = place.tip()
    assert (tip.hash, tip.vouched_height) == (place.best(), first["height"])
    assert list(tip.stale) == []


def test_who_is_no_source_is_told_so(place: Place, desk: Desk) -> None:
    for caller, status in ((STRANGER, 1), ("indexer", 0)):
        options = (*place.node_options(), *place.kernel_options(caller))
        said = desk("spv", "sync", *options, "--json")
        assert said.status == status
        assert status == 0 or said.json["code"] == "header-source-unknown"


def burial(member: Member, request: pb.VerifyDepositRequest) -> tuple[bool, int]:
    answer = member.ask(request, pb.VerifyDepositResponse)
    return answer.is_on_best_chain, answer.burial.blocks


def test_a_deposit_is_proven_and_a_reorganisation_of_three_blocks_unproves_it(
    place: Place, desk: Desk
) -> None:
    node = place.node
    txid, vout = place.deposit(5)
    node.mine(2)
    wanted = Wanted(txid_from_display(txid), previous=Previous.ALL)
    request = deposit_request(prove(Node(node.rpc), wanted), "peg", vout, 5)
    with place.house.connect() as member:
        with pytest.raises(Refused, match="header-unknown"):
            member.ask(request, pb.VerifyDepositResponse)
        place.sync(desk, "indexer")
        assert burial(member, request) == (True, 0)  # one source confirms nothing
        place.sync(desk, "relayer")
        assert burial(member, request) == (True, 3)
        answer = member.ask(request, pb.VerifyDepositResponse)
        facts = answer.deposit
        assert (facts.amount_sat, facts.l2_chain_id, facts.l2_address) == (
            *(1_000_000, DEPOSIT.l2_chain_id, DEPOSIT.l2_address),
        )

        place.replace_blocks(request.proof.block_hash[::-1].hex(), 4)
        told = place.sync(desk, "indexer").json
        assert (told["added"], told["left"]) == (4, 3)
        place.sync(desk, "relayer")
        assert burial(member, request) == (False, 0)

        node.mine(1)  # with the deposit, which the node still has
        place.sync_all(desk)
        again = deposit_request(prove(Node(node.rpc), wanted), "peg", vout, 5)
        assert again.proof.block_hash != request.proof.block_hash
        assert burial(member, again) == (True, 1)


def anchored(place: Place) -> str:
    """An anchor in a block."""
    told = TxOut(Sats(0), op_return_script(encode_payload(ANCHOR)))
    return spent_by_the_vault(
        place, told, TxOut(Sats(990_000), place.vault.script(1, 0).script_pubkey)
    )


def spent_by_the_vault(place: Place, *outputs: TxOut) -> str:
    """In a block, of a coin of the vault, signed by two of its members."""
    derived = place.vault.script(RECEIVE, 11)
    paid = address_of(derived.script_pubkey, REGTEST)
    txid = place.spend([{paid: to_btc(1_000_000)}])
    coin = place.transaction(txid)
    vout = [each.script_pubkey for each in coin.outputs].index(derived.script_pubkey)
    spent = TxIn(OutPoint(coin.txid, vout), b"", 0xFFFFFFFD)
    bare = Transaction(2, (spent,), outputs, 0)
    digest = SegwitV0Sighash(bare).digest(0, derived.witness_script, Sats(1_000_000))
    signers = sorted(zip((k.pubkey for k in derived.keys[1:]), MEMBERS, strict=False))
    signatures = [member.sign(RECEIVE, 11, digest) for _, member in signers]
    witness = (b"", *signatures, derived.witness_script)
    signed = Transaction(2, (spent,), outputs, 0, (witness,))
    sent = str(place.node.rpc("sendrawtransaction", signed.serialize().hex()))
    place.node.mine(3)
    return sent


def test_a_deposit_inside_the_vaults_own_transaction_is_none(place: Place, desk: Desk) -> None:
    """What the vault pays to itself mints nothing, whatever stands beside it; a stranger's coin does."""
    paid = TxOut(Sats(500_000), place.vault.script(RECEIVE, 6).script_pubkey)
    told = TxOut(Sats(0), op_return_script(encode_payload(DEPOSIT)))
    forged = spent_by_the_vault(place, paid, told)
    honest, vout = place.deposit(6)
    place.node.mine(DEPTH - 2)
    place.sync_all(desk)
    asked = ("--vault", "peg", "--index", 6, *place.kernel_options("indexer"), "--json")
    said = desk("spv", "deposit", place.proof(desk, forged, "all"), *asked, "--vout", 0)
    assert (said.status, said.json["code"]) == (1, "deposit-from-vault")
    file = place.proof(desk, honest, "all")
    early = desk("spv", "deposit", file, *asked, "--vout", vout)
    assert (early.status, early.json["not_yet"]) == (1, ["deposit-unburied"])
    assert (early.json["ok"], early.json["blocks"]) == (False, DEPTH - 1)
    place.node.mine(1)
    place.sync_all(desk)
    deep = desk("spv", "deposit", file, *asked, "--vout", vout)
    assert (deep.status, deep.json["ok"], deep.json["not_yet"]) == (0, True, [])


def test_an_anchor_is_verified_offline_and_by_the_kernel(place: Place, desk: Desk) -> None:
    txid = anchored(place)
    place.sync_all(desk)
    file = place.proof(desk, txid, "first")
    vault = ("--policy", place.policy, "--vault", "peg")
    assert desk("anchor", "verify", file, *vault).status == 1  # nobody says whose block it is
    block = place.node.rpc("getblockhash", place.node.rpc("getblockcount") - 2)
    offline = desk("anchor", "verify", file, *vault, "--block-hash", block, "--json")
    assert offline.status == 0, offline
    shown = offline.json
    assert (shown["batch_id"], shown["blocks"], shown["txid"]) == (7, 3, txid)
    by_kernel = ("spv", "verify", file, *place.kernel_options("relayer"), "--json")
    asked = desk(*by_kernel, "--vault", "peg")
    assert asked.status == 0, asked
    assert (asked.json["anchor"]["batch_id"], asked.json["blocks"]) == (7, 3)

    stranger = place.spend([{"data": encode_payload(ANCHOR).hex()}])
    place.sync_all(desk)
    file = place.proof(desk, stranger, "all")
    said = desk("anchor", "verify", file, *vault, "--json")
    assert (said.status, said.json["code"]) == (1, "anchor-not-from-vault")
    assert desk(*by_kernel).status == 0
    asked = desk(*by_kernel, "--vault", "peg")
    assert (asked.status, asked.json["not_an_anchor"]) == (1, ["anchor-not-from-vault"])


def test_the_nodes_headers_verify_a_proof_without_any_kernel(
    place: Place, desk: Desk, tmp_path: Path
) -> None:
    txid, _ = place.deposit(6)
    file, chain = place.proof(desk, txid, "none"), tmp_path / "headers"
    assert desk("spv", "headers", chain, *place.node_options()).status == 0
    shown = desk("spv", "verify", file, "--headers", chain, "--json").json
    assert (
        shown["height"] == place.node.rpc("getblockcount") == read_proof(file.read_bytes()).height
    )
    assert shown["last_header"] == shown["block_hash"] == place.node.rpc("getbestblockhash")


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_source_that_follows_outlives_its_kernel(place: Place, tmp_path: Path) -> None:
    """It brings each new header, says that the kernel is gone while it is, and brings what it missed."""
    options = (*place.node_options(), *place.kernel_options("indexer"))
    command = [sys.executable, "-m", "signer", "spv", "sync", "--follow", "--json", *options]
    log = tmp_path / "log"
    environment = os.environ | {"GRPC_VERBOSITY": "NONE"}
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment)
    try:
        until(lambda: place.tip().hash == place.best())
        place.node.mine(1)
        until(lambda: place.tip().hash == place.best())
        place.house.crash()
        place.node.mine(2)
        until(lambda: '"ok": false' in log.read_text())
        place.house.serve()
        place.house.wait_until_it_answers()
        until(lambda: place.tip().hash == place.best())
    finally:
        process.terminate()
        process.wait(SECONDS)
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert told[-1]["added"] == 2
    assert {each["code"] for each in told if not each["ok"]} == {"fault"}


def test_a_deposit_is_attested_at_its_depth_and_not_before_and_what_undoes_it_locks(
    place: Place, desk: Desk
) -> None:
    """The last one: nobody unlocks this kernel."""
    node = place.node
    txid, vout = place.deposit(7)
    node.mine(DEPTH - 2)
    wanted = Wanted(txid_from_display(txid), previous=Previous.ALL)
    deposit = deposit_request(prove(Node(node.rpc), wanted), "peg", vout, 7)
    request = pb.AttestDepositRequest(deposit=deposit)
    place.sync_all(desk)
    with place.house.connect() as member:
        with pytest.raises(Refused, match="deposit-unburied"):
            member.ask(request, pb.AttestDepositResponse)
        node.mine(1)
        place.sync(desk, "relayer")
        with pytest.raises(Refused, match="deposit-unburied"):  # one source's word
            member.ask(request, pb.AttestDepositResponse)
        place.sync(desk, "indexer")
        attested = member.ask(request, pb.AttestDepositResponse)
        facts = DepositFacts(
            place.vault.fingerprint,
            OutPoint(txid_from_display(txid), vout),
            Sats(1_000_000),
            DEPOSIT,
            deposit.proof.block_hash,
            node.rpc("getblockcount") - DEPTH + 1,
        )
        assert attested.attestation_key == place.attestation_key
        digest = attestation_digest_of(REGTEST.genesis_hash, facts)
        verify_schnorr(place.attestation_key, digest, attested.signature)
        asked = ("--vault", "peg", "--vout", vout, "--index", 7, "--attest")
        file = place.proof(desk, txid, "all")
        said = desk("spv", "deposit", file, *asked, *place.kernel_options("indexer"), "--json")
        assert said.json["signature"] == attested.signature.hex()

        place.replace_blocks(deposit.proof.block_hash[::-1].hex(), DEPTH + 1)
        assert place.sync(desk, "indexer").json["left"] == DEPTH
        with pytest.raises(Refused, match="chain-reorganised"):
            member.ask(request, pb.AttestDepositResponse)
    until(lambda: '"kind": "reorganised"' in place.house.log.read_text())
