"""The relayer on a Taproot vault: a batch that grows, lost memory, divided pins, an anchor, a move."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from clients.bitcoind import Bitcoind
from clients.demo.bridge import BATCHES, MAIN_1, batch_of, decided, validated
from clients.demo.scene import FEE, TAPROOT, withdrawal_id
from clients.relayer.coins import VaultCoin, coin_on_chain, coins_made
from clients.relayer.draft import Draft, Order
from clients.relayer.federation import NotSigned
from clients.relayer.moves import anchor_draft, move_draft
from clients.relayer.relayer import Relayer
from clients.relayer.resume import resume_all, unfinished
from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.transaction import OutPoint, display, txid_from_display
from tests.regtest.crash import Company, company
from tests.regtest.founded import Founded
from tests.regtest.test_relayer import relayer as command


def fund(members: Company, count: int, sats: int) -> list[VaultCoin]:
    """Confirmed coins of the Taproot vault."""
    request = kernel_pb2.ListVaultAddressesRequest(
        vault_id=TAPROOT, branch=types_pb2.BRANCH_RECEIVE, count=count
    )
    kernel, node = members.cast.kernels[0], members.cast.node
    listed = kernel.ask(request, kernel_pb2.ListVaultAddressesResponse).addresses
    coins = []
    for each in listed:
        txid = node.fund(each.address, sats)
        outs = node.rpc("getrawtransaction", txid, True)["vout"]
        script = each.script_pubkey.hex()
        (vout,) = (out["n"] for out in outs if out["scriptPubKey"]["hex"] == script)
        point = OutPoint(txid_from_display(txid), vout)
        coins.append(coin_on_chain(node.rpc, point, 0, each.index))
    return coins


def orders(members: Company, *amounts: int) -> list[Order]:
    """Burned withdrawals of distinct amounts."""
    address = members.cast.wallet.address
    made = [Order(withdrawal_id(number), address, sats) for number, sats in enumerate(amounts, 1)]
    members.cast.burn({str(each.amount_sat): each for each in made})
    return made


def job(
    members: Company, coins: list[VaultCoin], wanted: list[Order], attestations: Any
) -> dict[str, Any]:
    """What the relayer's operator writes."""
    address = members.cast.node.address
    return {
        "network": "regtest",
        "vault_id": TAPROOT,
        "node": {"port": address.port, "cookie": str(address.cookie)},
        "members": [
            {
                "name": house.name,
                "address": house.address,
                "ca": str(house.credentials("relayer").ca),
                "certificate": str(house.credentials("relayer").certificate),
                "key": str(house.credentials("relayer").key),
            }
            for house in members.houses
        ],
        "orders": [
            {
                "withdrawal_id": each.withdrawal_id.hex(),
                "amount_sat": each.amount_sat,
                "address": each.address,
            }
            for each in wanted
        ],
        "coins": [
            {
                "txid": display(coin.outpoint.txid),
                "vout": coin.outpoint.vout,
                "branch": coin.branch,
                "index": coin.index,
            }
            for coin in coins
        ],
        "attestations": [MessageToDict(each) for each in attestations],
    }


