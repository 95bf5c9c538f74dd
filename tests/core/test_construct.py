"""Withdrawal construction: what is built, what is refused, and that it is always the same."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint, Txid, parse_transaction
from signer.bitcoin.units import FeeRate, Sats, fee_for, vbytes_of
from signer.core.construct import construct_withdrawal
from signer.core.drafts import OfferedCoin
from signer.core.errors import Refusal
from signer.core.payment import WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.spend import Kind
from signer.core.vault import Vault
from tests.core.coins import Wanted, coin, funding
from tests.federation import vault

VAULT = vault()


def registry(of: Vault) -> VaultRegistry:
    made = VaultRegistry((of,))
    made.cover(of, 0, 0)
    made.cover(of, 1, 0)
    return made


REGISTRY = registry(VAULT)
TO_ALICE = WithdrawalTerms(b"\xa1" * 32, Sats(40_000), b"\x00\x14" + b"\x0a" * 20)
TO_BOB = WithdrawalTerms(b"\xb0" * 32, Sats(25_000), b"\x76\xa9\x14" + b"\x0b" * 20 + b"\x88\xac")
COINS = (coin(VAULT, 60_000, 1, 0, 3), coin(VAULT, 90_000, 2, 1, 5), coin(VAULT, 30_000, 3, 0, 0))
GOOD = Wanted(
    vault=VAULT,
    payments=(TO_ALICE, TO_BOB),
    coins=COINS,
    change_index=9,
    fee_rate=FeeRate(7_000),
    required_inputs=frozenset(),
    min_fee=Sats(0),
    locktime=0,
)


def built(request: Wanted):
    return construct_withdrawal(request.request, REGISTRY)


def code_of(request: Wanted) -> str:
    with pytest.raises((Refusal, Malformed)) as refusal:
        built(request)
    return refusal.value.code


def test_a_withdrawal():
    made = built(GOOD)
    spend, transaction = made.spend, made.spend.transaction
    assert spend.kind is Kind.WITHDRAWAL
    assert transaction.version == 2
    assert {txin.sequence for txin in transaction.inputs} == {0xFFFFFFFD}
    assert [coin.prevout.amount for coin in spend.coins] == [90_000]
    assert [(each.withdrawal_id, each.vout) for each in spend.payments] == [
        (TO_ALICE.withdrawal_id, 0),
        (TO_BOB.withdrawal_id, 1),
    ]
    assert spend.change is not None
    assert (spend.change.vout, spend.change.index) == (2, 9)
    assert transaction.outputs[2].script_pubkey == VAULT.script(1, 9).script_pubkey
    assert spend.fee == fee_for(FeeRate(7_000), spend.vsize)
    assert spend.fee == 90_000 - 65_000 - spend.change.amount


def test_what_signers_need_is_in_the_psbt():
    psbt = parse_psbt(built(GOOD).psbt_bytes)
    script = VAULT.script(1, 5)
    claims = psbt.inputs[0]
    assert claims.witness_script == script.witness_script
    assert claims.non_witness_utxo is not None
    assert parse_transaction(claims.non_witness_utxo).txid == COINS[1].outpoint.txid
    assert claims.witness_utxo == claims.proven_utxo is not None
    expected = {(key.pubkey, key.fingerprint, key.path) for key in script.keys}
    assert {(d.pubkey, d.fingerprint, d.path) for d in claims.bip32_derivations} == expected
    change = VAULT.script(1, 9)
    assert psbt.outputs[2].witness_script == change.witness_script
    expected = {(key.pubkey, key.fingerprint, key.path) for key in change.keys}
    assert {
        (d.pubkey, d.fingerprint, d.path) for d in psbt.outputs[2].bip32_derivations
    } == expected
    assert psbt.outputs[0].pairs == ()


def test_the_previous_transactions_witness_does_not_matter():
    """Kernels that were sent the same coin with and without witness build the same bytes."""
    previous = funding(VAULT.script(0, 3).script_pubkey, 60_000, 1)
    signed = replace(previous, witnesses=((b"\x01",),))
    assert signed.txid == previous.txid
    other = replace(COINS[0], previous_tx=signed.serialize())
    assert built(replace(GOOD, coins=(other, *COINS[1:]))) == built(GOOD)


def test_all_coins_when_all_are_required():
    required = frozenset(coin.outpoint for coin in COINS)
    spend = built(replace(GOOD, required_inputs=required)).spend
    outpoints = [coin.outpoint for coin in spend.coins]
    assert outpoints == sorted(required)


def test_a_replacement_pays_its_minimum_fee():
    spend = built(replace(GOOD, min_fee=Sats(9_999))).spend
    assert spend.fee == 9_999


def test_dust_change_is_left_to_the_fee():
    exact = replace(
        GOOD, payments=(replace(TO_ALICE, amount=Sats(90_000 - 1_300)),), coins=COINS[1:2]
    )
    spend = built(exact).spend
    assert spend.change is None
    assert spend.fee == 1_300


def test_a_locktime_is_kept():
    assert built(replace(GOOD, locktime=900_000)).spend.transaction.locktime == 900_000


@pytest.mark.parametrize("index", [0, 1])
def test_an_amount_may_be_left_out(index):
    coins = [*COINS]
    coins[index] = replace(coins[index], amount=None)
    assert built(replace(GOOD, coins=tuple(coins))) == built(GOOD)


LIE = replace(COINS[1], amount=Sats(90_001))
ELSEWHERE = coin(VAULT, 90_000, 2, 1, 6)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payments": ()}, "payments-missing"),
        ({"fee_rate": FeeRate(99)}, "fee-rate-refused"),
        ({"fee_rate": FeeRate(10_000_001)}, "fee-rate-refused"),
        ({"coins": (*COINS, COINS[0])}, "coins-duplicate"),
        (
            {"required_inputs": frozenset({OutPoint(Txid(bytes(32)), 0)})},
            "coins-required-missing",
        ),
        ({"coins": ()}, "coins-insufficient"),
        ({"coins": COINS[:1]}, "coins-insufficient"),
        ({"min_fee": Sats(120_000)}, "coins-insufficient"),
        ({"coins": (replace(COINS[1], previous_tx=None),)}, "previous-transaction-missing"),
        ({"coins": (replace(COINS[1], previous_tx=b"\x02"),)}, "transaction-malformed"),
        (
            {"coins": (replace(COINS[1], previous_tx=COINS[0].previous_tx),)},
            "previous-transaction-mismatch",
        ),
        (
            {"coins": (replace(COINS[1], outpoint=OutPoint(COINS[1].outpoint.txid, 2)),)},
            "previous-transaction-mismatch",
        ),
        ({"coins": (LIE,)}, "coin-amount-mismatch"),
        ({"coins": (replace(COINS[1], index=6),)}, "input-foreign"),
        ({"coins": (replace(COINS[1], branch=0),)}, "input-foreign"),
        ({"coins": (replace(COINS[1], branch=2),)}, "derivation-impossible"),
        ({"change_index": 2**31}, "derivation-impossible"),
        ({"locktime": 500_000_000}, "locktime-refused"),
        ({"payments": (replace(TO_ALICE, amount=Sats(293)),)}, "output-dust"),
        (
            {"payments": (replace(TO_ALICE, script_pubkey=b"\x6a\x01\x01"),)},
            "payment-script-refused",
        ),
        (
            {"payments": (replace(TO_ALICE, script_pubkey=VAULT.script(0, 1).script_pubkey),)},
            "payment-to-vault",
        ),
        (
            {"payments": (TO_ALICE, replace(TO_BOB, withdrawal_id=b"\xa1" * 32))},
            "payment-claim-repeated",
        ),
    ],
)
def test_one_field_away(change, code):
    assert code_of(replace(GOOD, **change)) == code


def test_a_coin_of_another_index_is_not_found_by_its_own():
    assert code_of(replace(GOOD, coins=(replace(ELSEWHERE, index=5),))) == "input-foreign"
    assert built(replace(GOOD, coins=(ELSEWHERE,))).spend.coins[0].derived.index == 6


def test_caps():
    many = tuple(
        OfferedCoin(b"", OutPoint(Txid(bytes(32)), number), None, 0, 0) for number in range(2_001)
    )
    assert code_of(replace(GOOD, coins=many)) == "coins-too-many"
    required = frozenset(coin.outpoint for coin in many[:501])
    assert code_of(replace(GOOD, coins=many[:501], required_inputs=required)) == "coins-too-many"
    # One fewer passes on to the next rule.
    assert code_of(replace(GOOD, coins=many[:2_000])) == "transaction-malformed"


def test_too_many_outputs():
    """The limit is the reader's: what no kernel would read is not built."""
    rich = (coin(VAULT, 10_000_000, 4),)
    terms = tuple(
        WithdrawalTerms(number.to_bytes(32, "big"), Sats(1_000), TO_ALICE.script_pubkey)
        for number in range(500)
    )
    assert code_of(replace(GOOD, coins=rich, payments=terms)) == "psbt-too-many"
    assert len(built(replace(GOOD, coins=rich, payments=terms[:499])).spend.payments) == 499


