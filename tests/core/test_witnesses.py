"""Witnesses of a vault: who they are, how many grant, and what that promises (design J6)."""

from dataclasses import replace

import pytest

from signer.bitcoin.network import REGTEST
from signer.core.agreement.rules import Quorums
from signer.core.errors import Refusal
from signer.core.vault import Vault, register
from tests import federation

KEYS = tuple(bytes([number]) * 32 for number in range(1, 16))


def witnessed(k: int, n: int, q: int | None = None, keys: tuple[bytes, ...] = ()) -> Vault:
    plain = federation.definition(k, n)
    chosen = keys or KEYS[:n]
    return register(replace(plain, witnesses=chosen, witness_quorum=q), REGTEST)


@pytest.mark.parametrize(
    ("k", "n", "q", "f", "silent", "importers"),
    [
        (2, 3, None, 0, 1, 2),
        (2, 4, 3, 1, 1, 3),
        (3, 4, 3, 1, 1, 3),
        (11, 15, 8, 6, 4, 14),
        (11, 15, None, 6, 4, 11),
        (2, 2, None, 0, 0, 1),
        (4, 5, 3, 1, 1, 4),
        (4, 5, None, 2, 1, 4),
    ],
)
def test_what_witnesses_promise(
    k: int, n: int, q: int | None, f: int, silent: int, importers: int
) -> None:
    """The examples of the design; the quorum is a majority, or as many as sign, where it is not stated. A
    start asks no more members than there are others."""
    vault = witnessed(k, n, q)
    assert (vault.tolerated, vault.may_be_silent, vault.importers) == (f, silent, importers)
    assert vault.witnesses.quorum == (q or max(k, n // 2 + 1))
    of = Quorums(k, n, vault.witnesses.quorum)
    assert (of.tolerated, of.may_be_silent, of.importers) == (f, silent, importers)
    assert importers < n


def test_without_witnesses() -> None:
    vault = federation.vault(3, 4)
    assert (vault.tolerated, vault.may_be_silent, vault.importers) == (1, 1, 0)
    of = Quorums(3, 4, 0)
    assert (of.tolerated, of.may_be_silent, of.importers) == (1, 1, 0)
    assert Quorums(2, 4, 0).tolerated == -1


def refused(k: int, n: int, q: int | None = None, keys: tuple[bytes, ...] = ()) -> str:
    with pytest.raises(Refusal) as caught:
        witnessed(k, n, q, keys)
    return caught.value.code


def test_two_of_four_needs_a_majority_of_witnesses() -> None:
    """attacks.md: two pairs pay the same withdrawal. With three witnesses of four they cannot."""
    with pytest.raises(Refusal) as caught:
        register(federation.definition(2, 4), REGTEST)
    assert caught.value.code == "vault-quorums-disjoint"
    assert refused(2, 4, 2) == "vault-quorums-disjoint"
    assert witnessed(2, 4, 3).tolerated == 1


def test_every_member_witnesses_once() -> None:
    assert refused(2, 3, keys=KEYS[:2]) == "vault-witnesses-unlike-members"
    assert refused(2, 3, keys=KEYS[:4]) == "vault-witnesses-unlike-members"
    assert refused(2, 3, keys=(KEYS[0], KEYS[1], KEYS[0])) == "vault-witnesses-unlike-members"
    assert witnessed(2, 3, keys=KEYS[:3]).witnesses.log_keys == KEYS[:3]


def test_a_quorum_of_witnesses_is_two_at_least_and_all_at_most() -> None:
    assert refused(2, 3, 1) == "vault-witness-quorum-out-of-range"
    assert refused(2, 3, 4) == "vault-witness-quorum-out-of-range"
    assert witnessed(2, 3, 3).witnesses.quorum == 3
