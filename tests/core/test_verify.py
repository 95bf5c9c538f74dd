"""Facts: one good request, and for each rule the request one field away that is refused."""

from dataclasses import replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import OutputDraft
from signer.bitcoin.script import p2wsh
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Refusal
from signer.core.opreturn import Anchor, Deposit, encode_payload, op_return_script
from signer.core.payment import PaymentClaim
from signer.core.spend import Kind
from tests import federation
from tests.core.spends import (
    USER_SCRIPT,
    Case,
    Coin,
    change_draft,
    good_case,
    payment_draft,
    withdrawal_id,
)


def refused(case: Case) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        case.verify()
    code: str = caught.value.code
    assert code in CATALOGUE
    return code


def test_good_request_is_understood() -> None:
    spend = good_case().verify()
    assert spend.kind is Kind.WITHDRAWAL
    assert spend.path.name == "primary"
    assert spend.fee == 10_000
    assert spend.outflow == 60_010_000
    assert [payment.amount for payment in spend.payments] == [60_000_000]
    assert spend.change is not None
    assert (spend.change.vout, spend.change.amount, spend.change.index) == (1, 39_990_000, 0)
    assert len(spend.tasks) == 1


def test_task_is_our_key_over_our_digest() -> None:
    case, coin = good_case(), Coin()
    task = case.verify(ours=(2,)).tasks[0]
    key = coin.derived.keys[2]
    digest = SegwitV0Sighash(parse_psbt(case.psbt_bytes).transaction).digest(
        0, coin.derived.witness_script, Sats(coin.amount)
    )
    assert (task.pubkey, task.digest, task.sighash_type) == (key.pubkey, digest, 1)
    assert task.pubkey == federation.MEMBERS[2].secret(0, 0).public_key.format()


def test_two_placeholders_of_ours_give_two_tasks_per_input() -> None:
    spend = good_case((Coin(), Coin(salt=1))).verify(ours=(0, 1))
    assert [(task.input_index, task.key_position) for task in spend.tasks] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]


def test_weight_is_the_worst_case() -> None:
    spend = good_case().verify()
    stripped = len(spend.transaction.stripped)
    # 5 items: count, empty, 72, 72, script, each with a length byte.
    witness = 1 + 1 + 73 + 73 + 1 + len(Coin().derived.witness_script)
    assert spend.weight == 4 * stripped + 2 + witness
    assert spend.vsize == (spend.weight + 3) // 4


def test_previous_transaction_missing() -> None:
    assert refused(good_case().but_input(non_witness_utxo=None)) == "previous-transaction-missing"


def test_previous_transaction_of_another_txid() -> None:
    other = Coin(salt=9).previous.serialize()
    assert refused(good_case().but_input(non_witness_utxo=other)) == "psbt-previous-transaction"


def test_previous_output_that_does_not_exist() -> None:
    beyond = OutPoint(Coin().previous.txid, 2)
    assert refused(good_case().but_input(outpoint=beyond)) == "psbt-previous-transaction"


def test_amount_lie_in_witness_utxo() -> None:
    """CVE-2020-14199: the signer believes a small input and signs a huge fee."""
    lie = TxOut(Sats(60_010_000), Coin().derived.script_pubkey)
    assert refused(good_case().but_input(witness_utxo=lie)) == "witness-utxo-mismatch"


def test_witness_utxo_may_be_absent() -> None:
    assert good_case().but_input(witness_utxo=None).verify().fee == 10_000


def test_script_lie_in_witness_utxo() -> None:
    lie = TxOut(Sats(100_000_000), p2wsh(b"\x51"))
    assert refused(good_case().but_input(witness_utxo=lie)) == "witness-utxo-mismatch"


def test_input_of_another_federation() -> None:
    foreign = Coin(vault=federation.vault(first=3, name="other"))
    case = good_case((Coin(), Coin(salt=1)))
    assert refused(case.but(inputs=(case.inputs[0], foreign.draft()))) == "input-foreign"


def test_input_without_derivations() -> None:
    assert refused(good_case().but_input(bip32_derivations=())) == "input-foreign"