@given(st.integers(0, 2**32), st.integers(100, 100_000), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_the_same_request_gives_the_same_bytes(seed, rate, needed):
    """Invariant: deterministic and stateless, whatever the order of the offer; the fee is exact."""
    shuffle = random.Random(seed)
    offered = [
        coin(VAULT, shuffle.randrange(20_000, 200_000), salt, salt % 2, salt) for salt in range(8)
    ]
    required = frozenset(each.outpoint for each in offered[:needed])
    request = replace(GOOD, coins=tuple(offered), required_inputs=required, fee_rate=FeeRate(rate))
    try:
        made = built(request)
    except Refusal as refusal:
        made = None
        assert refusal.code == "coins-insufficient"  # noqa: PT017
    shuffle.shuffle(offered)
    again = replace(request, coins=tuple(offered))
    if made is None:
        assert code_of(again) == "coins-insufficient"
        return
    assert built(again).psbt_bytes == made.psbt_bytes
    spend = made.spend
    assert spend.fee >= fee_for(FeeRate(rate), vbytes_of(spend.weight))
    if spend.change is not None:
        assert spend.fee == fee_for(FeeRate(rate), vbytes_of(spend.weight))
    assert required <= {each.outpoint for each in spend.coins}


def test_a_foreign_coin_that_is_not_needed_does_not_harm():
    foreign = replace(COINS[2], index=7)
    assert built(replace(GOOD, coins=(*COINS[:2], foreign))) == built(
        replace(GOOD, coins=COINS[:2])
    )
