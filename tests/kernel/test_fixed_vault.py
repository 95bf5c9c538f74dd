"""Kernels of vaults whose members' keys are in tokens: what they sign, say of themselves, and hand out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from coincurve import PrivateKey

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.bitcoin.errors import Malformed
from signer.core.errors import Refusal
from signer.core.vault import Vault
from tests import federation
from tests.bitcoin.test_fixed_keys import FIXED, TOKENS
from tests.core.spends import Coin
from tests.kernel.pinned import PinnedMember
from tests.kernel.room import (
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)

RANGED = "@0/**,@1/**,@2/**"


def policy_of(places: str, *keys: str) -> bytes:
    text = policy_text().decode().replace(RANGED, places)
    for member, key in zip(federation.MEMBERS, keys, strict=False):
        text = text.replace(member.key_text, key)
    return text.encode()


ALL_TOKENS, ONE_TOKEN = policy_of("@0,@1,@2", *FIXED), policy_of("@0,@1/**,@2/**", FIXED[0])


Start = Callable[[bytes, int], Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def begin(policy: bytes, number: int) -> Running:
        place = tmp_path / f"{len(running)}"
        if load_policy(policy).vaults[0].places[number].branches:
            member = Member(place, number, policy)
        else:
            secret = PrivateKey(bytes([number + 1]) * 32)
            member = PinnedMember(place, number, policy, secret=secret)
        running.append(member.init().start())
        return running[-1]

    yield begin
    for each in running:
        each.stop()


def vault_of(policy: bytes) -> Vault:
    return load_policy(policy).vaults[0]


def pay(vault: Vault, kernels: tuple[Running, Running]) -> pb.ExtractTxResponse:
    """A withdrawal that both sign, and its transaction."""
    coins = (Coin(vault),)
    built = kernels[0].construct(construct_request(coins))
    assert built.psbt == kernels[1].construct(construct_request(coins)).psbt
    evidence = attested(coins)
    answers = [kernel.sign(sign_request(built, evidence)).psbt for kernel in kernels]
    asked = pb.ExtractTxRequest(vault_id="peg", psbts=answers)
    return pb.ExtractTxResponse.FromString(kernels[0].call("ExtractTx", asked))


@pytest.mark.parametrize("policy", [ALL_TOKENS, ONE_TOKEN])
def test_two_members_pay(start: Start, policy: bytes) -> None:
    """Complete is what Core's consensus code accepts."""
    assert pay(vault_of(policy), (start(policy, 0), start(policy, 1))).complete


def test_what_such_a_kernel_says_of_itself(start: Start) -> None:
    kernel, vault = start(ALL_TOKENS, 0), vault_of(ALL_TOKENS)
    for _ in range(2):  # nothing moves with a withdrawal
        (said,) = kernel.info().vaults
        assert (said.our_xpub, said.next_change_index, said.change_index_end) == (FIXED[0], 0, 1)
        pay(vault, (kernel, start(ALL_TOKENS, 1)))
    mixed = start(ONE_TOKEN, 0)
    (said,) = mixed.info().vaults
    assert (said.our_xpub, said.change_index_end) == (FIXED[0], 20)
    assert TOKENS[0].hex() in said.descriptor


def address(kernel: Running, branch: "t.Branch", index: int) -> pb.VaultAddress:
    asked = pb.GetVaultAddressRequest(vault_id="peg", branch=branch, index=index)
    return pb.GetVaultAddressResponse.FromString(kernel.call("GetVaultAddress", asked)).address


def test_one_address_is_handed_out(start: Start) -> None:
    kernel, vault = start(ALL_TOKENS, 0), vault_of(ALL_TOKENS)
    given = address(kernel, t.BRANCH_RECEIVE, 0)
    assert given.script_pubkey == vault.script(0, 0).script_pubkey
    assert given.derivation == ""
    with pytest.raises(Refusal) as caught:
        address(kernel, t.BRANCH_RECEIVE, 1)
    assert caught.value.code == "address-index-too-high"
    with pytest.raises((Refusal, Malformed)) as malformed:
        address(kernel, t.BRANCH_CHANGE, 0)
    assert malformed.value.code == "vault-one-address"
    mixed = start(ONE_TOKEN, 1)
    assert address(mixed, t.BRANCH_CHANGE, 3).derivation == "/1/3"