def test_input_whose_derivations_name_another_index() -> None:
    elsewhere = Coin(index=1).draft().bip32_derivations
    assert refused(good_case().but_input(bip32_derivations=elsewhere)) == "input-foreign"


def test_derivation_of_a_key_that_is_not_there() -> None:
    coin = Coin()
    first, *rest = coin.draft().bip32_derivations
    stranger = federation.MEMBERS[9].secret(0, 0).public_key.format()
    forged = Bip32Derivation(stranger, first.fingerprint, first.path)
    case = good_case().but_input(bip32_derivations=(*rest, forged))
    assert refused(case) == "derivation-mismatch"


def test_derivation_with_a_swapped_path() -> None:
    first, *rest = Coin().draft().bip32_derivations
    swapped = Bip32Derivation(first.pubkey, first.fingerprint, (*first.path[:-1], 1))
    case = good_case().but_input(bip32_derivations=(*rest, swapped))
    assert refused(case) == "derivation-mismatch"


@pytest.mark.parametrize("tail", [(2, 0), (0, 2**31), (0,), ()])
def test_derivation_outside_the_branches_names_nothing(tail: tuple[int, ...]) -> None:
    first = Coin().draft().bip32_derivations[0]
    odd = Bip32Derivation(first.pubkey, first.fingerprint, first.path[:-2] + tail)
    assert refused(good_case().but_input(bip32_derivations=(odd,))) == "input-foreign"


def test_some_derivations_suffice() -> None:
    some = Coin().draft().bip32_derivations[1:2]
    assert good_case().but_input(bip32_derivations=some).verify().fee == 10_000


def test_witness_script_of_another_address() -> None:
    other = Coin(index=1).derived.witness_script
    assert refused(good_case().but_input(witness_script=other)) == "input-script-mismatch"


def test_witness_script_may_be_absent() -> None:
    assert good_case().but_input(witness_script=None).verify().fee == 10_000


def test_redeem_script_on_a_native_input() -> None:
    redeem = Coin().derived.script_pubkey
    assert refused(good_case().but_input(redeem_script=redeem)) == "input-script-mismatch"


@pytest.mark.parametrize("sighash_type", [0, 2, 3, 0x81, 0x82, 0x83, 0x41, 0x101, 0xFFFFFFFF])
def test_sighash_type_other_than_all(sighash_type: int) -> None:
    assert refused(good_case().but_input(sighash_type=sighash_type)) == "sighash-type-refused"


def test_sighash_type_all_is_what_we_sign() -> None:
    assert good_case().but_input(sighash_type=1).verify().tasks[0].sighash_type == 1


@pytest.mark.parametrize(
    "pair",
    [(b"\x07", b""), (b"\x08", b"\x01\x00")],
    ids=["final scriptSig", "final witness"],
)
def test_finalised_input(pair: tuple[bytes, bytes]) -> None:
    assert refused(good_case().but(extra_input=(pair,))) == "input-already-final"


UNKNOWN = (b"\xf0\x01", b"x")
PROPRIETARY = (b"\xfc\x03abc\x00", b"x")
PREIMAGE = (b"\x0b" + bytes(32), b"")


@pytest.mark.parametrize("where", ["extra_global", "extra_input", "extra_output"])
@pytest.mark.parametrize("pair", [UNKNOWN, PROPRIETARY])
def test_field_that_we_do_not_understand(where: str, pair: tuple[bytes, bytes]) -> None:
    assert refused(good_case().but(**{where: (pair,)})) == "psbt-field-not-understood"


def test_known_field_without_use_here() -> None:
    por = (b"\x09", b"commitment")
    assert refused(good_case().but(extra_input=(por,))) == "psbt-field-not-understood"


def signed_by(case: Case, signer: federation.Member, byte: bytes = b"\x01") -> tuple[bytes, bytes]:
    digest = case.verify().tasks[0].digest
    pubkey = signer.secret(0, 0).public_key.format()
    return b"\x02" + pubkey, signer.sign(0, 0, digest)[:-1] + byte


