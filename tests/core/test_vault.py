"""Registration: what a vault may be, and what is refused."""

from dataclasses import replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import MAINNET, REGTEST
from signer.core.errors import VerificationError
from signer.core.registry import ScriptPlace, VaultRegistry
from signer.core.vault import register
from tests import federation


def refused(**changes: object) -> str:
    with pytest.raises((VerificationError, Malformed)) as caught:
        register(replace(federation.definition(), **changes), REGTEST)  # type: ignore[arg-type]
    code: str = caught.value.code
    return code


def test_two_of_three() -> None:
    vault = register(federation.definition(), REGTEST)
    assert (vault.threshold, vault.members, vault.tolerated) == (2, 3, 0)
    assert vault.text.startswith("wsh(sortedmulti(2,[")
    assert len(vault.fingerprint) == 32


@pytest.mark.parametrize(
    ("k", "n", "f"), [(1, 1, 0), (2, 2, 1), (3, 4, 1), (11, 15, 6), (3, 5, 0), (15, 15, 14)]
)
def test_tolerated_dishonest_members(k: int, n: int, f: int) -> None:
    assert federation.vault(k, n).tolerated == f


@pytest.mark.parametrize(("k", "n"), [(2, 4), (1, 2), (1, 3), (2, 5), (7, 15)])
def test_quorums_that_share_nobody(k: int, n: int) -> None:
    """2-of-4 pays a withdrawal twice with nobody misbehaving but the relayer."""
    with pytest.raises(VerificationError) as caught:
        register(federation.definition(k, n), REGTEST)
    assert caught.value.code == "vault-quorums-disjoint"
    if (k, n) == (2, 4):
        assert "{@0, @1}" in str(caught.value)
        assert "{@2, @3}" in str(caught.value)


def test_one_key_twice() -> None:
    keys = federation.definition().keys
    # Another origin does not make it another key.
    disguised = "[00000000" + keys[0][9:]
    assert refused(keys=(keys[0], keys[1], disguised)) == "descriptor-key-repeated"


def test_one_member_in_two_places() -> None:
    """With disjoint branches BIP-388 allows it; a 2-of-3 would be one member's alone."""
    keys = federation.definition().keys[:2]
    template = "wsh(sortedmulti(2,@0/<0;1>/*,@0/<2;3>/*,@1/**))"
    assert refused(template=template, keys=keys) == "vault-key-repeated"


@pytest.mark.parametrize("lookahead", [0, -1, 100_001])
def test_lookahead(lookahead: int) -> None:
    assert refused(lookahead=lookahead) == "vault-lookahead-out-of-range"


def test_keys_of_another_network() -> None:
    with pytest.raises(Malformed) as caught:
        register(federation.definition(), MAINNET)
    assert caught.value.code == "xpub-wrong-network"


def test_two_vaults_share_a_key() -> None:
    with pytest.raises(VerificationError) as caught:
        VaultRegistry((federation.vault(), federation.vault(first=2, name="other")))
    assert caught.value.code == "vault-key-shared"
    assert (
        len(VaultRegistry((federation.vault(), federation.vault(first=3, name="other"))).all()) == 2
    )


def test_unknown_vault() -> None:
    registry = VaultRegistry((federation.vault(),))
    with pytest.raises(VerificationError) as caught:
        registry.get("other")
    assert caught.value.code == "vault-unknown"
    assert registry.get("peg") is federation.vault()


def test_windows_grow_with_what_is_seen() -> None:
    vault = federation.vault()
    registry = VaultRegistry((vault,))
    registry.cover(vault, 0, 0)
    last, beyond = vault.script(0, 19).script_pubkey, vault.script(0, 20).script_pubkey
    assert registry.find(last) == ScriptPlace("peg", 0, 19)
    assert registry.find(beyond) is None
    registry.cover(vault, 0, 1)
    assert registry.find(beyond) == ScriptPlace("peg", 0, 20)
    registry.cover(vault, 0, 0)
    assert registry.find(beyond) == ScriptPlace("peg", 0, 20)


def test_our_place_is_where_our_xpub_stands() -> None:
    vault = federation.vault()
    assert vault.positions_of(vault.xpubs()[2]) == (2,)
    assert vault.positions_of(federation.vault(first=3, name="other").xpubs()[0]) == ()


def test_two_leaves_with_one_lock_are_one_path() -> None:
    """Both are signed for, and ExtractTx takes the cheaper one."""
    definition = federation.taproot_definition()
    again = ",".join(f"@{place}/<4;5>/*" for place in (1, 2, 3))

    def paths(older: int) -> list[tuple[str, tuple[int, ...]]]:
        second = f"and_v(v:older({older}),multi_a(2,{again}))"
        tree = definition.template.removeprefix("tr(@0/**,").removesuffix(")")
        vault = register(replace(definition, template=f"tr(@0/**,{{{tree},{second}}})"), REGTEST)
        return [(path.name, path.leaves) for path in vault.paths]

    assert paths(144) == [("primary", (0,)), ("recovery", (1, 2))]
    assert paths(145) == [("primary", (0,)), ("recovery", (1,)), ("recovery-2", (2,))]
