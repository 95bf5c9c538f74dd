"""Vaults of keys without children (F1, F2): one script, which change and deposits share. Each row has its
twin: a vault of xpubs, or one field away."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from embit.descriptor import Descriptor
from embit.networks import NETWORKS

from signer.bitcoin.address import address_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.bitcoin.psbt.writer import OutputDraft
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from signer.bitcoin.units import FeeRate, Sats
from signer.core.approve import approve
from signer.core.construct import (
    Funding,
    SweepRequest,
    WithdrawalRequest,
    construct_sweep,
    construct_withdrawal,
)
from signer.core.errors import Refusal
from signer.core.opreturn import (
    Deposit,
    encode_payload,
    op_return_script,
    spent_outputs,
    validate_deposit,
)
from signer.core.payment import WithdrawalTerms
from signer.core.question import ask
from signer.core.registry import ScriptPlace, VaultRegistry
from signer.core.spend import Change, Kind
from signer.core.vault import CHANGE, RECEIVE, Vault, VaultDefinition, register
from tests import federation
from tests.bitcoin.test_fixed_keys import ALL_FIXED, FIXED, MIXED, MIXED_KEYS, TOKENS, XPUBS
from tests.core.coins import coin, funding
from tests.core.model_view import ModelView
from tests.core.spends import (
    NOW,
    USER_SCRIPT,
    Case,
    Coin,
    authorized,
    change_draft,
    good_case,
    withdrawal_id,
)
from tests.core.test_approve import POLICY
from tests.core.test_verify import xpub_pair

NEXT = federation.vault(first=5, name="next")
LEFT = 39_990_000
"""What `good_case` leaves for change."""


@cache
def fixed() -> Vault:
    return register(VaultDefinition("peg", ALL_FIXED, FIXED, 20), REGTEST)


@cache
def mixed(name: str = "peg") -> Vault:
    return register(VaultDefinition(name, MIXED, MIXED_KEYS, 20), REGTEST)


def case_of(vault: Vault) -> Case:
    """The good withdrawal of that vault, with change on the branch where the vault takes it."""
    case = good_case((Coin(vault),), payments=((1, 60_000_000), (2, LEFT)))
    change = change_draft(vault, LEFT, branch=vault.change_branch)
    return case.but(outputs=(case.outputs[0], change), payments=case.payments[:1])


def code_of(case: Case) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        case.verify()
    return caught.value.code


def registry(*vaults: Vault) -> VaultRegistry:
    made = VaultRegistry(vaults)
    for vault in vaults:
        made.cover(vault, RECEIVE, 0)
        made.cover(vault, CHANGE, 0)
    return made


def test_what_a_fixed_vault_is() -> None:
    vault = fixed()
    assert (vault.is_fixed, vault.threshold, vault.members, vault.tolerated) == (True, 2, 3, 0)
    assert (vault.change_branch, vault.window_end(7)) == (RECEIVE, 1)
    assert (mixed().is_fixed, mixed().change_branch, mixed().window_end(7)) == (False, CHANGE, 27)
    assert [key.pubkey for key in vault.xpubs()] == list(TOKENS)
    assert vault.positions_of(vault.xpubs()[1]) == (1,)
    assert mixed().positions_of(vault.xpubs()[0]) == (0,)


def test_the_registry_knows_its_one_script() -> None:
    known, script = registry(fixed()), fixed().script(0, 0).script_pubkey
    known.cover(fixed(), RECEIVE, 5)
    known.cover(fixed(), CHANGE, 5)
    assert known.find(script) == ScriptPlace("peg", RECEIVE, 0)
    with pytest.raises(Malformed) as caught:
        fixed().script(CHANGE, 0)
    assert caught.value.code == "vault-one-address"
    assert registry(mixed()).find(mixed().script(CHANGE, 19).script_pubkey) is not None


def test_two_vaults_share_no_token_key() -> None:
    """`vault-key-shared`: in tokens, too, each vault has a key of its own."""
    other = VaultDefinition("next", MIXED, (FIXED[0], *XPUBS[1:]), 20)
    with pytest.raises(Refusal) as caught:
        registry(fixed(), register(other, REGTEST))
    assert caught.value.code == "vault-key-shared"
    twin = replace(other, template="wsh(multi(2,@0/**,@1/**,@2/**))", keys=XPUBS)
    registry(fixed(), register(twin, REGTEST))


@pytest.mark.parametrize("vault", [fixed, mixed])
def test_a_withdrawal_with_change(vault: Callable[[], Vault]) -> None:
    spend = case_of(vault()).verify()
    assert (spend.kind, spend.fee) == (Kind.WITHDRAWAL, 10_000)
    assert spend.change == Change(1, Sats(LEFT), 0)
    assert [task.pubkey for task in spend.tasks] == [TOKENS[0]]


@pytest.mark.parametrize("vault", [fixed, mixed])
def test_change_without_a_word_about_it(vault: Callable[[], Vault]) -> None:
    """Of a fixed vault it is known by its script; of any other nothing says where to derive."""
    case = case_of(vault())
    bare = case.but(outputs=(case.outputs[0], OutputDraft(case.outputs[1].txout)))
    if vault() is fixed():
        assert bare.verify().change == Change(1, Sats(LEFT), 0)
    else:
        assert code_of(bare) == "output-unexplained"


@pytest.mark.parametrize("vault", [fixed, mixed])
def test_change_that_only_the_fixed_key_names(vault: Callable[[], Vault]) -> None:
    """A fixed key stands in every address of a mixed vault, so it names none."""
    case = case_of(vault())
    only = replace(case.outputs[1], bip32_derivations=case.outputs[1].bip32_derivations[:1])
    named = case.but(outputs=(case.outputs[0], only))
    if vault() is fixed():
        assert named.verify().change is not None
    else:
        assert code_of(named) == "output-unexplained"


def test_hints_are_compared_though_they_are_not_needed() -> None:
    case = case_of(fixed())
    good = case.outputs[1]
    lie = Bip32Derivation(TOKENS[0], b"\x00" * 4, ())
    for wrong, code in (
        (replace(good, bip32_derivations=(lie,)), "derivation-mismatch"),
        (replace(good, witness_script=b"\x51"), "output-script-mismatch"),
    ):
        assert code_of(case.but(outputs=(case.outputs[0], wrong))) == code
    assert code_of(case.but_input(bip32_derivations=(lie,))) == "derivation-mismatch"
    assert case.but_input(bip32_derivations=()).verify().fee == 10_000


def test_an_input_of_a_mixed_vault_needs_an_xpub_s_hint() -> None:
    case = case_of(mixed())
    assert code_of(case.but_input(bip32_derivations=())) == "input-foreign"
    only = case.inputs[0].bip32_derivations
    assert code_of(case.but_input(bip32_derivations=only[:1])) == "input-foreign"
    assert case.but_input(bip32_derivations=only[1:]).verify().fee == 10_000


def test_an_input_that_is_not_the_vault_s() -> None:
    foreign = Coin(mixed()).draft()
    case = case_of(fixed()).but_input(
        outpoint=foreign.outpoint,
        non_witness_utxo=foreign.non_witness_utxo,
        witness_utxo=foreign.witness_utxo,
        witness_script=None,
        bip32_derivations=(),
    )
    assert code_of(case) == "input-foreign"


@pytest.mark.parametrize("hinted", [(True, True), (True, False), (False, True), (False, False)])
def test_two_change_outputs(hinted: tuple[bool, bool]) -> None:
    """The story: the second output to the one script is taken for change, too, and facts name one of two."""
    case = case_of(fixed())
    halves = [change_draft(fixed(), LEFT // 2, branch=RECEIVE) for _ in hinted]
    drafts = [
        half if told else OutputDraft(half.txout) for half, told in zip(halves, hinted, strict=True)
    ]
    assert code_of(case.but(outputs=(case.outputs[0], *drafts))) == "change-repeated"
    assert case.but(outputs=(case.outputs[0], drafts[0])).verify().change is not None


def test_a_second_output_to_somebody_is_no_change() -> None:
    case = case_of(fixed())
    thief = OutputDraft(TxOut(Sats(9_000_000), b"\x00\x14" + b"\x33" * 20))
    assert code_of(case.but(outputs=(*case.outputs, thief))) == "output-unexplained"


@pytest.mark.parametrize("vault", [fixed, mixed])
def test_no_withdrawal_is_paid_to_the_vault(vault: Callable[[], Vault]) -> None:
    case = case_of(vault())
    own = OutputDraft(TxOut(Sats(60_000_000), vault().script(0, 0).script_pubkey))
    assert code_of(case.but(outputs=(own, *case.outputs[1:]))) == "payment-to-vault"
    assert case.verify().payments[0].amount == 60_000_000


def test_global_xpubs_are_those_of_the_members_that_have_one() -> None:
    pairs = tuple(xpub_pair(member) for member in federation.MEMBERS[:2])
    assert case_of(mixed()).but(extra_global=pairs).verify().fee == 10_000
    assert code_of(case_of(mixed()).but(extra_global=pairs[:1])) == "xpub-foreign"
    assert code_of(case_of(fixed()).but(extra_global=pairs[:1])) == "xpub-foreign"


def test_a_withdrawal_is_constructed() -> None:
    terms = WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT)
    offer = Funding(fixed(), (coin(fixed(), 100_000_000),), 0, FeeRate(2_000))
    built = construct_withdrawal(WithdrawalRequest(offer, (terms,)), registry(fixed())).spend
    assert built.change is not None
    assert built.transaction.outputs[1].script_pubkey == fixed().script(0, 0).script_pubkey
    far = replace(offer, change_index=1)
    with pytest.raises(Malformed) as caught:
        construct_withdrawal(WithdrawalRequest(far, (terms,)), registry(fixed()))
    assert caught.value.code == "vault-one-address"
    other = Funding(mixed(), (coin(mixed(), 100_000_000),), 1, FeeRate(2_000))
    change = construct_withdrawal(
        WithdrawalRequest(other, (terms,)), registry(mixed())
    ).spend.change
    assert change is not None
    assert change.index == 1


def test_a_sweep_stays_on_the_one_address() -> None:
    known = registry(fixed(), NEXT)
    request = SweepRequest(fixed(), fixed(), 0, 0, (coin(fixed(), 1_000_000),), FeeRate(2_000))
    spend = construct_sweep(request, known).spend
    assert (spend.kind, spend.change and spend.change.index) == (Kind.SWEEP, 0)
    for index in (1, 20):
        with pytest.raises(Malformed) as caught:
            construct_sweep(replace(request, index=index), known)
        assert caught.value.code == "vault-one-address"


def test_rotations_from_and_to_a_fixed_vault() -> None:
    known, to = registry(fixed(), NEXT), NEXT
    leaving = SweepRequest(fixed(), to, 3, 0, (coin(fixed(), 1_000_000),), FeeRate(2_000))
    assert construct_sweep(leaving, known).spend.kind is Kind.ROTATION
    coming = SweepRequest(to, fixed(), 0, 0, (coin(to, 1_000_000),), FeeRate(2_000))
    spend = construct_sweep(coming, known).spend
    assert [(each.to.vault_id, each.index) for each in spend.rotations] == [("peg", 0)]
    with pytest.raises(Malformed) as caught:
        construct_sweep(replace(coming, index=1), known)
    assert caught.value.code == "vault-one-address"


def deposit_codes(spends: Transaction, known: VaultRegistry) -> list[str]:
    payload = Deposit(b"PGWD", 11155111, bytes(range(1, 21)))
    outputs = (
        TxOut(Sats(50_000), fixed().script(0, 0).script_pubkey),
        TxOut(Sats(0), op_return_script(encode_payload(payload))),
    )
    paying = Transaction(2, (TxIn(OutPoint(spends.txid, 1), b"", 0xFFFFFFFD),), outputs, 0)
    prevouts = spent_outputs(paying, [spends.serialize()])
    found = validate_deposit(paying, prevouts, known.find, payload)
    return [each.code for each in found.objections]


def test_change_is_no_deposit() -> None:
    """F2: both pay the one script. A deposit is what spends no coin of the vault."""
    known = registry(fixed())
    own = funding(fixed().script(0, 0).script_pubkey, 90_000)
    assert deposit_codes(own, known) == ["deposit-from-vault"]
    assert deposit_codes(funding(USER_SCRIPT, 90_000), known) == []


@pytest.mark.parametrize("place", [(0, 0), (0, 7), (1, 3)])
def test_a_foreign_library_finds_the_same_addresses(place: tuple[int, int]) -> None:
    branch, index = place
    theirs = Descriptor.from_string(mixed().text).derive(index, branch_index=branch)
    ours = address_of(mixed().script(branch, index).script_pubkey, REGTEST)
    assert theirs.address(NETWORKS["regtest"]) == ours
    one = Descriptor.from_string(fixed().text).address(NETWORKS["regtest"])
    assert address_of(fixed().script(0, 0).script_pubkey, REGTEST) == one
    assert one == "bcrt1q5vme3pxfjx0g4cm62688dd90n4etpy5t75h4a28975cry6gaz7lqd73qjm"


@pytest.mark.parametrize("vault", [fixed, mixed])
def test_one_address_moves_no_window(vault: Callable[[], Vault]) -> None:
    case = case_of(vault())
    words = authorized(case, (Coin(vault()),))
    approved = approve(ask(case.verify(), words, ModelView(), NOW), POLICY)
    assert approved.seen == (() if vault() is fixed() else ((RECEIVE, 0), (CHANGE, 0)))
