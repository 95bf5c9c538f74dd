"""What is a deposit, what the policy takes, and what an attestation signs: each rule and its twin."""

from dataclasses import replace
from hashlib import sha256

import pytest

from signer.bitcoin.burial import Burial
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import tagged_hash
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.deposits import (
    TAG,
    DepositClaim,
    DepositFacts,
    DepositTerms,
    attestation_bytes,
    attestation_digest_of,
    deposit_objections,
    unburied,
)
from signer.core.errors import Refusal
from signer.core.opreturn import Anchor, encode_payload, op_return_script
from signer.core.vault import CHANGE, RECEIVE, Vault
from tests import federation
from tests.core.deposited import AMOUNT, INDEX, MAGIC, PAYLOAD, UserDeposit
from tests.core.spends import USER_SCRIPT

COLD = federation.vault(first=3, name="cold")
TERMS = DepositTerms(None, Sats(0), 6, None, frozenset({MAGIC}))
CLAIM = DepositClaim(federation.vault(), INDEX, 0)
FACTS = UserDeposit().facts()


def codes(deposit: UserDeposit, claim: DepositClaim = CLAIM, **how: bool) -> list[str]:
    try:
        deposit.facts(claim, **how)
    except Refusal as refusal:
        return [each.code for each in refusal.objections]
    return []


def test_a_deposit_is_what_it_says() -> None:
    facts = FACTS
    assert facts.vault_fingerprint == federation.vault().fingerprint
    assert (facts.outpoint.txid, facts.outpoint.vout) == (UserDeposit().transaction.txid, 0)
    assert (facts.amount, facts.payload) == (AMOUNT, PAYLOAD)
    assert (facts.block_hash, facts.height) == (b"\x0b" * 32, 7)


def test_an_index_beyond_the_window_is_found_by_its_claim() -> None:
    far = 5_000
    deposit = UserDeposit(index=far)
    assert codes(deposit, replace(CLAIM, index=far)) == []
    assert codes(deposit) == ["deposit-output"]
    with pytest.raises(Malformed):
        deposit.facts(replace(CLAIM, index=2**31))


def test_the_output_named_is_the_deposit() -> None:
    assert codes(UserDeposit(), replace(CLAIM, vout=1)) == ["deposit-output"]
    assert codes(UserDeposit(), replace(CLAIM, index=INDEX + 1)) == ["deposit-output"]
    assert codes(UserDeposit(), replace(CLAIM, vault=COLD)) == ["deposit-output"]
    assert codes(UserDeposit(vault=COLD), replace(CLAIM, vault=COLD)) == []


def test_a_deposit_pays_the_receive_branch_of_one_vault_once() -> None:
    assert codes(UserDeposit(branch=CHANGE)) == ["deposit-output"]
    for vault in (federation.vault(), COLD):
        beside = TxOut(Sats(1_000), vault.script(RECEIVE, 4).script_pubkey)
        assert codes(UserDeposit(more=(beside,))) == ["deposit-output"]
    assert codes(UserDeposit(more=(TxOut(Sats(1_000), USER_SCRIPT),))) == []


def test_a_deposit_has_one_payload() -> None:
    second = TxOut(Sats(0), op_return_script(encode_payload(PAYLOAD)))
    assert codes(UserDeposit(more=(second,))) == ["deposit-op-return"]
    anchor = Anchor(MAGIC, 1, b"\x01" * 32, b"\x02" * 32)
    assert codes(UserDeposit(payload=anchor)) == ["deposit-mismatch"]


@pytest.mark.parametrize("vault", [federation.vault(), COLD])
@pytest.mark.parametrize("branch", [RECEIVE, CHANGE])
def test_no_vault_deposits_in_a_vault(vault: Vault, branch: int) -> None:
    forged = UserDeposit(from_script=vault.script(branch, 2).script_pubkey)
    assert codes(forged) == ["deposit-from-vault"]
    assert codes(UserDeposit()) == []


def test_a_coin_on_record_is_a_vaults_whatever_the_windows_know() -> None:
    assert codes(UserDeposit(), on_record=True) == ["deposit-from-vault"]
    assert codes(UserDeposit(), on_record=False) == []


def test_where_it_comes_from_is_proven() -> None:
    assert codes(UserDeposit(), proven=False) == ["deposit-origin-unproven"]


# What the policy takes


def asked(facts: DepositFacts = FACTS, **terms: object) -> list[str]:
    return [each.code for each in deposit_objections(facts, replace(TERMS, **terms))]  # type: ignore[arg-type]


def test_amounts_have_bounds() -> None:
    assert asked(least=Sats(AMOUNT)) == asked(cap=Sats(AMOUNT)) == asked() == []
    assert asked(least=Sats(AMOUNT + 1)) == ["deposit-too-small"]
    assert asked(cap=Sats(AMOUNT - 1)) == ["deposit-above-cap"]


def test_deposits_may_end_at_a_block() -> None:
    assert asked(until=FACTS.height) == []
    assert asked(until=Height(FACTS.height - 1)) == ["deposit-late"]


def test_the_magic_is_a_rollups() -> None:
    assert asked(magics=frozenset({b"else"})) == ["rollup-unknown"]
    assert asked(magics=frozenset({b"else", MAGIC})) == []


def test_depth_counts_confirmations() -> None:
    assert unburied(Burial(6, 12), 6) is None
    for blocks in (0, 5):
        found = unburied(Burial(blocks, 10**6), 6)
        assert found is not None
        assert found.code == "deposit-unburied"


# What is signed


def test_the_bytes_of_an_attestation() -> None:
    """Written out once more, as docs/spv.md has it."""
    expected = (
        REGTEST.genesis_hash
        + federation.vault().fingerprint
        + UserDeposit().transaction.txid
        + b"\x00\x00\x00\x00"
        + b"\x00\x00\x00\x00\x00\x03\xd0\x90"
        + b"PGWD"
        + b"\x00\x00\x7a\x69"
        + b"\x05" * 20
        + b"\x0b" * 32
        + b"\x00\x00\x00\x07"
    )
    assert attestation_bytes(REGTEST.genesis_hash, FACTS) == expected
    assert len(expected) == 172
    tag = sha256(TAG.encode()).digest()
    digest = sha256(tag + tag + expected).digest()
    assert (
        attestation_digest_of(REGTEST.genesis_hash, FACTS) == digest == tagged_hash(TAG, expected)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"vault_fingerprint": bytes(32)},
        {"outpoint": FACTS.outpoint._replace(vout=1)},
        {"amount": Sats(AMOUNT + 1)},
        {"payload": replace(PAYLOAD, magic=b"else")},
        {"payload": replace(PAYLOAD, l2_chain_id=1)},
        {"payload": replace(PAYLOAD, l2_address=b"\x06" * 20)},
        {"block_hash": bytes(32)},
        {"height": Height(8)},
    ],
)
def test_another_fact_is_another_digest(change: dict[str, object]) -> None:
    genesis = REGTEST.genesis_hash
    other = replace(FACTS, **change)  # type: ignore[arg-type]
    assert attestation_digest_of(genesis, other) != attestation_digest_of(genesis, FACTS)
    assert attestation_digest_of(bytes(32), FACTS) != attestation_digest_of(genesis, FACTS)
