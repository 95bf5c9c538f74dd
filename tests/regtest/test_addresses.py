"""Our addresses are Core's, and what we build Core would mine."""

import pytest

from clients.bitcoind import Bitcoind
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, parse_transaction
from signer.bitcoin.units import FeeRate, Sats
from signer.consensus import verify_consensus
from signer.core.construct import construct_withdrawal
from signer.core.drafts import OfferedCoin
from signer.core.extract import Extracted, extract
from signer.core.payment import WithdrawalTerms
from signer.core.registry import VaultRegistry
from tests.core.coins import Wanted, sign
from tests.federation import vault

INDEXES = 1_000


@pytest.mark.parametrize(("threshold", "members"), [(2, 3), (11, 15)])
def test_addresses_are_those_of_core(bitcoind: Bitcoind, threshold: int, members: int) -> None:
    of = vault(threshold, members)
    receive, change = bitcoind.rpc("deriveaddresses", with_checksum(of.text), [0, INDEXES - 1])
    for branch, addresses in enumerate((receive, change)):
        ours = [address_of(of.script(branch, at).script_pubkey, REGTEST) for at in range(INDEXES)]
        assert ours == addresses
    assert len(receive) == len(change) == INDEXES


def test_our_checksum_is_that_of_core(bitcoind: Bitcoind) -> None:
    text = vault().text
    checksum = bitcoind.rpc("getdescriptorinfo", text)["checksum"]
    assert with_checksum(text) == f"{text}#{checksum}"


@pytest.mark.parametrize(("threshold", "members"), [(2, 3), (11, 15)])
def test_core_accepts_what_is_extracted(bitcoind: Bitcoind, threshold: int, members: int) -> None:
    of = vault(threshold, members)
    coins = []
    for index in range(3):
        script = of.script(index % 2, index).script_pubkey
        txid = bitcoind.fund(address_of(script, REGTEST), 200_000)
        previous = parse_transaction(bytes.fromhex(bitcoind.rpc("getrawtransaction", txid)))
        vout = [txout.script_pubkey for txout in previous.outputs].index(script)
        outpoint = OutPoint(previous.txid, vout)
        coins.append(OfferedCoin(previous.serialize(), outpoint, None, index % 2, index))
    request = Wanted(
        vault=of,
        payments=(WithdrawalTerms(b"\x01" * 32, Sats(450_000), b"\x00\x14" + b"\x0a" * 20),),
        coins=tuple(coins),
        change_index=0,
        fee_rate=FeeRate(2_000),
        required_inputs=frozenset(),
        min_fee=Sats(0),
        locktime=0,
    )
    made = construct_withdrawal(request.request, VaultRegistry((of,)))
    found = extract(of, tuple(sign(made.psbt_bytes, of, place) for place in range(threshold)))
    assert isinstance(found, Extracted)
    verify_consensus(found.transaction, found.prevouts)
    raw = found.transaction.serialize().hex()
    verdict = bitcoind.rpc("testmempoolaccept", [raw])[0]
    assert verdict["allowed"], verdict
    assert verdict["vsize"] == found.transaction.vsize <= made.spend.vsize
