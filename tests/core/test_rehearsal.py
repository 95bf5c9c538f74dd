"""A vault rehearses until real spends of every quorum and path are shown, and nothing else counts (M2)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from signer.core.rehearsal import (
    MOST_QUORUMS,
    Quorum,
    Rehearsal,
    Shown,
    SignedInput,
    addresses_of,
    quorums_of,
    rehearsal,
    signed_inputs,
)
from signer.core.vault import Vault
from tests import federation
from tests.core import rehearsed
from tests.core.test_fixed_vaults import fixed
from tests.core.test_miniscript_vaults import BY_AGE, BY_HEIGHT, PAIRS, vault

WSH, TAP = federation.vault(), federation.taproot_vault()


def teams(*places: Sequence[int]) -> list[Quorum]:
    return [frozenset(each) for each in places]


def seen(of: Vault, *shown: rehearsed.Shown) -> list[SignedInput]:
    """As `pegwarden key rotate status` reads them."""
    found: list[SignedInput] = []
    for each in shown:
        around = Shown(of, addresses_of(of), each.known)
        found += signed_inputs(of, each.transaction, around.coins(each.transaction))
    return found


def judged(of: Vault, *shown: rehearsed.Shown) -> Rehearsal:
    return rehearsal(of, seen(of, *shown))


@pytest.mark.parametrize(
    ("of", "primary", "recovery"),
    [
        (WSH, teams((0, 1), (0, 2), (1, 2)), None),
        (TAP, teams((0, 1), (0, 2), (1, 2)), teams((4,))),
        (vault(BY_AGE), teams((0, 1), (0, 2), (1, 2)), teams((5,))),
        (vault(BY_HEIGHT), teams((0, 1), (0, 2), (1, 2)), teams((3,))),
        (vault(PAIRS), teams((0, 1), (2, 3), (4, 5)), None),
        (federation.vault(3, 4), teams(*combinations(range(4), 3)), None),
    ],
    ids=range(6),
)
def test_it_is_over_with_the_last_quorum_and_path(
    of: Vault, primary: list[Quorum], recovery: list[Quorum] | None
) -> None:
    """The spends are valid by Core's consensus code; each of them is needed."""
    shown = [rehearsed.spend(of, [team], salt=salt) for salt, team in enumerate(primary)]
    if recovery:
        shown.append(rehearsed.spend(of, recovery, 1, salt=50))
    for each in shown:
        verify_consensus(each.transaction, each.prevouts)
    assert judged(of, *shown).is_over
    assert set(judged(of).missing) == set(primary) == set(judged(of, *shown).quorums)
    for left_out in range(len(shown)):
        found = judged(of, *shown[:left_out], *shown[left_out + 1 :])
        assert not found.is_over
        if left_out < len(primary):
            assert (found.missing, found.missing_paths) == ((primary[left_out],), ())
        else:
            assert (found.missing, found.missing_paths) == ((), ("recovery",))


def test_one_transaction_may_show_every_quorum() -> None:
    """Each input was signed by another one."""
    of = federation.vault(3, 5)
    shown = rehearsed.spend(of, teams(*combinations(range(5), 3)))
    verify_consensus(shown.transaction, shown.prevouts)
    assert judged(of, shown).is_over


def test_the_primary_quorum_by_the_recovery_s_locks_shows_no_recovery() -> None:
    """The script lets it pass; the keys of the recovery were not tried."""
    of = vault(BY_AGE)
    shown = rehearsed.spend(of, teams((0, 1)), 1)
    verify_consensus(shown.transaction, shown.prevouts)
    assert [each.path_index for each in seen(of, shown)] == [1]
    found = judged(of, shown)
    assert (len(found.missing), found.missing_paths) == (3, ("recovery",))


def test_a_vault_of_fixed_keys_rehearses_at_its_one_address() -> None:
    assert list(addresses_of(fixed()).values()) == [(0, 0)]
    assert len(addresses_of(WSH)) == 2 * WSH.lookahead
    assert judged(fixed()).missing == tuple(teams((0, 1), (0, 2), (1, 2)))


def witness(shown: rehearsed.Shown, *stacks: tuple[bytes, ...]) -> rehearsed.Shown:
    return replace(shown, transaction=replace(shown.transaction, witnesses=stacks))


def changed(shown: rehearsed.Shown, place: int, item: bytes) -> rehearsed.Shown:
    (stack,) = shown.transaction.witnesses
    return witness(shown, (*stack[:place], item, *stack[place + 1 :]))


def flip(item: bytes) -> bytes:
    return item[:9] + bytes((item[9] ^ 1,)) + item[10:]


