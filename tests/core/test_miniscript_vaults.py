"""Vaults of any sane script: which path a transaction takes, what is signed, and what is extracted."""

from dataclasses import replace
from functools import cache

import pytest

from signer.bitcoin.descriptor import parse_key_information
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.model import PartialSignature, TapScriptSignature, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import with_our_signatures
from signer.bitcoin.taproot import unspendable_xpub
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import FeeRate, Sats
from signer.consensus import verify_consensus
from signer.core.construct import (
    Funding,
    SweepRequest,
    WithdrawalRequest,
    construct_sweep,
    construct_withdrawal,
)
from signer.core.digests import InputDigests
from signer.core.drafts import OfferedCoin
from signer.core.errors import Refusal
from signer.core.extract import Extracted, Incomplete, extract
from signer.core.inputs import verify_inputs
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.spend import Kind, VerifiedSpend
from signer.core.vault import Vault, VaultDefinition, register
from signer.core.verify import SpendClaims, verify
from tests import federation
from tests.core.spends import USER_SCRIPT, previous_transaction, withdrawal_id

TWO_OF_THREE = "multi(2,@0/**,@1/**,@2/**)"
ANY_ONE = "multi(1,@0/<2;3>/*,@1/<2;3>/*,@2/<2;3>/*)"
BY_AGE = f"wsh(or_d({TWO_OF_THREE},and_v(v:{ANY_ONE},older(144))))"
BY_HEIGHT = f"wsh(or_d({TWO_OF_THREE},and_v(v:{ANY_ONE},after(900000))))"
BY_TIME = f"wsh(or_d({TWO_OF_THREE},and_v(v:{ANY_ONE},after(1800000000))))"
PAIRS = (
    "tr(@0/**,{and_v(v:pk(@1/**),pk(@2/**)),"
    "{and_v(v:pk(@2/<2;3>/*),pk(@3/**)),and_v(v:pk(@1/<2;3>/*),pk(@3/<2;3>/*))}})"
)
H = unspendable_xpub().text(REGTEST)


@cache
def vault(template: str) -> Vault:
    keys = tuple(member.key_text for member in federation.MEMBERS[:3])
    if template.startswith("tr("):
        keys = (H, *keys)
    return register(VaultDefinition("peg", template, keys, 20), REGTEST)


def registry(of: Vault) -> VaultRegistry:
    made = VaultRegistry((of,))
    made.cover(of, 0, 0)
    made.cover(of, 1, 0)
    return made


def offered(of: Vault, salt: int = 0, amount: int = 100_000_000) -> OfferedCoin:
    previous = previous_transaction(of.script(0, salt).script_pubkey, amount, salt)
    return OfferedCoin(previous.serialize(), OutPoint(previous.txid, 1), Sats(amount), 0, salt)


def withdrawal(of: Vault, locktime: int = 0, coins: int = 1) -> bytes:
    terms = WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT)
    funding = Funding(
        of, tuple(offered(of, salt) for salt in range(coins)), 0, FeeRate(2_000), locktime=locktime
    )
    return construct_withdrawal(WithdrawalRequest(funding, (terms,)), registry(of)).psbt_bytes


def sweep(of: Vault, path_index: int) -> bytes:
    request = SweepRequest(of, of, 0, path_index, (offered(of),), FeeRate(2_000))
    return construct_sweep(request, registry(of)).psbt_bytes


def verified(of: Vault, psbt_bytes: bytes, ours: tuple[int, ...] = (0,)) -> VerifiedSpend:
    claims = SpendClaims(parse_psbt(psbt_bytes), psbt_bytes, ())
    return verify(claims, of, registry(of), ours)