def test_signature_of_another_member_is_verified_and_accepted() -> None:
    case = good_case()
    pair = signed_by(case, federation.MEMBERS[1])
    assert case.but(extra_input=(pair,)).verify().fee == 10_000


def test_signature_for_another_transaction() -> None:
    pair = signed_by(good_case(fee=9_999), federation.MEMBERS[1])
    assert refused(good_case().but(extra_input=(pair,))) == "signature-invalid"


def test_signature_of_a_stranger() -> None:
    pair = signed_by(good_case(), federation.MEMBERS[9])
    assert refused(good_case().but(extra_input=(pair,))) == "signature-foreign-key"


def test_signature_of_another_sighash_type() -> None:
    pair = signed_by(good_case(), federation.MEMBERS[1], b"\x83")
    assert refused(good_case().but(extra_input=(pair,))) == "sighash-type-refused"


def xpub_pair(member: federation.Member) -> tuple[bytes, bytes]:
    key = member.account.to_public()
    path = b"".join(step.to_bytes(4, "little") for step in federation.ACCOUNT_PATH)
    return b"\x01" + key.serialize(bytes.fromhex("043587cf")), member.fingerprint + path


def test_global_xpubs_of_the_whole_federation() -> None:
    pairs = tuple(xpub_pair(member) for member in federation.MEMBERS[:3])
    assert good_case().but(extra_global=pairs).verify().fee == 10_000


@pytest.mark.parametrize("places", [(0, 1), (0, 1, 3), (0, 1, 2, 3)])
def test_global_xpubs_of_someone_else(places: tuple[int, ...]) -> None:
    pairs = tuple(xpub_pair(federation.MEMBERS[place]) for place in places)
    assert refused(good_case().but(extra_global=pairs)) == "xpub-foreign"


@pytest.mark.parametrize("version", [0, 1, 3, 0xFFFFFFFF])
def test_transaction_version(version: int) -> None:
    assert refused(good_case().but(version=version)) == "transaction-version-refused"


def test_one_coin_spent_twice() -> None:
    draft = Coin().draft()
    assert refused(good_case().but(inputs=(draft, draft))) == "input-repeated"


@pytest.mark.parametrize(
    "point", [OutPoint(Txid(bytes(32)), 0xFFFFFFFF), OutPoint(Txid(bytes(32)), 0)]
)
def test_null_outpoint(point: OutPoint) -> None:
    case = good_case().but_input(outpoint=point, non_witness_utxo=None)
    assert refused(case) == "input-null"


@pytest.mark.parametrize("sequence", [0, 144, 1 << 22 | 5, 1 << 31, 0xFFFFFFFC])
def test_sequence_with_a_relative_lock_or_unusual(sequence: int) -> None:
    assert refused(good_case().but_input(sequence=sequence)) == "sequence-refused"


@pytest.mark.parametrize("sequence", [0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF])
def test_sequence_is_signed_as_given(sequence: int) -> None:
    spend = good_case().but_input(sequence=sequence).verify()
    assert spend.transaction.inputs[0].sequence == sequence


@pytest.mark.parametrize("locktime", [500_000_000, 0xFFFFFFFF])
def test_locktime_that_is_a_time(locktime: int) -> None:
    assert refused(good_case().but(locktime=locktime)) == "locktime-refused"


def test_locktime_that_no_sequence_lets_take_effect() -> None:
    final = good_case().but_input(sequence=0xFFFFFFFF)
    assert refused(final.but(locktime=5)) == "locktime-refused"
    assert final.verify().transaction.locktime == 0


def test_locktime_height_is_signed_as_given() -> None:
    assert good_case().but(locktime=499_999_999).verify().transaction.locktime == 499_999_999


def test_outputs_exceed_inputs() -> None:
    assert refused(good_case(fee=-1)) == "amounts-impossible"


def test_fee_below_what_nodes_relay() -> None:
    spend = good_case().verify()
    least = (100 * spend.vsize + 999) // 1_000
    assert refused(good_case(fee=least - 1)) == "fee-below-relay"
    assert good_case(fee=least).verify().fee == least


