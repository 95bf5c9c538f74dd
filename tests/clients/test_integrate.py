"""The vectors and the role table of docs/integrate.md are what the code does."""

import json
import re
from typing import Any

import pytest

from clients.attestor.attestor import AttestorKey
from clients.demo.scene import L2_CHAIN_ID, L2_CONTRACT, withdrawal_id
from policies.load import load_policy
from signer.bitcoin.address import address_of
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Height, Sats
from signer.core.caller import Role
from signer.core.evidence import CoinTerms, attestation_digest, statement_bytes
from signer.core.payment import WithdrawalTerms
from signer.core.stated import AddressStatement
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.edge.roles import HEALTH_CHECK, ROLES
from tests.vectors import ROOT

PAGE = (ROOT / "docs" / "integrate.md").read_text()


@pytest.fixture(scope="module")
def vectors() -> Any:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    return json.loads(block)


@pytest.fixture(scope="module")
def vault() -> Vault:
    policy = load_policy((ROOT / "policies" / "examples" / "federation.toml").read_bytes())
    (vault,) = policy.vaults
    return vault


def test_withdrawal_id(vectors: Any) -> None:
    case = vectors["withdrawal_id"]
    contract = bytes.fromhex(case["contract"])
    preimage = case["l2_chain_id"].to_bytes(4, "big") + contract
    preimage += case["burn_counter"].to_bytes(32, "big")
    assert len(preimage) == 56
    assert (preimage.hex(), sha256(preimage).hex()) == (case["preimage"], case["withdrawal_id"])


def test_the_demo_uses_the_recipe() -> None:
    preimage = L2_CHAIN_ID.to_bytes(4, "big") + L2_CONTRACT + (7).to_bytes(32, "big")
    assert withdrawal_id(7) == sha256(preimage)


def test_descriptor_and_fingerprint(vectors: Any, vault: Vault) -> None:
    case = vectors["descriptor"]
    assert case["canonical_text"] == vault.text
    assert case["fingerprint"] == sha256(case["canonical_text"].encode()).hex()
    assert case["receive_0"] == address_of(vault.script(RECEIVE, 0).script_pubkey, REGTEST)
    assert case["change_3"] == address_of(vault.script(CHANGE, 3).script_pubkey, REGTEST)


def test_withdrawal_statement(vectors: Any, vault: Vault) -> None:
    case = vectors["withdrawal_statement"]
    terms = WithdrawalTerms(
        bytes.fromhex(case["withdrawal_id"]),
        Sats(case["amount_sat"]),
        bytes.fromhex(case["script_pubkey"]),
    )
    assert statement_bytes(terms).hex() == case["statement"]
    assert attestation_digest(vault.realm, case["expiry_unix"], (terms,)).hex() == case["digest"]


def test_coin_statement(vectors: Any, vault: Vault) -> None:
    case = vectors["coin_statement"]
    terms = CoinTerms(
        OutPoint(Txid(bytes.fromhex(case["txid"])), case["vout"]),
        Sats(case["amount_sat"]),
        Height(case["confirmed_height"]),
        bytes.fromhex(case["script_pubkey"]),
    )
    assert statement_bytes(terms).hex() == case["statement"]
    assert attestation_digest(vault.realm, case["expiry_unix"], (terms,)).hex() == case["digest"]


def test_attestor_key(vectors: Any) -> None:
    case = vectors["attestor"]
    assert AttestorKey(bytes.fromhex(case["secret_key"])).public.hex() == case["attestor"]


def test_address_statement(vectors: Any, vault: Vault) -> None:
    case = vectors["address_statement"]
    stated = AddressStatement(
        case["address"],
        bytes.fromhex(case["script_pubkey"]),
        case["branch"],
        case["index"],
        case["derivation"],
    )
    assert stated.digest(vault.realm).hex() == case["digest"]


def test_the_role_table_is_the_edges() -> None:
    rows = dict(re.findall(r"^\| `([A-Z][A-Za-z]*[a-z][A-Za-z]*)` \| ([a-z, ]+) \|$", PAGE, re.M))
    wanted = {
        method: "every configured caller" if roles == set(Role) else ", ".join(sorted(roles))
        for method, roles in ROLES.items()
        if method != HEALTH_CHECK
    }
    assert rows == wanted
