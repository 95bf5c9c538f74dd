"""`spv prove`, `verify`, `headers`, `checkpoint` and `anchor verify`, on a chain that a node recites.

Each refusal is one field away from a file that passes.
"""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from clients.jsonrpc import NodeError
from clients.member import Refused
from clients.spv.messages import deposit_request, inclusion_message, proof_request
from clients.spv.node import NotFound
from clients.spv.proof_file import BadProofFile, ProofFile, read_proof, write_proof
from clients.spv.prove import Previous, Wanted, prove
from pegwarden.v1 import header_chain_pb2 as pb
from pegwarden.v1 import types_pb2
from signer.bitcoin.descriptor.checksum import with_checksum
from signer.bitcoin.header import read_header
from signer.bitcoin.inclusion import CoinbaseProof
from signer.bitcoin.network_rules import REGTEST_RULES
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from signer.bitcoin.units import Sats
from signer.cli import spv_node, spv_sync
from signer.core.catalogue import CATALOGUE
from signer.core.opreturn import Anchor, Deposit, encode_payload, op_return_script
from tests.bitcoin.blocks import Block, random_block
from tests.bitcoin.mined import Wish, mined, unmined
from tests.cli.desk import Desk, Said
from tests.clients.spv_places import JudgingKernel, RecitingNode
from tests.core.coins import funding
from tests.federation import taproot_vault, vault

ANCHOR = Anchor(b"PGWD", 7, b"\x01" * 32, b"\x02" * 32)
PEG = vault()
INDEX = 12


def spending(previous: Transaction, payload: Anchor | Deposit = ANCHOR) -> Transaction:
    """Spends its output 1, and another coin before that; commits to a payload."""
    strange = TxIn(OutPoint(funding(b"\x51", 1).txid, 1), b"", 0xFFFFFFFD)
    spent = TxIn(OutPoint(previous.txid, 1), b"", 0xFFFFFFFD)
    told = TxOut(Sats(0), op_return_script(encode_payload(payload)))
    change = TxOut(Sats(1_000), b"\x00\x14" + bytes(20))
    return Transaction(2, (spent, strange), (told, change), 0, ((b"sig",), ()))


@dataclass(frozen=True)
class Place:
    """A node with a block of ten transactions, the last an anchor, and six headers on it."""

    node: RecitingNode
    block: Block
    coin: Transaction
    """What the anchor spends."""

    @property
    def anchor(self) -> Transaction:
        return self.block.transactions[-1]

    def proof(self, **wanted: Any) -> ProofFile:
        wish = Wanted(self.anchor.txid, **({"previous": Previous.FIRST} | wanted))
        return prove(self.node.node, wish)


def place(payload: Anchor | Deposit = ANCHOR, script: bytes | None = None) -> Place:
    coin = funding(script or PEG.script(1, INDEX).script_pubkey, 50_000)
    others = random_block(Random(8), 9).transactions
    block = Block((*others, spending(coin, payload)))
    node = RecitingNode(3)
    node.mine(1, root=block.tree.root)
    name = node.hashes[-1][::-1].hex()
    node.blocks[name] = [each.serialize() for each in block.transactions]
    for each in (coin, funding(b"\x51", 1)):
        node.raw_transactions[each.txid[::-1].hex()] = each.serialize()
    node.mine(6)
    return Place(node, block, coin)


HERE = place()
GOOD = HERE.proof()
TEXT = write_proof(GOOD)