def test_inputs_exceed_all_bitcoins() -> None:
    much = 21_000_000 * 100_000_000 - 5_000
    case = good_case((Coin(amount=much), Coin(amount=much, salt=1)), fee=much)
    assert refused(case) == "amounts-impossible"


def test_too_heavy() -> None:
    vault = federation.vault(11, 15)
    coins = tuple(Coin(vault=vault, salt=salt) for salt in range(300))
    assert refused(good_case(coins)) == "transaction-too-heavy"
    assert good_case(coins[:250]).verify().fee == 10_000


def test_output_without_a_purpose() -> None:
    case = good_case()
    thief = payment_draft(1_000, b"\x00\x14" + b"\x66" * 20)
    assert refused(case.but(outputs=(*case.outputs, thief))) == "output-unexplained"


def test_change_without_derivations_is_unexplained() -> None:
    case = good_case()
    bare = payment_draft(case.outputs[1].txout.amount, case.outputs[1].txout.script_pubkey)
    assert refused(case.but(outputs=(case.outputs[0], bare))) == "output-unexplained"


def test_change_to_the_receive_branch() -> None:
    case = good_case()
    wrong = change_draft(case.vault, 39_990_000, branch=0)
    assert refused(case.but(outputs=(case.outputs[0], wrong))) == "change-wrong-branch"


def test_change_of_another_federation() -> None:
    case, other = good_case(), federation.vault(first=3, name="other")
    wrong = change_draft(other, 39_990_000)
    assert refused(case.but(outputs=(case.outputs[0], wrong))) == "output-unexplained"


def test_change_with_the_derivations_of_another_address() -> None:
    case = good_case()
    derived = case.vault.script(1, 0)
    lie = change_draft(case.vault, 39_990_000, index=1)
    wrong = type(lie)(TxOut(Sats(39_990_000), derived.script_pubkey), None, lie.bip32_derivations)
    assert refused(case.but(outputs=(case.outputs[0], wrong))) == "output-unexplained"


def test_change_with_another_witness_script() -> None:
    case = good_case()
    good = case.outputs[1]
    wrong = type(good)(good.txout, case.vault.script(1, 1).witness_script, good.bip32_derivations)
    assert refused(case.but(outputs=(case.outputs[0], wrong))) == "output-script-mismatch"


def test_two_change_outputs() -> None:
    case = good_case()
    halves = (change_draft(case.vault, 20_000_000), change_draft(case.vault, 19_990_000, 1))
    assert refused(case.but(outputs=(case.outputs[0], *halves))) == "change-repeated"


def test_change_alone_is_a_sweep() -> None:
    case = good_case(payments=())
    assert case.verify().kind is Kind.SWEEP


@pytest.mark.parametrize(
    "script",
    [
        b"\x6a\x04abcd",
        b"\x51\x02\x4e\x73",
        b"\x52\x20" + b"\x01" * 32,
        b"\x51",
        b"",
        b"\x51\x20" + b"\xff" * 32,
        b"\x21" + b"\x02" * 33 + b"\xac",
    ],
    ids=["op_return", "p2a", "witness v2", "op_true", "empty", "p2tr off the curve", "p2pk"],
)
def test_payment_to_a_script_that_nobody_is_paid_at(script: bytes) -> None:
    case = good_case()
    payment = payment_draft(60_000_000, script)
    assert refused(case.but(outputs=(payment, case.outputs[1]))) == "payment-script-refused"


@pytest.mark.parametrize(
    "script",
    [
        b"\x76\xa9\x14" + b"\x22" * 20 + b"\x88\xac",
        b"\xa9\x14" + b"\x22" * 20 + b"\x87",
        b"\x00\x14" + b"\x22" * 20,
        b"\x00\x20" + b"\x22" * 32,
        b"\x51\x20" + federation.WATCHERS[0].key,
    ],
    ids=["p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr"],
)
def test_payment_to_every_standard_address(script: bytes) -> None:
    case = good_case()
    outputs = (payment_draft(60_000_000, script), case.outputs[1])
    assert case.but(outputs=outputs).verify().payments[0].script_pubkey == script


