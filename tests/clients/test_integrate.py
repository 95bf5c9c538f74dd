"""docs/integrate.md says what the code does. Its vectors are computed again in tests/foreign."""

import re

from clients.demo.scene import L2_CHAIN_ID, L2_CONTRACT, withdrawal_id
from pegwarden.v1 import types_pb2
from signer.bitcoin.hashes import sha256
from signer.core.caller import Role
from signer.core.catalogue import CATALOGUE
from signer.core.evidence import HORIZON, StatementKind
from signer.edge.roles import HEALTH_CHECK, ROLES, SERVICES
from tests.vectors import ROOT

PAGE = (ROOT / "docs" / "integrate.md").read_text()


def test_the_demo_uses_the_recipe_of_withdrawal_ids() -> None:
    preimage = L2_CHAIN_ID.to_bytes(4, "big") + L2_CONTRACT + (7).to_bytes(32, "big")
    assert withdrawal_id(7) == sha256(preimage)


def test_the_role_table_is_the_edges() -> None:
    rows = dict(re.findall(r"^\| `([A-Z][A-Za-z]*[a-z][A-Za-z]*)` \| ([a-z, ]+) \|$", PAGE, re.M))
    wanted = {
        method: "every configured caller" if roles == set(Role) else ", ".join(sorted(roles))
        for method, roles in ROLES.items()
        if method != HEALTH_CHECK
    }
    assert rows == wanted


def test_every_disposition_says_what_to_do() -> None:
    rows = set(re.findall(r"^\| `([A-Z_]+)` \| ", PAGE, re.M))
    names = types_pb2.Disposition.keys()
    assert rows == {name.removeprefix("DISPOSITION_") for name in names[1:]}


def test_every_code_and_rpc_that_the_page_names_exists() -> None:
    codes = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE)) - {
        "grpc-status-details-bin",
        "hsm-sealed",  # a kind of key
    }
    assert codes <= set(CATALOGUE)
    assert len(codes) > 10
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][A-Za-z]+)?)[`.(]", PAGE))
    services = {name.rpartition(".")[2] for name in SERVICES}
    assert named - services - {"ErrorInfo", "RetryInfo"} == set(ROLES) - {HEALTH_CHECK}


def test_every_kind_of_statement_has_its_bytes_and_horizon() -> None:
    assert set(StatementKind) == {"withdrawal", "coin", "anchor", "sweep", "spent"}
    for kind in StatementKind:
        (row,) = re.findall(rf"^{kind}: .*?([0-9]+ (?:days|hour))(?: ahead)?$", PAGE, re.M)
        assert HORIZON[kind] == {"7 days": 7 * 86_400, "1 hour": 3_600}[row]
