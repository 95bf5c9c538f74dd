"""What we call standard, a node relays; what we refuse, it refuses, or we say that we are stricter."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from clients.bitcoind import Bitcoind
from clients.jsonrpc import to_btc
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, parse_transaction
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from signer.core.standard import verify_standard
from tests.core.malleations import SCRIPTS, malleated
from tests.core.standard_cases import AMOUNT, CASES, STRICTER_THAN_CORE, Candidate, Case, wsh

Judge = Callable[[Candidate], str]
MOST_COINS = 5
REASONS = {
    "the item of IF is not 01": "OP_IF/NOTIF argument must be minimal",
    "the item of IF is a zero of one byte": "OP_IF/NOTIF argument must be minimal",
    "the item of NOTIF is not 01": "OP_IF/NOTIF argument must be minimal",
    "a wrong signature for an empty one": "Signature must be zero for failed",
    "a wrong signature for an empty one of CHECKMULTISIG": "Signature must be zero for failed",
    "high S": "S value is unnecessarily high",
    "a sighash type that nobody defined": "Signature hash type missing or not understood",
    "an uncompressed key": "Using non-compressed keys in segwit",
    "a push that is not minimal": "Data push larger than necessary",
    "a number that is not minimal": "unknown error",  # Core has no words for it
    "an opcode kept for later": "NOPx reserved",
    "an item of 81 bytes": "bad-witness-nonstandard",
    "101 items": "bad-witness-nonstandard",
    "a script of 3,601 bytes": "bad-witness-nonstandard",
    "signature operations": "bad-txns-too-many-sigops",
    "an annex": "bad-witness-nonstandard",
    "a leaf version kept for later": "Taproot version reserved",
    "an item of 81 bytes in a leaf": "bad-witness-nonstandard",
    "version 4": "version",
    "dust": "dust",
    "an output that is no standard script": "scriptpubkey",
    "an OP_RETURN with an operation": "scriptpubkey",
    "an OP_RETURN with a push that has no end": "scriptpubkey",
    "64 bytes without witness": "tx-size-small",
    "no fee": "min relay fee not met",
    "more than 400,000 weight units": "tx-size",
    "the condition of IF is missing": "Invalid OP_IF construction",
    "an empty witness": "Witness program was passed an empty witness",
}
"""What Core 30 says."""


@pytest.fixture(scope="module")
def verdict(bitcoind: Bitcoind) -> Judge:
    """What the node says of a candidate: empty, or why it does not relay it. All coins are made at once."""
    cases = (*CASES, *STRICTER_THAN_CORE)
    scripts = {each.script_pubkey for case in cases for each in (case.good, case.bad)}
    scripts |= {wsh(script).script_pubkey for script, _ in SCRIPTS.values()}
    miner = bitcoind.make_wallet("miner")
    bitcoind.mine(101)
    coins: dict[bytes, list[OutPoint]] = {script: [] for script in scripts}
    for _ in range(MOST_COINS):
        payments = {address_of(script, REGTEST): to_btc(AMOUNT) for script in scripts}
        raw = miner("gettransaction", miner("sendmany", "", payments))["hex"]
        bitcoind.mine(1)
        funding = parse_transaction(bytes.fromhex(raw))
        for vout, txout in enumerate(funding.outputs):
            coins.get(txout.script_pubkey, []).append(OutPoint(funding.txid, vout))

    def judge(candidate: Candidate) -> str:
        final = candidate.spend(tuple(coins[candidate.script_pubkey][: candidate.coins]))
        (said,) = bitcoind.rpc("testmempoolaccept", [final.serialize().hex()], 0)
        assert said["txid"] == final.txid[::-1].hex()
        return "" if said["allowed"] else str(said["reject-reason"])

    return judge


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_node_agrees(verdict: Judge, case: Case) -> None:
    assert verdict(case.good) == ""
    assert REASONS[case.name] in verdict(case.bad)


@pytest.mark.parametrize("case", STRICTER_THAN_CORE, ids=lambda case: case.name)
def test_a_node_would_relay_more(verdict: Judge, case: Case) -> None:
    """If one of these fails, the node became stricter: then the pair belongs to the others."""
    assert verdict(case.good) == ""
    assert verdict(case.bad) == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_malleated_witnesses_leave_only_where_a_node_relays_them(verdict: Judge, name: str) -> None:
    """40 of each script: standardness and consensus together say what the node says, no more and no less."""
    script, unlock = SCRIPTS[name]
    assert verdict(wsh(script, unlock)) == ""
    random = Random(name)
    verdicts: Counter[bool] = Counter()
    for _ in range(40):
        candidate = malleated(script, unlock, random)
        assert (verdict(candidate) == "") == leaves(candidate), candidate.imagined().witnesses
        verdicts[leaves(candidate)] += 1
    assert verdicts[False] >= 20


def leaves(candidate: Candidate) -> bool:
    """Whether ExtractTx's last two gates let it out."""
    try:
        verify_standard(candidate.imagined(), candidate.prevouts())
        verify_consensus(candidate.imagined(), candidate.prevouts())
    except Refusal as refusal:
        return refusal.code not in ("transaction-not-standard", "consensus-refused")
    return True
