"""An attestor signs what its own node has, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain, NotSeen
from clients.attestor.payments import VaultPayments
from clients.bitcoind import Bitcoind
from clients.jsonrpc import to_btc
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST, SIGNET
from signer.bitcoin.transaction import OutPoint, Txid, display, txid_from_display
from signer.bitcoin.units import Height
from signer.core.evidence import CoinTerms, Realm, SpentTerms, authorize
from tests.federation import vault

REALM = Realm(REGTEST.genesis_hash, sha256(b"a vault"))
AMOUNT = 7_654_321


@pytest.fixture
def attestor(bitcoind: Bitcoind, tmp_path: Path) -> Attestor:
    burns = tmp_path / "burns.json"
    burns.write_text("[]")
    chain = Chain(bitcoind.rpc, REGTEST)
    return Attestor(AttestorKey(b"\x07" * 32), REALM, chain, BurnList(burns, REGTEST))


def funded(bitcoind: Bitcoind) -> tuple[OutPoint, str]:
    """A confirmed coin of the wallet `attested`, and its address."""
    address = bitcoind.make_wallet("attested")("getnewaddress")
    txid = bitcoind.fund(address, AMOUNT)
    detail = bitcoind.wallet_rpc("attested", "gettransaction", txid)["details"][0]
    return OutPoint(txid_from_display(txid), detail["vout"]), address


def test_a_confirmed_unspent_coin_is_attested(bitcoind: Bitcoind, attestor: Attestor) -> None:
    outpoint, address = funded(bitcoind)
    attestation = attestor.coins((outpoint,))
    (terms,) = attestation.statements
    assert isinstance(terms, CoinTerms)
    script = bitcoind.rpc("validateaddress", address)["scriptPubKey"]
    assert (terms.amount, terms.script_pubkey.hex()) == (AMOUNT, script)
    assert terms.height == bitcoind.rpc("getblockcount")
    authorized = authorize((attestation,), REALM, frozenset({attestor.key.public}))
    assert authorized.attestors(terms, attestor.clock()) == {attestor.key.public}


def test_an_unconfirmed_a_spent_and_an_invented_coin_are_not(
    bitcoind: Bitcoind, attestor: Attestor
) -> None:
    outpoint, address = funded(bitcoind)
    wallet = bitcoind.make_wallet("attested")
    spender = wallet("sendtoaddress", address, to_btc(1_000_000))
    unconfirmed = OutPoint(txid_from_display(spender), 0)
    with pytest.raises(NotSeen, match="spent, unconfirmed or does not exist"):
        attestor.coins((unconfirmed,))
    bitcoind.mine(1)
    spent = {
        OutPoint(txid_from_display(each["txid"]), each["vout"])
        for each in bitcoind.rpc("getrawtransaction", spender, True)["vin"]
    }
    for gone in (*spent, OutPoint(outpoint.txid, 99)):
        with pytest.raises(NotSeen):
            attestor.coins((gone,))


def test_a_shallow_coin_is_not(bitcoind: Bitcoind, attestor: Attestor) -> None:
    outpoint, _ = funded(bitcoind)
    deep = Chain(bitcoind.rpc, REGTEST, depth=3)
    with pytest.raises(NotSeen, match="1 of 3 confirmations"):
        deep.coin(outpoint)
    bitcoind.mine(2)
    assert deep.coin(outpoint).amount == AMOUNT


def spender_of(bitcoind: Bitcoind) -> tuple[OutPoint, str]:
    """An output, and the unconfirmed transaction that spends it."""
    _, address = funded(bitcoind)
    spender = bitcoind.make_wallet("attested")("sendtoaddress", address, to_btc(1_000_000))
    first = bitcoind.rpc("getrawtransaction", spender, True)["vin"][0]
    return OutPoint(txid_from_display(first["txid"]), first["vout"]), spender


def test_a_confirmed_spend_is_attested(bitcoind: Bitcoind, attestor: Attestor) -> None:
    spent, spender = spender_of(bitcoind)
    asked = (spent, txid_from_display(spender))
    with pytest.raises(NotSeen, match="is unconfirmed"):
        attestor.spends((asked,))
    (block,) = bitcoind.mine(1)
    height = bitcoind.rpc("getblockcount")
    bitcoind.mine(2)
    attestation = attestor.spends((asked,))
    (terms,) = attestation.statements
    assert terms == SpentTerms(spent, asked[1], Height(height), Height(height + 2))
    assert attestation.expiry <= attestor.clock() + 3_600
    authorized = authorize((attestation,), REALM, frozenset({attestor.key.public}))
    assert authorized.attestors(terms, attestor.clock()) == {attestor.key.public}
    other = OutPoint(spent.txid, spent.vout + 9)  # which no transaction of this wallet has
    for wrong in ((other, asked[1]), (spent, txid_from_display("11" * 32))):
        with pytest.raises(NotSeen, match=r"does not spend|knows no transaction"):
            attestor.spends((wrong,))
    bitcoind.rpc("invalidateblock", block)
    try:
        with pytest.raises(NotSeen, match=r"unconfirmed|not in the active chain"):
            attestor.spends((asked,))
    finally:
        bitcoind.rpc("reconsiderblock", block)


def test_a_coinbase_spends_nothing(bitcoind: Bitcoind, attestor: Attestor) -> None:
    (block,) = bitcoind.mine(1)
    (minted,) = bitcoind.rpc("getblock", block)["tx"]
    nothing = OutPoint(Txid(bytes(32)), 0xFFFFFFFF)
    with pytest.raises(NotSeen, match="does not spend"):
        attestor.spends(((nothing, txid_from_display(minted)),))


def test_payments_of_the_vault_are_counted_in_real_blocks(bitcoind: Bitcoind) -> None:
    """The wallet's coin stands for the vault's: what it pays counts once it has a block, others' never."""
    outpoint, address = funded(bitcoind)
    wallet, script = bitcoind.make_wallet("attested"), bitcoind.rpc("validateaddress", address)
    since = bitcoind.rpc("getblockcount") + 1
    payments = VaultPayments(bitcoind.rpc, vault().descriptor, since, reach=1)
    payments.__dict__["_scripts"] = frozenset({script["scriptPubKey"]})
    to = bitcoind.make_wallet("paid")("getnewaddress")
    paid = bytes.fromhex(bitcoind.rpc("validateaddress", to)["scriptPubKey"])
    source = {"inputs": [{"txid": display(outpoint.txid), "vout": outpoint.vout}]}
    wallet("send", {to: to_btc(5_000)}, None, "unset", 2, source)
    assert payments.count(5_000, paid) == 0
    bitcoind.mine(1)
    assert payments.count(5_000, paid) == 1
    assert payments.count(5_001, paid) == 0
    bitcoind.fund(to, 5_000)
    assert payments.count(5_000, paid) == 1