def code_of(of: Vault, psbt_bytes: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        verified(of, psbt_bytes)
    return caught.value.code


def signed(of: Vault, psbt_bytes: bytes, member: int, kind: Kind = Kind.SWEEP) -> UnverifiedPsbt:
    """As that member's kernel answers."""
    xpub = of.xpubs()[member]
    ours = of.positions_of(xpub)
    psbt = parse_psbt(psbt_bytes)
    spend = verified(of, psbt_bytes, ours) if kind is Kind.SWEEP else _paying(of, psbt_bytes, ours)
    signatures: list[tuple[int, PartialSignature | TapScriptSignature]] = []
    for task in spend.tasks:
        key = spend.coins[task.input_index].derived.keys[task.key_position]
        secret = federation.MEMBERS[member].secret(*key.path[-2:])
        if of.is_taproot:
            bip340 = secret.sign_schnorr(task.digest)
            each = TapScriptSignature(key.xonly, task.leaf_hash, bip340)
            signatures.append((task.input_index, each))
        else:
            der = secret.sign(task.digest, hasher=None) + b"\x01"
            signatures.append((task.input_index, PartialSignature(key.pubkey, der)))
    return parse_psbt(with_our_signatures(psbt, tuple(signatures)))


def _paying(of: Vault, psbt_bytes: bytes, ours: tuple[int, ...]) -> VerifiedSpend:
    claims = SpendClaims(parse_psbt(psbt_bytes), psbt_bytes, (PaymentClaim(withdrawal_id(1), 0),))
    return verify(claims, of, registry(of), ours)


def extracted(of: Vault, *answers: UnverifiedPsbt) -> Extracted:
    outcome = extract(of, answers)
    assert isinstance(outcome, Extracted)
    verify_consensus(outcome.transaction, outcome.prevouts)
    assert outcome.transaction.txid == answers[0].transaction.txid
    return outcome


@pytest.mark.parametrize("template", [BY_AGE, BY_HEIGHT, BY_TIME])
def test_two_members_pay_and_one_recovers(template: str) -> None:
    of = vault(template)
    assert [(path.name, path.threshold) for path in of.paths] == [("primary", 2), ("recovery", 1)]
    paying = withdrawal(of)
    extracted(of, *(signed(of, paying, member, Kind.WITHDRAWAL) for member in (0, 2)))
    moving = sweep(of, 1)
    assert (verified(of, moving).kind, verified(of, moving).path_index) == (Kind.SWEEP, 1)
    found = extracted(of, signed(of, moving, 1))
    path = of.paths[1]
    assert found.transaction.locktime == (path.after or 0)
    assert found.transaction.inputs[0].sequence == (path.older or 0xFFFFFFFD)
    assert found.transaction.weight <= 4 * len(found.transaction.stripped) + 2 + (
        of.input_weight(1) - 164
    )


def test_a_signature_of_the_recovery_key_does_not_pay() -> None:
    """It verifies, as P2WSH commits to no path; but without the age the script does not take it."""
    of = vault(BY_AGE)
    one = signed(of, withdrawal(of), 0, Kind.WITHDRAWAL)
    outcome = extract(of, (one,))
    assert isinstance(outcome, Incomplete)
    (missing,) = outcome.missing
    assert (missing.input_index, missing.signed, missing.needed) == (0, 1, 2)
    keys = of.script(0, 0).keys
    assert missing.without == (keys[1].pubkey, keys[2].pubkey)


def with_locks(psbt_bytes: bytes, sequence: int, locktime: int) -> bytes:
    """The same PSBT with all sequences and nLockTime changed."""
    psbt = parse_psbt(psbt_bytes)
    unsigned = psbt.transaction
    inputs = tuple(txin._replace(sequence=sequence) for txin in unsigned.inputs)
    changed = replace(unsigned, inputs=inputs, locktime=locktime).stripped
    return psbt_bytes.replace(unsigned.stripped, changed)


def test_locktime_may_not_open_a_path_beside_the_primary_one() -> None:
    """A withdrawal at the height of recovery could be signed by one member alone."""
    of = vault(BY_HEIGHT)
    paying = withdrawal(of, 899_999)
    _paying(of, paying, (0,))
    for locktime, code in (
        (900_000, "recovery-may-not-pay"),
        (900_001, "locktime-enables-path"),
    ):
        with pytest.raises(Refusal) as caught:
            _paying(of, with_locks(paying, 0xFFFFFFFD, locktime), (0,))
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("template", "sequence", "locktime", "code"),
    [
        (BY_AGE, 143, 0, "sequence-refused"),
        (BY_AGE, 145, 0, "sequence-refused"),
        (BY_AGE, 144, 1, "sequence-refused"),
        (BY_AGE, 144 | 1 << 22, 0, "sequence-refused"),
        (BY_AGE, 144 | 1 << 16, 0, "sequence-refused"),
        (BY_AGE, 0xFFFFFFFD, 800_000, "locktime-refused"),
        (BY_HEIGHT, 144, 900_000, "sequence-refused"),
        (BY_HEIGHT, 0xFFFFFFFD, 899_999, "locktime-refused"),
        (BY_HEIGHT, 0xFFFFFFFF, 900_000, "locktime-refused"),
        (BY_TIME, 0xFFFFFFFD, 1_799_999_999, "locktime-refused"),
        (BY_TIME, 0xFFFFFFFD, 1_800_000_001, "locktime-refused"),
        (BY_TIME, 0xFFFFFFFF, 1_800_000_000, "locktime-refused"),
    ],
)
def test_a_recovery_has_exactly_its_locks(
    template: str, sequence: int, locktime: int, code: str
) -> None:
    of = vault(template)
    good = sweep(of, 1)
    path = of.paths[1]
    same = with_locks(good, path.older or 0xFFFFFFFE, path.after or 0)
    assert verified(of, same).path_index == 1
    assert code_of(of, with_locks(good, sequence, locktime)) == code