def test_op_return_beside_a_payment() -> None:
    case = good_case()
    data = payment_draft(0, b"\x6a\x04abcd")
    assert refused(case.but(outputs=(*case.outputs, data))) == "output-unexplained"


def anchor_draft(amount: int = 0, **changes: object) -> OutputDraft:
    fields: dict[str, object] = {
        "magic": b"PGWD",
        "batch_id": 7,
        "state_root": b"\x11" * 32,
        "eth_tx_hash": b"\x22" * 32,
    }
    anchor = Anchor(**{**fields, **changes})  # type: ignore[arg-type]
    return payment_draft(amount, op_return_script(encode_payload(anchor)))


def test_anchor_with_change() -> None:
    case = good_case(payments=())
    spend = case.but(outputs=(anchor_draft(), *case.outputs)).verify()
    assert spend.kind is Kind.ANCHOR
    assert spend.anchor == Anchor(b"PGWD", 7, b"\x11" * 32, b"\x22" * 32)
    assert spend.outflow == spend.fee


def test_anchor_with_a_payment_beside_it() -> None:
    """Judged as an anchor, the payment would need no attestation."""
    case = good_case()
    assert refused(case.but(outputs=(*case.outputs, anchor_draft()))) == "mixed-purposes"


def test_two_anchors() -> None:
    case = good_case(payments=())
    both = (anchor_draft(), anchor_draft(batch_id=8))
    assert refused(case.but(outputs=(*both, *case.outputs))) == "mixed-purposes"


def test_anchor_that_carries_money() -> None:
    case = good_case(payments=(), fee=20_000)
    assert refused(case.but(outputs=(anchor_draft(1), *case.outputs))) == "output-unexplained"


def test_deposit_payload_in_the_vaults_own_transaction() -> None:
    """Minting from nothing: a deposit never comes from a vault coin."""
    case = good_case(payments=())
    payload = encode_payload(Deposit(b"PGWD", 1, b"\x33" * 20))
    forged = payment_draft(0, op_return_script(payload))
    assert refused(case.but(outputs=(forged, *case.outputs))) == "output-unexplained"


def rotation_case(index: int = 3, branch: int = 0) -> Case:
    other = federation.vault(first=3, name="other")
    case = good_case(payments=())
    return case.but(outputs=(change_draft(other, 99_000_000, index, branch),), others=(other,))


def test_rotation_to_the_next_vault() -> None:
    spend = rotation_case().verify()
    assert spend.kind is Kind.ROTATION
    assert spend.to is not None
    assert (spend.to.vault_id, spend.rotations[0].index) == ("other", 3)
    assert spend.outflow == 100_000_000


@pytest.mark.parametrize(("index", "branch"), [(20, 0), (0, 1)])
def test_rotation_beyond_the_lookahead_or_to_the_change_branch(index: int, branch: int) -> None:
    assert refused(rotation_case(index, branch)) == "output-unexplained"


def test_rotation_with_a_payment_or_change() -> None:
    case = rotation_case()
    own = change_draft(case.vault, 500_000)
    assert refused(case.but(outputs=(*case.outputs, own))) == "mixed-purposes"
    paid = case.but(
        outputs=(*case.outputs, payment_draft(500_000)),
        payments=(PaymentClaim(withdrawal_id(1), 1),),
    )
    assert refused(paid) == "mixed-purposes"


def test_rotation_to_two_vaults() -> None:
    third = federation.vault(first=6, name="third")
    case = rotation_case()
    outputs = (
        change_draft(case.others[0], 49_000_000, 3, 0),
        change_draft(third, 49_000_000, 3, 0),
    )
    assert refused(case.but(outputs=outputs, others=(*case.others, third))) == "mixed-purposes"


def test_no_output_but_dust_of_nothing_is_no_kind() -> None:
    case = good_case()
    assert (
        refused(
            case.but(
                outputs=(anchor_draft(), payment_draft(60_000_000)),
                payments=(PaymentClaim(withdrawal_id(1), 1),),
            )
        )
        == "mixed-purposes"
    )