GOOD = rehearsed.spend(WSH, teams((0, 1)))
GOOD_TAP = rehearsed.spend(TAP, teams((0, 1)))
(STACK,), (TAP_STACK,) = GOOD.transaction.witnesses, GOOD_TAP.transaction.witnesses
SIGNED = next(place for place, item in enumerate(TAP_STACK) if len(item) == 64)
LIES: tuple[tuple[Vault, rehearsed.Shown, int], ...] = (
    (WSH, witness(GOOD), 0),
    (WSH, witness(GOOD, ()), 0),
    (WSH, changed(GOOD, 1, b""), 1),
    (WSH, changed(GOOD, 1, STACK[2]), 1),
    (WSH, changed(GOOD, 1, flip(STACK[1])), 1),
    (WSH, changed(GOOD, 1, STACK[1][:-1] + b"\x81"), 1),
    (WSH, changed(GOOD, 1, b"\x30\x01"), 1),
    (TAP, witness(GOOD_TAP), 0),
    (TAP, changed(GOOD_TAP, SIGNED, flip(TAP_STACK[SIGNED])), 1),
    (TAP, changed(GOOD_TAP, SIGNED, TAP_STACK[SIGNED] + b"\x01"), 1),
    (TAP, changed(GOOD_TAP, len(TAP_STACK) - 2, b"\x51"), 0),
)


@pytest.mark.parametrize(("of", "lie", "left"), LIES, ids=range(len(LIES)))
def test_what_is_not_signed_does_not_count(of: Vault, lie: rehearsed.Shown, left: int) -> None:
    """Twin: the transaction that was changed counts for two."""
    assert sum(len(each.places) for each in seen(of, lie)) == left
    assert len(judged(of, lie).missing) == 3
    assert [sorted(each.places) for each in seen(of, GOOD if of is WSH else GOOD_TAP)] == [[0, 1]]


def test_a_changed_amount_takes_the_signature_with_it() -> None:
    """A previous transaction of another amount has another hash, and then nothing is known of the coin."""
    (source,) = GOOD.sources
    outputs = (*source.outputs[:1], TxOut(Sats(1), source.outputs[1].script_pubkey))
    other = replace(GOOD, sources=(replace(source, outputs=outputs),))
    assert seen(WSH, other) == []
    paid_elsewhere = replace(GOOD.transaction, outputs=(TxOut(Sats(1), b"\x51"),))
    moved = replace(GOOD, transaction=paid_elsewhere)
    assert [each.places for each in seen(WSH, moved)] == [frozenset()]


def foreign(change: Callable[[rehearsed.Shown], rehearsed.Shown]) -> str:
    with pytest.raises(Refusal) as caught:
        judged(WSH, change(rehearsed.spend(WSH, teams((0, 1), (1, 2)))))
    return caught.value.code


def elsewhere(shown: rehearsed.Shown) -> rehearsed.Shown:
    first, second = shown.transaction.inputs
    beyond = second._replace(previous=second.previous._replace(vout=7))
    return replace(shown, transaction=replace(shown.transaction, inputs=(first, beyond)))


def test_a_transaction_that_spends_something_else_too() -> None:
    assert foreign(lambda shown: replace(shown, sources=shown.sources[:1])) == "rehearsal-foreign"
    assert foreign(elsewhere) == "rehearsal-foreign"
    assert len(judged(WSH, rehearsed.spend(WSH, teams((0, 1), (1, 2)))).missing) == 1


def test_another_vault_s_spends_are_none_of_ours() -> None:
    shown = rehearsed.spend(federation.vault(2, 3, 3), teams((0, 1)))
    assert seen(WSH, shown) == []
    funding: Transaction = GOOD.sources[0]
    assert Shown(WSH, addresses_of(WSH), GOOD.known).coins(funding) == ()


def test_sequences_of_no_path_are_refused() -> None:
    shown = rehearsed.spend(vault(BY_AGE), teams((5,)), 1)
    (txin,) = shown.transaction.inputs
    inputs = (txin._replace(sequence=145),)
    with pytest.raises(Refusal) as caught:
        judged(vault(BY_AGE), replace(shown, transaction=replace(shown.transaction, inputs=inputs)))
    assert caught.value.code == "sequence-refused"


def test_more_quorums_than_anybody_rehearses() -> None:
    assert len(quorums_of(federation.vault(11, 15).paths[0])) == 1_365 < MOST_QUORUMS
    path = federation.vault(11, 15).paths[0]
    (way,) = path.ways
    wide = way.groups[0]._replace(threshold=8, places=tuple(range(15)))
    with pytest.raises(Malformed) as caught:
        quorums_of(replace(path, ways=(way._replace(groups=(wide,)),)))
    assert caught.value.code == "vault-too-complex"


SIZES = [(k, n) for n in range(1, 6) for k in range(1, n + 1) if 2 * k > n]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.data())
def test_the_model(size: tuple[int, int], data: st.DataObject) -> None:
    """Of every k-of-n up to five: over if and only if each k places stand together in some input."""
    threshold, members = size
    of = federation.vault(threshold, members)
    drawn = data.draw(st.lists(st.frozensets(st.integers(0, members - 1)), max_size=12))
    all_quorums = [frozenset(each) for each in combinations(range(members), threshold)]
    filler = data.draw(st.lists(st.sampled_from(all_quorums), max_size=12))
    found = rehearsal(of, [SignedInput(0, places) for places in (*drawn, *filler)])
    missing = [each for each in all_quorums if not any(each <= p for p in (*drawn, *filler))]
    assert set(found.missing) == set(missing)
    assert found.is_over == (not missing)
    assert rehearsal(of, [SignedInput(0, each) for each in all_quorums]).is_over