def test_leaves_without_locks_are_one_path() -> None:
    """Each pair has a leaf: a member signs in both of its leaves, and ExtractTx takes a complete one."""
    of = vault(PAIRS)
    assert [(path.name, path.leaves) for path in of.paths] == [("primary", (0, 1, 2))]
    assert (of.threshold, of.members, of.tolerated) == (2, 3, 0)
    paying = withdrawal(of, coins=2)
    for pair in ((0, 1), (1, 2), (0, 2)):
        answers = [signed(of, paying, member, Kind.WITHDRAWAL) for member in pair]
        assert [len(each.inputs[0].tap_script_signatures) for each in answers] == [2, 2]
        extracted(of, *answers)
    everyone = [signed(of, paying, member, Kind.WITHDRAWAL) for member in range(3)]
    cheapest = extracted(of, *everyone).transaction
    shallow = of.script(0, 0).leaves[0]
    assert all(stack[-1] in _blocks(of, 0) for stack in cheapest.witnesses)
    assert cheapest.witnesses[0][-2:] == (shallow.script, shallow.control_block)


def _blocks(of: Vault, leaf_index: int) -> set[bytes]:
    return {of.script(0, index).leaves[leaf_index].control_block for index in range(2)}


def test_signatures_of_another_leaf_are_verified_and_left_aside() -> None:
    """Core's wallet signs every leaf in which it has a key."""
    of = federation.taproot_vault()
    paying = withdrawal(of)
    answer = signed(of, paying, 0, Kind.WITHDRAWAL)
    psbt = parse_psbt(paying)
    coin = verify_inputs(psbt, of)[0]
    leaf = coin.derived.leaves[1]
    spend = _paying(of, paying, (0,))
    digest = InputDigests(psbt.transaction, spend.coins, of).digest(0, leaf.leaf_hash)
    key = leaf.keys[0]
    secret = federation.MEMBERS[0].secret(*key.path[-2:])
    beside = TapScriptSignature(key.xonly, leaf.leaf_hash, secret.sign_schnorr(digest))
    (own,) = answer.inputs[0].tap_script_signatures
    both = with_our_signatures(psbt, ((0, own), (0, beside)))
    _paying(of, both, (1,))
    extracted(of, parse_psbt(both), signed(of, paying, 1, Kind.WITHDRAWAL))
    forged = replace(beside, signature=secret.sign_schnorr(bytes(32)))
    with pytest.raises(Refusal) as caught:
        _paying(of, with_our_signatures(psbt, ((0, own), (0, forged))), (1,))
    assert caught.value.code == "signature-invalid"


def test_a_vault_that_needs_a_preimage_is_refused() -> None:
    """`vault-needs-preimage`: who lost it would have lost every coin."""
    lock = "sha256(" + "ab" * 32 + ")"
    with pytest.raises(Refusal) as caught:
        vault(f"wsh(and_v(v:{TWO_OF_THREE},{lock}))")
    assert caught.value.code == "vault-needs-preimage"
    beside = f"and_v(v:multi(2,@0/<2;3>/*,@1/<2;3>/*,@2/<2;3>/*),{lock})"
    assert vault(f"wsh(or_d({TWO_OF_THREE},{beside}))").threshold == 2