def descriptor() -> str:
    text = PEG.text
    return with_checksum(text)


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The command; its node is the one that recites."""
    monkeypatch.setattr(spv_node, "JsonRpc", lambda _: HERE.node)
    return Desk(capsys)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[ProofFile | str], Path]:
    def write(file: ProofFile | str) -> Path:
        path = tmp_path / "proof.json"
        path.write_text(file if isinstance(file, str) else write_proof(file))
        return path

    return write


def code(said: Said, status: int = 1) -> str:
    assert said.status == status, said
    return said.json["code"]


# --- the file ---


def test_a_proof_is_read_as_it_was_written() -> None:
    assert read_proof(TEXT.encode()) == GOOD
    alone = prove(HERE.node.node, Wanted(HERE.block.transactions[0].txid, previous=Previous.ALL))
    assert read_proof(write_proof(alone).encode()) == alone
    assert (alone.proof.coinbase, alone.proof.position, alone.previous) == (None, 0, ())


def test_a_proof_is_compact() -> None:
    """Branches of four hashes, three small transactions, six headers: no witness is in it."""
    assert GOOD.proof.transaction == HERE.anchor.stripped != HERE.anchor.serialize()
    assert len(TEXT) < 3_800


MEMBERS = json.loads(TEXT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "pegwarden-proof/2"),
        ("header", MEMBERS["header"][2:]),
        ("header", "zz" * 80),
        ("header", " " + MEMBERS["header"]),
        ("header", 7),
        ("transaction", None),
        ("position", "9"),
        ("position", -1),
        ("position", True),
        ("position", 1 << 32),
        ("height", 4.0),
        ("network", 1),
        ("branch", "00"),
        ("branch", [7]),
        ("coinbase", 7),
        ("coinbase_branch", None),
        ("previous", {}),
        ("previous", [1]),
        ("after", "00" * 79),
        ("more", 1),
    ],
)
def test_what_is_no_proof_file(name: str, value: object) -> None:
    with pytest.raises(BadProofFile, match=f"{name}|format"):
        read_proof(json.dumps(MEMBERS | {name: value}).encode())
    assert read_proof(json.dumps(MEMBERS).encode()) == GOOD


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b" " * (33 << 20)])
def test_what_is_no_json_object(data: bytes) -> None:
    with pytest.raises(BadProofFile):
        read_proof(data)


def test_a_file_that_is_none_has_its_code(
    desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    bad = put(json.dumps(MEMBERS | {"height": "4"}))
    assert code(desk("spv", "verify", bad, "--json")) == "proof-file-malformed"
    assert desk("spv", "verify", put(TEXT), "--json").status == 0


# --- proving ---


def test_which_previous_transactions_come_with_it() -> None:
    first, second = HERE.coin.stripped, funding(b"\x51", 1).stripped
    assert HERE.proof(previous=Previous.NONE).previous == ()
    assert HERE.proof(previous=Previous.FIRST).previous == (first, None)
    assert HERE.proof(previous=Previous.ALL).previous == (first, second)


def test_how_many_headers_come_with_it() -> None:
    raws = HERE.node.raws
    assert GOOD.after == tuple(raws[5:10])
    assert HERE.proof(after=0).after == ()
    assert HERE.proof(after=50).after == tuple(raws[5:11])


def test_a_block_beside_the_best_chain_is_proven_without_headers_on_it() -> None:
    there = place()
    name = there.node.hashes[4]
    there.node.mine(9, below=8, root=b"r" * 32)
    assert there.proof(block=name).after == ()
    with pytest.raises(NotFound, match="no block"):
        there.proof(block=bytes(32))


def test_what_the_node_does_not_have_has_a_code(desk: Desk, tmp_path: Path) -> None:
    options = ("--cookie", "unused", "--json")
    nowhere, pending = "00" * 32, next(iter(HERE.node.raw_transactions))
    first = HERE.node.hashes[4][::-1].hex()
    for asked in ([nowhere], [pending], [nowhere, "--block", first], [pending, "--block", nowhere]):
        assert code(desk("spv", "prove", *asked, *options)) == "transaction-not-in-block"
    done = desk("spv", "prove", HERE.anchor.txid[::-1].hex(), "--block", first, *options[:2])
    assert (done.status, read_proof(done.out.encode()).proof) == (0, GOOD.proof)
    file = tmp_path / "proof.json"
    written = desk("spv", "prove", HERE.anchor.txid[::-1].hex(), "-o", file, *options)
    assert (written.json["block_hash"], written.json["height"]) == (first, 4)
    assert read_proof(file.read_bytes()) == HERE.proof(previous=Previous.NONE)


def test_a_node_that_is_not_there_is_a_fault(desk: Desk) -> None:
    def silent() -> None:
        raise ConnectionRefusedError("no node")

    for error in (silent, lambda: (_ for _ in ()).throw(NodeError(-28, "Loading"))):
        HERE.node.before["getrawtransaction"] = error
        said = desk("spv", "prove", HERE.anchor.txid[::-1].hex(), "--cookie", "unused")
        assert (said.status, "node" in said.err) == (3, True)
    assert desk("spv", "prove", "00", "--cookie", "unused").status == 1
    assert desk("spv", "prove", "00" * 32, "--cookie", "c", "--node", "here").status == 2


def test_a_proof_as_a_kernel_is_asked_about_it() -> None:
    asked = inclusion_message(GOOD)
    assert asked.block_hash == HERE.node.hashes[4]
    assert tuple(asked.branches.branch) == GOOD.proof.branch
    assert len(asked.branches.coinbase_branch) == len(GOOD.proof.branch)
    assert asked.coinbase == HERE.block.transactions[0].stripped
    deposit = deposit_request(GOOD, "peg", 1, 5)
    assert (deposit.proof, list(deposit.previous_txs)) == (asked, [HERE.coin.stripped])
    anchored, bare = proof_request(GOOD, "peg"), proof_request(GOOD)
    assert (anchored.vault_id, list(anchored.previous_txs)) == ("peg", [HERE.coin.stripped])
    assert (bare.proof, list(bare.previous_txs)) == (asked, [])


# --- feeding ---

KERNEL = ("--connect", "here", "--ca", "ca", "--cert", "cert", "--cert-key", "key")
FEED = ("spv", "sync", "--cookie", "unused", *KERNEL)


class RefusingKernel(JudgingKernel):
    """Takes no headers after some rounds."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def tip(self) -> pb.GetTipResponse:
        self.rounds -= 1
        if self.rounds < 0:
            row = CATALOGUE["header-chain-disputed"]
            objection = types_pb2.Objection(code=row.code, detail="it has more work")
            refusal = types_pb2.Refusal(code=row.code, objections=[objection], remedy=row.remedy)
            raise Refused("kernel", "FAILED_PRECONDITION", refusal)
        return super().tip()