def test_a_real_node_says_how_old_its_tip_is(bitcoind: Bitcoind, attestor: Attestor) -> None:
    bitcoind.mine(1)
    median = bitcoind.rpc("getblockchaininfo")["mediantime"]
    attestor.chain.require_fresh(60, median + 60)
    with pytest.raises(NotSeen, match="tip is 61 seconds old"):
        attestor.chain.require_fresh(60, median + 61)


def test_a_node_of_another_network_is_not_believed(bitcoind: Bitcoind) -> None:
    with pytest.raises(NotSeen, match="genesis"):
        Chain(bitcoind.rpc, SIGNET).require_network()


def test_the_command_prints_one_attestation(bitcoind: Bitcoind, tmp_path: Path) -> None:
    outpoint, _ = funded(bitcoind)
    key, burns = tmp_path / "key", tmp_path / "burns.json"
    key.write_text("07" * 32)
    key.chmod(0o644)
    burns.write_text("[]")
    command = [
        *(sys.executable, "-m", "clients.attestor", "--key", str(key), "--burns", str(burns)),
        *("--fingerprint", "00" * 32, "--rpc-port", str(bitcoind.address.port)),
        *("--cookie", str(bitcoind.address.cookie), "coins", str(outpoint)),
    ]
    exposed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert exposed.returncode == 2
    assert "chmod 600" in exposed.stderr
    key.chmod(0o600)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["coins"][0]["amountSat"] == str(AMOUNT)
    spent, spender = spender_of(bitcoind)
    bitcoind.mine(1)
    asked = [*command[:-2], "spends", f"{spent}:{spender}"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["spends"][0]["tipHeight"] == bitcoind.rpc("getblockcount")
    unknown = subprocess.run(
        [*command[:-2], "withdrawals", "11" * 32], capture_output=True, text=True, check=False
    )
    assert unknown.returncode == 1
    assert "no burn" in unknown.stderr


def test_an_attestors_key_does_not_show_itself() -> None:
    key = AttestorKey(b"\x07" * 32)
    assert "07" * 32 not in repr(key)
