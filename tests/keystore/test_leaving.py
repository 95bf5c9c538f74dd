"""What leaves by the keystore's own reckoning; lies by the core do not lower it (checklist C1 to C3)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from keystore.header import Binding
from keystore.leaving import leaves
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from signer.core.errors import Fault
from signer.core.spend import Change, VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault
from tests import federation
from tests.core import test_taproot_spends as taproot
from tests.core.spends import Coin, change_draft, good_case

VAULTS = (federation.vault(), federation.taproot_vault())
NEXT = federation.vault(2, 3, 3, "next")


def binding(vault: Vault) -> Binding:
    return Binding(vault.fingerprint, b"\x02" * 32, b"\x03" * 32)


def spend_of(vault: Vault, change_index: int = 0) -> VerifiedSpend:
    """Two coins of 1 BTC, 0.6 BTC paid."""
    if vault.is_taproot:
        return taproot.withdrawal().verify()
    coins = tuple(Coin(vault, salt=place, index=place) for place in range(2))
    return good_case(coins, change_index=change_index).verify((0,))


def rotation_of(amount: int = 99_990_000) -> VerifiedSpend:
    """All of a coin but the fee goes to the next vault."""
    case = good_case(payments=(), fee=100_000_000)
    to_next = change_draft(NEXT, amount, branch=RECEIVE)
    return case.but(outputs=(to_next,), others=(NEXT,)).verify()


@pytest.mark.parametrize("vault", VAULTS, ids=("wsh", "tr"))
def test_an_honest_spend_leaves_what_the_core_says(vault: Vault) -> None:
    spend = spend_of(vault)
    assert leaves(spend, binding(vault)) == spend.outflow == 60_000_000 + spend.fee


def test_change_at_a_higher_index_stays() -> None:
    spend = spend_of(VAULTS[0], 7)
    assert leaves(spend, binding(VAULTS[0])) == spend.outflow == 60_010_000


def test_without_change_all_leaves() -> None:
    spend = good_case(payments=((1, 99_990_000),)).verify()
    assert spend.change is None
    assert leaves(spend, binding(spend.vault)) == 100_000_000


def with_amount(spend: VerifiedSpend, amount: int) -> VerifiedSpend:
    first, second = spend.coins
    lie = second._replace(prevout=second.prevout._replace(amount=Sats(amount)))
    return replace(spend, coins=(first, lie))


def with_previous(spend: VerifiedSpend, raw: bytes | None) -> VerifiedSpend:
    first, second = spend.psbt.inputs
    inputs = (first, second._replace(non_witness_utxo=raw))
    return replace(spend, psbt=replace(spend.psbt, inputs=inputs))


LIES: tuple[Callable[[VerifiedSpend], VerifiedSpend], ...] = (
    lambda spend: with_amount(spend, 1),
    lambda spend: with_amount(spend, 100_000_001),
    lambda spend: with_previous(spend, None),
    lambda spend: with_previous(spend, b""),
    lambda spend: with_previous(spend, spend.psbt.inputs[0].non_witness_utxo),
    lambda spend: with_previous(spend, Coin(amount=1, salt=1, index=1).previous.serialize()),
    lambda spend: replace(spend, coins=(spend.coins[1], spend.coins[0])),
    lambda spend: replace(spend, coins=spend.coins[:1]),
    lambda spend: replace(spend, coins=(*spend.coins, spend.coins[0])),
    lambda spend: replace(spend, vault=federation.vault(2, 3, 3)),
    lambda spend: replace(spend, vault=federation.taproot_vault()),
)


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_lie_about_a_coin_is_a_fault(lie: Callable[[VerifiedSpend], VerifiedSpend]) -> None:
    spend = spend_of(VAULTS[0])
    with pytest.raises(Fault):
        leaves(lie(spend), binding(VAULTS[0]))
    assert leaves(spend, binding(VAULTS[0])) == 60_010_000


def test_two_requests_whose_lies_complete_each_other() -> None:
    """CVE-2020-14199: A lies about coin 2 and B about coin 1; A's first signature and B's second would make
    one transaction that pays both coins away. Neither request gets past its reckoning."""
    spend = spend_of(VAULTS[0])
    first, second = spend.coins
    a = with_amount(spend, 1)
    b = replace(
        spend, coins=(first._replace(prevout=first.prevout._replace(amount=Sats(1))), second)
    )
    for request in (a, b):
        with pytest.raises(Fault):
            leaves(request, binding(VAULTS[0]))


def test_a_vault_that_lies_about_its_fingerprint() -> None:
    """The fingerprint is computed from the descriptor, not asked for."""
    spend = spend_of(VAULTS[0])
    forged = replace(federation.vault(2, 3, 3))
    forged.__dict__["fingerprint"] = VAULTS[0].fingerprint
    assert forged.fingerprint == VAULTS[0].fingerprint
    with pytest.raises(Fault):
        leaves(replace(spend, vault=forged), binding(VAULTS[0]))


@pytest.mark.parametrize("vault", VAULTS, ids=("wsh", "tr"))
def test_change_that_is_not_ours_leaves(vault: Vault) -> None:
    """Another index, another output, one that is not there: nothing is taken off."""
    spend = spend_of(vault)
    assert spend.change is not None
    for change in (
        replace(spend.change, index=1),
        replace(spend.change, vout=0),
        replace(spend.change, vout=2),
        replace(spend.change, vout=-1),
        None,
    ):
        assert leaves(replace(spend, change=change), binding(vault)) == 200_000_000
    lie = replace(spend.change, amount=Sats(199_999_999))
    assert leaves(replace(spend, change=lie), binding(vault)) == spend.outflow


def test_an_impossible_index_is_a_fault() -> None:
    spend = spend_of(VAULTS[0])
    change = Change(1, Sats(1), 2**31)
    with pytest.raises(Fault):
        leaves(replace(spend, change=change), binding(VAULTS[0]))


def test_the_receive_branch_is_no_change() -> None:
    """What goes to a receive address is a deposit to somebody: it leaves."""
    spend = spend_of(VAULTS[0])
    receive = VAULTS[0].script(RECEIVE, 0).script_pubkey
    assert receive != VAULTS[0].script(CHANGE, 0).script_pubkey
    paid, change = spend.transaction.outputs
    outputs = (paid, TxOut(change.amount, receive))
    transaction = replace(spend.transaction, outputs=outputs)
    moved = replace(spend, psbt=replace(spend.psbt, transaction=transaction))
    assert leaves(moved, binding(VAULTS[0])) == 200_000_000


def test_only_the_successor_of_the_sealed_header_is_not_leaving() -> None:
    spend = rotation_of()
    ours = binding(spend.vault)
    assert [each.to for each in spend.rotations] == [NEXT]
    assert leaves(spend, ours) == 100_000_000
    assert leaves(spend, ours, federation.vault(3, 5).fingerprint) == 100_000_000
    assert leaves(spend, ours, NEXT.fingerprint) == 10_000
    wrong = replace(spend.rotations[0], index=1)
    assert leaves(replace(spend, rotations=(wrong,)), ours, NEXT.fingerprint) == 100_000_000


def paid_to(spend: VerifiedSpend, script_pubkey: bytes) -> VerifiedSpend:
    """The same rotation, to that script instead."""
    (output,) = spend.transaction.outputs
    changed = replace(spend.transaction, outputs=(TxOut(output.amount, script_pubkey),))
    return replace(spend, psbt=replace(spend.psbt, transaction=changed))


def claimed(spend: VerifiedSpend, **changes: object) -> VerifiedSpend:
    return replace(spend, rotations=(replace(spend.rotations[0], **changes),))  # type: ignore[arg-type]


def named_next(vault: Vault) -> Vault:
    """Another vault that says of itself that it is the next one."""
    forged = replace(vault)
    forged.__dict__["fingerprint"] = NEXT.fingerprint
    return forged


OTHER = federation.vault(2, 3, 1)
ROTATION_LIES: tuple[Callable[[VerifiedSpend], VerifiedSpend], ...] = (
    lambda spend: paid_to(spend, OTHER.script(RECEIVE, 0).script_pubkey),
    lambda spend: paid_to(spend, NEXT.script(CHANGE, 0).script_pubkey),
    lambda spend: paid_to(spend, NEXT.script(RECEIVE, 1).script_pubkey),
    lambda spend: paid_to(spend, spend.vault.script(RECEIVE, 0).script_pubkey),
    lambda spend: claimed(paid_to(spend, OTHER.script(RECEIVE, 0).script_pubkey), to=OTHER),
    lambda spend: claimed(
        paid_to(spend, OTHER.script(RECEIVE, 0).script_pubkey), to=named_next(OTHER)
    ),
    lambda spend: claimed(spend, vout=1),
    lambda spend: claimed(spend, vout=-1),
    lambda spend: replace(spend, rotations=()),
)


@pytest.mark.parametrize("lie", ROTATION_LIES, ids=range(len(ROTATION_LIES)))
def test_a_lie_about_what_the_successor_gets_saves_nothing(
    lie: Callable[[VerifiedSpend], VerifiedSpend],
) -> None:
    """Not derived, another branch, another vault, another name: all of it leaves."""
    spend = rotation_of()
    ours = binding(spend.vault)
    assert leaves(lie(spend), ours, NEXT.fingerprint) == 100_000_000
    assert leaves(spend, ours, NEXT.fingerprint) == 10_000


def test_what_the_successor_gets_is_read_from_the_transaction() -> None:
    spend = rotation_of()
    more = claimed(spend, amount=Sats(100_000_000))
    assert leaves(more, binding(spend.vault), NEXT.fingerprint) == 10_000


def test_no_output_counts_twice() -> None:
    """A core that names one output twice takes it off once."""
    spend = rotation_of()
    twice = replace(spend, rotations=spend.rotations * 2)
    assert leaves(twice, binding(spend.vault), NEXT.fingerprint) == 10_000
    both = replace(spend, change=Change(0, Sats(99_990_000), 0))
    assert leaves(both, binding(spend.vault), NEXT.fingerprint) == 10_000


def test_more_out_than_in_is_a_fault() -> None:
    spend = spend_of(VAULTS[1])
    with pytest.raises(Fault):
        leaves(with_amount(spend, -100_000_000), binding(VAULTS[1]))