def feeding(monkeypatch: pytest.MonkeyPatch, kernel: JudgingKernel) -> None:
    """`spv sync` feeds that kernel, and is interrupted when it would wait after trouble."""

    def interrupted(seconds: float) -> None:
        if seconds:
            raise KeyboardInterrupt

    monkeypatch.setattr(spv_sync, "Member", lambda *_: nullcontext())
    monkeypatch.setattr(spv_sync, "KernelHeaders", lambda _: kernel)
    monkeypatch.setattr(spv_sync.time, "sleep", interrupted)


def test_what_sync_says(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    feeding(monkeypatch, RefusingKernel(2))
    assert "10 headers brought; the kernel has 10" in desk(*FEED).out
    assert desk(*FEED, "--json").json == {
        "ok": True,
        "height": 10,
        "hash": HERE.node.hashes[-1][::-1].hex(),
        "added": 0,
        "left": 0,
    }
    refused = desk(*FEED, "--json")
    assert code(refused) == "header-chain-disputed"
    assert "`follow`" in refused.json["remedy"]
    assert "it has more work" in desk(*FEED).out


def test_what_sync_says_while_it_follows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is JSON; a refusal comes with what to do, and does not end it."""
    kernel = RefusingKernel(1)
    feeding(monkeypatch, kernel)
    node = RecitingNode(4)
    monkeypatch.setattr(spv_node, "JsonRpc", lambda _: node)
    node.before["waitfornewblock"] = lambda: node.mine(1)
    said = desk(*FEED, "--follow", "--json")
    brought, refused = (json.loads(line) for line in said.out.splitlines())
    assert (brought["ok"], brought["added"], brought["height"]) == (True, 4, 4)
    assert (refused["ok"], refused["code"]) == (False, "header-chain-disputed")
    assert "`follow`" in refused["remedy"]
    node.mine(1)
    kernel.rounds = 1
    node.before["waitfornewblock"] = lambda: node.mine(3, below=2, root=b"r" * 32)
    told = desk(*FEED, "--follow").out
    assert "height 6 of 6: 2 headers brought" in told
    assert "trying again: kernel: header-chain-disputed: it has more work" in told


# --- verifying offline ---


def test_what_a_file_shows(desk: Desk, put: Callable[[ProofFile | str], Path]) -> None:
    said = desk("spv", "verify", put(TEXT), "--json")
    assert said.status == 0
    shown = said.json
    assert shown["txid"] == HERE.anchor.txid[::-1].hex()
    assert shown["block_hash"] == HERE.node.hashes[4][::-1].hex()
    assert (shown["position"], shown["height"], shown["blocks"]) == (9, 4, 6)
    assert (shown["work"], shown["is_chain_verified"], shown["is_height_proven"]) == (
        *("c", False, False),
    )
    told = desk("spv", "verify", put(TEXT)).out
    assert "6 blocks, 12 expected hashes" in told
    assert "Not shown" in told


def refused_headers() -> dict[str, tuple[str, ProofFile]]:
    """Code -> a file whose headers deserve it."""
    root, first = HERE.block.tree.root, HERE.node.raws[3]
    wish = Wish(read_header(first).time + 600, merkle_root=root)
    without = unmined(read_header(first).hash, wish)
    easier = replace(GOOD, network="mainnet")
    return {
        "out of order": ("header-unlinked", replace(GOOD, after=GOOD.after[1:])),
        "no work": ("header-work", replace(GOOD, header=without, after=())),
        "too easy": ("header-bits", easier),
        "another root": ("merkle-root", replace(GOOD, header=first, after=())),
        "no such network": ("network-unknown", replace(GOOD, network="elsewhere")),
    }


@pytest.mark.parametrize("name", refused_headers())
def test_headers_that_show_nothing(
    name: str, desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    expected, file = refused_headers()[name]
    assert code(desk("spv", "verify", put(file), "--json")) == expected


def test_a_proof_without_its_coinbase(desk: Desk, put: Callable[[ProofFile | str], Path]) -> None:
    alone = replace(GOOD, proof=replace(GOOD.proof, coinbase=None))
    assert code(desk("spv", "verify", put(alone), "--json")) == "coinbase-proof-missing"
    short = CoinbaseProof(GOOD.proof.coinbase.transaction, GOOD.proof.coinbase.branch[:-1])
    less = replace(GOOD, proof=replace(GOOD.proof, coinbase=short))
    assert code(desk("spv", "verify", put(less), "--json")) == "coinbase-proof-depth"


def test_the_block_that_is_known_otherwise(
    desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    raws, path = HERE.node.raws, put(TEXT)
    for header, status in ((raws[4], 0), (raws[5], 1)):
        name = read_header(header).hash[::-1].hex()
        for known in (("--header", header.hex()), ("--block-hash", name)):
            said = desk("spv", "verify", path, *known, "--json")
            assert said.status == status
            assert status == 0 or code(said) == "proof-other-header"
    assert desk("spv", "verify", path, "--block-hash", "00").status == 2
    both = ("--block-hash", "00" * 32, "--header", raws[4].hex())
    assert desk("spv", "verify", path, *both).status == 2
    assert desk("spv", "verify", path, "--connect", "127.0.0.1:1").status == 2
    assert desk("spv", "verify", path, "--vault", "peg").status == 2
    assert desk("spv", "verify", path, "--checkpoint", path).status == 2


# --- with a chain ---


def test_with_the_headers_of_a_node_the_chain_is_verified(
    desk: Desk, put: Callable[[ProofFile | str], Path], tmp_path: Path
) -> None:
    chain = tmp_path / "headers"
    written = desk("spv", "headers", chain, "--cookie", "unused", "--json")
    assert written.json["headers"] == len(HERE.node.raws) == len(chain.read_bytes()) // 80
    wrong_height = replace(GOOD, height=99)
    shown = desk("spv", "verify", put(wrong_height), "--headers", chain, "--json").json
    assert (shown["height"], shown["blocks"], shown["work"]) == (4, 7, "e")
    assert shown["is_chain_verified"]
    assert shown["last_header"] == HERE.node.hashes[-1][::-1].hex()
    chain.write_bytes(b"".join(HERE.node.raws[1:]))  # genesis is known
    assert desk("spv", "verify", put(TEXT), "--headers", chain).status == 0


def test_headers_that_are_not_the_proofs_or_no_chain(
    desk: Desk, put: Callable[[ProofFile | str], Path], tmp_path: Path
) -> None:
    chain, path, raws = tmp_path / "headers", put(TEXT), HERE.node.raws
    verdicts = {
        "proof-header-unknown": raws[:4],
        "header-unlinked": [*raws[:2], *raws[3:]],
        "header-malformed": [*raws, b"\x00"],
        "header-work": [*raws, unmined(HERE.node.hashes[-1], Wish(read_header(raws[-1]).time + 1))],
        "header-time-early": [*raws, mined(HERE.node.hashes[-1], Wish(read_header(raws[0]).time))],
    }
    for expected, given in verdicts.items():
        chain.write_bytes(b"".join(given))
        assert code(desk("spv", "verify", path, "--headers", chain, "--json")) == expected
    chain.write_bytes(b"".join(raws))
    assert desk("spv", "verify", path, "--headers", chain).status == 0


def test_a_chain_from_a_checkpoint_on(
    desk: Desk,
    put: Callable[[ProofFile | str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = RecitingNode(2_016)
    monkeypatch.setattr(spv_node, "JsonRpc", lambda _: node)
    node.mine(1, root=HERE.block.tree.root)
    node.mine(2)
    toml, chain = tmp_path / "checkpoint.toml", tmp_path / "headers"
    toml.write_text(desk("spv", "checkpoint", 2_016, "--cookie", "unused").out)
    since = ("--since", 2_016, "--cookie", "unused")
    assert desk("spv", "headers", chain, *since).status == 0
    path = put(replace(GOOD, header=node.raws[2_017], after=()))
    known = ("--headers", chain, "--checkpoint", toml)
    shown = desk("spv", "verify", path, *known, "--json").json
    assert (shown["height"], shown["blocks"]) == (2_017, 3)
    assert code(desk("spv", "verify", path, *known[:2], "--json")) == "header-unlinked"
    toml.write_text(toml.read_text().replace("height = 2016", "height = 2017"))
    assert code(desk("spv", "verify", path, *known, "--json")) == "checkpoint-height"
    toml.write_text("[chain]\n")
    assert desk("spv", "verify", path, *known).status == 2
    assert code(desk("spv", "checkpoint", 2_017, "--cookie", "c", "--json")) == "checkpoint-height"


# --- anchors ---

VAULT = ("--descriptor", descriptor(), "--network", "regtest")


def known(file: ProofFile = GOOD) -> tuple[str, str]:
    """That its block is Bitcoin's."""
    return ("--header", file.header.hex())


def test_an_anchor_is_shown_with_whose_it_is(
    desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    said = desk("anchor", "verify", put(TEXT), *VAULT, *known(), "--json")
    assert said.status == 0, said
    shown = said.json
    assert (shown["magic"], shown["batch_id"], shown["vault_input"]) == ("50475744", 7, 0)
    assert (shown["state_root"], shown["eth_tx_hash"]) == ("01" * 32, "02" * 32)
    assert (shown["blocks"], shown["height"]) == (6, 4)
    told = desk("anchor", "verify", put(TEXT), *VAULT, "--index", INDEX, *known()).out
    assert "Committed by the vault, if that block is Bitcoin's: input 0" in told


def test_an_anchor_in_anybodys_block_is_not_shown_to_be_one(
    desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    """Proof of work takes the place of the signatures: in a block of one's own, for seconds of hashing, there
    stands whatever one likes."""
    said = desk("anchor", "verify", put(TEXT), *VAULT, "--json")
    assert (said.status, said.json["ok"], said.json["batch_id"]) == (1, False, 7)
    told = desk("anchor", "verify", put(TEXT), *VAULT)
    assert (told.status, "Nobody says whose block it is" in told.out) == (1, True)
    assert desk("anchor", "verify", put(TEXT), *VAULT, *known()).status == 0


def test_a_strangers_op_return_with_our_magic_is_no_anchor(
    desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    """I write the rollup's magic in a transaction of my own, have it mined, and prove that it is there. More
    ways: nothing shows what is spent; something else is shown; the address is not where was searched."""
    mine = place(script=b"\x00\x20" + bytes(32)).proof(previous=Previous.ALL)
    files = {
        "mine": (mine, ()),
        "unproven": (replace(GOOD, previous=()), ()),
        "another": (replace(GOOD, previous=(funding(b"\x51", 1).stripped, None)), ()),
        "of another index": (GOOD, ("--index", INDEX + 1)),
        "not searched": (GOOD, ("--lookahead", INDEX)),
    }
    for file, options in files.values():
        said = desk("anchor", "verify", put(file), *VAULT, *options, "--json")
        assert code(said) == "anchor-not-from-vault"
    assert (
        desk("anchor", "verify", put(GOOD), *VAULT, "--lookahead", INDEX + 1, *known()).status == 0
    )
    every = HERE.proof(previous=Previous.ALL)
    assert desk("anchor", "verify", put(every), *VAULT, *known(every)).status == 0


def test_the_anchor_of_another_vault(desk: Desk, put: Callable[[ProofFile | str], Path]) -> None:
    other = vault(first=3).text
    wrong = ("--descriptor", with_checksum(other), "--network", "regtest")
    said = desk("anchor", "verify", put(TEXT), *wrong, "--lookahead", 20, "--json")
    assert code(said) == "anchor-not-from-vault"


def test_a_taproot_vaults_anchor(desk: Desk, put: Callable[[ProofFile | str], Path]) -> None:
    tap = taproot_vault()
    there = place(script=tap.script(0, 3).script_pubkey)
    ours = ("--descriptor", with_checksum(tap.text), "--network", "regtest")
    file = there.proof()
    assert desk("anchor", "verify", put(file), *ours, *known(file)).status == 0


def test_another_payload_or_none(desk: Desk, put: Callable[[ProofFile | str], Path]) -> None:
    deposit = place(Deposit(b"PGWD", 1, b"\x01" * 20)).proof()
    said = desk("anchor", "verify", put(deposit), *VAULT, "--json")
    assert code(said) == "anchor-mismatch"
    coinbase = prove(HERE.node.node, Wanted(HERE.block.transactions[1].txid))
    said = desk("anchor", "verify", put(coinbase), *VAULT, "--json")
    assert code(said) == "deposit-op-return"


def test_the_anchor_that_was_expected(desk: Desk, put: Callable[[ProofFile | str], Path]) -> None:
    path = put(TEXT)
    for expected, status in (
        *((("--magic", "50475744", "--batch", 7), 0), (("--magic", "50475745"), 1)),
        (("--batch", 8), 1),
    ):
        said = desk("anchor", "verify", path, *VAULT, *known(), *expected, "--json")
        assert said.status == status
        assert status == 0 or code(said) == "anchor-mismatch"


def test_an_anchor_whose_block_is_not_the_one_known(
    desk: Desk, put: Callable[[ProofFile | str], Path]
) -> None:
    path, names = put(TEXT), [each[::-1].hex() for each in HERE.node.hashes]
    assert desk("anchor", "verify", path, *VAULT, "--block-hash", names[4]).status == 0
    said = desk("anchor", "verify", path, *VAULT, "--block-hash", names[5], "--json")
    assert code(said) == "proof-other-header"
    said = desk("anchor", "verify", put(replace(GOOD, network="signet")), *VAULT, "--json")
    assert code(said) == "proof-other-header"
    assert desk("anchor", "verify", path, "--network", "regtest").status == 2
    assert REGTEST_RULES.genesis == HERE.node.raws[0]