@pytest.mark.parametrize("branch", [0, 1])
def test_payment_to_the_vault_itself(branch: int) -> None:
    """A withdrawal "paid" to the vault would be settled for the user without reaching anyone."""
    case = good_case()
    payment = payment_draft(60_000_000, case.vault.script(branch, 7).script_pubkey)
    assert refused(case.but(outputs=(payment, case.outputs[1]))) == "payment-to-vault"


def test_payment_to_another_registered_vault() -> None:
    case, other = good_case(), federation.vault(first=3, name="other")
    payment = payment_draft(60_000_000, other.script(0, 3).script_pubkey)
    attack = case.but(outputs=(payment, case.outputs[1]))
    assert refused(attack.but(others=(other,))) == "payment-to-vault"
    assert attack.verify().payments[0].amount == 60_000_000


def test_payment_that_the_psbt_itself_shows_to_be_the_vaults() -> None:
    case = good_case()
    beyond = change_draft(case.vault, 60_000_000, index=5_000, branch=0)
    assert refused(case.but(outputs=(beyond, case.outputs[1]))) == "payment-to-vault"
    named = payment_draft(60_000_000)
    lie = replace(named, bip32_derivations=beyond.bip32_derivations)
    assert refused(case.but(outputs=(lie, case.outputs[1]))) == "payment-to-vault"
    stranger = change_draft(federation.vault(first=3, name="other"), 60_000_000)
    theirs = replace(named, bip32_derivations=stranger.bip32_derivations)
    assert case.but(outputs=(theirs, case.outputs[1])).verify().payments[0].amount == 60_000_000


def test_dust() -> None:
    assert refused(good_case(payments=((1, 293),))) == "output-dust"
    assert good_case(payments=((1, 294),)).verify().payments[0].amount == 294


def test_dust_change() -> None:
    case = good_case(payments=((1, 60_000_000),), fee=40_000_000 - 329)
    assert refused(case) == "output-dust"
    assert good_case(fee=40_000_000 - 330).verify().change is not None


def test_one_withdrawal_twice() -> None:
    case = good_case(payments=((1, 30_000_000), (2, 30_000_000)))
    twice = (PaymentClaim(withdrawal_id(1), 0), PaymentClaim(withdrawal_id(1), 1))
    assert refused(case.but(payments=twice)) == "payment-claim-repeated"
    assert len(case.verify().payments) == 2


def test_one_output_for_two_withdrawals() -> None:
    case = good_case()
    twice = (PaymentClaim(withdrawal_id(1), 0), PaymentClaim(withdrawal_id(2), 0))
    assert refused(case.but(payments=twice)) == "payment-claim-repeated"


def test_payment_without_an_output() -> None:
    case = good_case()
    claims = (*case.payments, PaymentClaim(withdrawal_id(2), 2))
    assert refused(case.but(payments=claims)) == "payment-claim-without-output"


def test_change_claimed_as_payment() -> None:
    case = good_case()
    claims = (*case.payments, PaymentClaim(withdrawal_id(2), 1))
    assert refused(case.but(payments=claims)) == "payment-to-vault"


def test_no_change() -> None:
    spend = good_case(fee=40_000_000).verify()
    assert spend.change is None
    assert spend.fee == 40_000_000


def test_user_script_is_what_the_payment_pays() -> None:
    assert good_case().verify().payments[0].script_pubkey == USER_SCRIPT


def test_previous_transaction_with_witness_is_proven_by_its_stripped_form() -> None:
    previous = Coin().previous
    witnessed = Transaction(
        previous.version, previous.inputs, previous.outputs, previous.locktime, ((b"x",),)
    )
    assert good_case().but_input(non_witness_utxo=witnessed.serialize()).verify().fee == 10_000


def test_transaction_without_inputs_is_a_refusal_and_no_fault() -> None:
    assert refused(good_case().but(inputs=())) == "transaction-empty"