def test_leaves_deep_in_a_tree_can_be_spent() -> None:
    """A control block of seven levels is a PSBT key of 258 bytes."""
    places = [f"@1/<{2 * n};{2 * n + 1}>/*" for n in range(9)]
    tree = f"and_v(v:pk({places[8]}),pk(@3/<2;3>/*))"
    for n in range(7, 0, -1):
        tree = f"{{and_v(v:pk({places[n]}),older({n})),{tree}}}"
    of = vault(f"tr(@0/**,{{multi_a(2,@1/**,@2/**,@3/**),{tree}}})")
    assert [len(leaf.control_block) for leaf in of.script(0, 0).leaves][-1] == 33 + 32 * 8
    paying = withdrawal(of)
    extracted(of, *(signed(of, paying, member, Kind.WITHDRAWAL) for member in (0, 1)))
    extracted(of, *(signed(of, paying, member, Kind.WITHDRAWAL) for member in (0, 2)))
    for path_index, path in enumerate(of.paths[1:], 1):
        found = extracted(of, signed(of, sweep(of, path_index), 0))
        assert found.transaction.inputs[0].sequence == path.older


def test_a_transaction_that_is_too_heavy_costs_no_derivation() -> None:
    """Its weight follows from the path and the number of inputs."""
    of = federation.vault(11, 15)
    psbt = parse_psbt(withdrawal(of))
    many = tuple(
        psbt.transaction.inputs[0]._replace(previous=OutPoint(Txid(n.to_bytes(32, "big")), 0))
        for n in range(1, 501)
    )
    claims = SpendClaims(
        replace(psbt, transaction=replace(psbt.transaction, inputs=many), inputs=()), b"", ()
    )
    with pytest.raises(Refusal) as caught:
        verify(claims, of, registry(of), (0,))
    assert caught.value.code == "transaction-too-heavy"


def registered(*keys: str) -> str:
    """The code with which a 2-of-3 of these keys is refused; empty if it is not."""
    try:
        register(VaultDefinition("peg", f"wsh({TWO_OF_THREE})", keys, 20), REGTEST)
    except (Refusal, Malformed) as refusal:
        return refusal.code
    return ""


def test_a_key_that_follows_from_another_one_counts_as_no_member() -> None:
    """`descriptor-key-related`: one member could sign as two, or two keys could not be told apart."""
    first, second, third = (member.key_text for member in federation.MEMBERS[:3])
    assert registered(first, second, third) == ""
    origin, _, xpub = third.rpartition("]")
    parent = parse_key_information(first, REGTEST)[1]
    child = parent.child(7).text(REGTEST)
    assert registered(first, second, f"{origin}]{child}") == "descriptor-key-related"
    assert registered(f"{origin}]{child}", second, first) == "descriptor-key-related"
    moved = replace(parent.child(7), child_number=8).text(REGTEST)
    assert registered(first, second, f"{origin}]{moved}") == ""
    of_first = first.rpartition("]")[0]
    assert registered(first, second, f"{of_first}]{xpub}") == "descriptor-key-related"
    assert registered(first, second, f"{of_first}/7]{xpub}") == "descriptor-key-related"
    beside = of_first.replace("/0'/2'", "/1'/2'")
    assert registered(first, second, f"{beside}]{xpub}") == ""


def test_vaults_with_keys_that_follow_from_each_other_do_not_stand_together() -> None:
    one = federation.vault()
    parent = parse_key_information(federation.MEMBERS[0].key_text, REGTEST)[1]
    keys = [member.key_text for member in federation.MEMBERS[3:5]]
    beside = federation.vault(first=3, name="beside")
    VaultRegistry((one, beside))
    below = VaultDefinition(
        "below", f"wsh({TWO_OF_THREE})", (*keys, parent.child(7).text(REGTEST)), 20
    )
    with pytest.raises(Malformed) as caught:
        VaultRegistry((one, register(below, REGTEST)))
    assert caught.value.code == "descriptor-key-related"


def test_a_path_that_needs_a_preimage_is_refused() -> None:
    lock = "sha256(" + "ab" * 32 + ")"
    recovery = "and_v(v:multi_a(1,@1/<2;3>/*,@2/<2;3>/*,@3/<2;3>/*),{})"
    tree = "tr(@0/**,{{multi_a(2,@1/**,@2/**,@3/**),{}}})"
    vault(tree.format(recovery.format("older(10)")))
    with pytest.raises(Refusal) as caught:
        vault(tree.format(recovery.format(f"and_v(v:{lock},older(10))")))
    assert caught.value.code == "vault-needs-preimage"