def run(file: Path, written: dict[str, Any], *arguments: str) -> str:
    file.write_text(json.dumps(written))
    done = command(str(file), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def signed_by(members: Company, place: int, draft: Draft) -> None:
    members.cast.sides[TAPROOT].relayer.federation.sign(members.cast.kernels[place], draft)


def test_the_command_grows_resumes_anchors_and_moves(
    bitcoind: Bitcoind, founded: Founded, tmp_path: Path
) -> None:
    with company(tmp_path / "members", bitcoind, founded) as members:
        one, two, three, four = fund(members, 4, 50_000_000)
        first, second, third = orders(members, 20_000_000, 40_000_000, 30_000_000)
        side, file = members.cast.sides[TAPROOT], tmp_path / "job.json"
        ids = tuple(each.withdrawal_id for each in (first, second))
        said = [
            *side.watchers.withdrawals(ids),
            *side.watchers.coins((one.outpoint, two.outpoint)),
        ]
        begun = run(file, job(members, [one], [first], said), "pay", "--fee-rate", "2000")
        growing = job(members, [two], [second], said)
        grown = run(file, growing, "grow", first.withdrawal_id.hex(), "--fee-rate", "4000")
        assert bitcoind.rpc("getrawmempool") == [grown] != [begun]
        bitcoind.mine(1)

        waiting = side.relayer.construct((third,), (three,), FEE)
        signed_by(members, 0, waiting)
        resuming = job(members, [], [], waiting.attestations)
        resumed = run(file, resuming, "resume", "--fee-rate", "4000")
        assert bitcoind.rpc("getrawmempool") == [resumed]
        assert run(file, resuming, "resume", "--fee-rate", "4000") == ""
        bitcoind.mine(1)

        members.cast.papers.believe_batches(BATCHES)
        anchor = anchor_draft(side.relayer, batch_of(MAIN_1), (four,), FEE)
        anchoring = job(members, [four], [], anchor.attestations)
        refused = command(str(file), "anchor", MAIN_1.magic.hex(), "1", "--fee-rate", "5000")
        assert (refused.returncode, "no attestation" in refused.stderr) == (2, True)
        arguments = ("anchor", MAIN_1.magic.hex(), "1", "--fee-rate", "5000")
        anchored = run(file, anchoring, *arguments)
        bitcoind.mine(1)
        validated(members.cast, TAPROOT, MAIN_1, anchored)

        move, (left,) = decided(members.cast, TAPROOT, "next"), coins_made(anchor.psbt)
        rotation = move_draft(side.relayer, move, (left,), FEE)
        moving = job(members, [left], [], rotation.attestations)
        moved = run(file, moving, "move", "next", move.nonce.hex(), "--fee-rate", "5000")
        assert bitcoind.rpc("getrawmempool") == [moved]
        bitcoind.mine(1)


def test_members_whose_pins_differ_are_united(
    bitcoind: Bitcoind, founded: Founded, tmp_path: Path
) -> None:
    """A hostile relayer had each member sign a version from another coin, with another withdrawal."""
    with company(tmp_path, bitcoind, founded) as members:
        coins = fund(members, 3, 50_000_000)
        first, second, third = orders(members, 20_000_000, 9_000_000, 8_000_000)
        honest = members.cast.sides[TAPROOT].relayer
        divided = [
            honest.construct((first, beside), (coin,), FEE)
            for beside, coin in zip((second, third), coins, strict=False)
        ]
        alone = honest.construct((first,), (coins[2],), FEE)
        for place, draft in enumerate((*divided, alone)):
            signed_by(members, place, draft)
        for draft in (*divided, alone):
            with pytest.raises(NotSigned, match=r"withdrawal-pinned|pin-spent-unpaid"):
                honest.federation.collect(draft)

        forgetful = Relayer(honest.federation, honest.node, honest.evidence, honest.network)
        book = forgetful.book()
        assert set(book.family(third.withdrawal_id)) == {
            each.withdrawal_id for each in (first, second, third)
        }
        assert len(unfinished(forgetful, book)) == 3
        union = forgetful.further_version(third.withdrawal_id, 6_000)
        assert set(union.inputs) == {coin.outpoint for coin in coins}
        (txid,) = resume_all(forgetful, 6_000)
        raw = bytes.fromhex(bitcoind.rpc("getrawtransaction", txid))
        assert forgetful.broadcast(raw) == txid  # an interrupted relayer asks again
        bitcoind.mine(1)
        assert forgetful.broadcast(raw) == txid
        assert forgetful.confirmations(txid) == 1
        paid = bitcoind.rpc("getrawtransaction", txid, True)["vout"]
        ours = members.cast.wallet.script_pubkey.hex()
        assert len([out for out in paid if out["scriptPubKey"]["hex"] == ours]) == 3
