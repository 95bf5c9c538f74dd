"""The relayer's command: a job file, evidence that attestors gave, a payment, a bump, a confirmation."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from clients.bitcoind import Bitcoind
from clients.demo.scene import VAULT
from clients.relayer.draft import Draft
from clients.relayer.federation import NotSigned, WouldRefuse
from clients.relayer.relayer import NotAccepted
from signer.bitcoin.transaction import display
from tests.regtest.crash import Company, company
from tests.regtest.founded import Founded

AMOUNT = 20_000_000


def job(members: Company, draft: Draft) -> dict[str, Any]:
    """What the relayer's operator writes."""
    order = json.loads(members.cast.burns.read_text())[0]
    (outpoint,) = draft.inputs
    return {
        "network": "regtest",
        "vault_id": VAULT,
        "node": {
            "port": members.cast.node.address.port,
            "cookie": str(members.cast.node.address.cookie),
        },
        "members": [
            {
                "name": house.name,
                "address": house.address,
                "ca": str(house.credentials("relayer").ca),
                "certificate": str(house.credentials("relayer").certificate),
                "key": str(house.credentials("relayer").key),
            }
            for house in members.houses
        ],
        "orders": [order],
        "coins": [{"txid": display(outpoint.txid), "vout": outpoint.vout, "branch": 0, "index": 0}],
        "attestations": [MessageToDict(each) for each in draft.attestations],
    }


def relayer(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clients.relayer", *arguments]
    environment = os.environ | {"GRPC_VERBOSITY": "NONE"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_pay_bump_and_follow(bitcoind: Bitcoind, founded: Founded, tmp_path: Path) -> None:
    with company(tmp_path / "members", bitcoind, founded) as members:
        (draft,) = members.drafts(members.fund([50_000_000]), [AMOUNT])
        written, file = job(members, draft), tmp_path / "job.json"
        file.write_text(json.dumps(written | {"attestations": written["attestations"][:1]}))
        refused = relayer(str(file), "pay", "--fee-rate", "2000")
        assert (refused.returncode, "attestation-missing" in refused.stderr) == (1, True)

        file.write_text(json.dumps(written))
        paid = relayer(str(file), "pay", "--fee-rate", "2000")
        assert paid.returncode == 0, paid.stderr
        withdrawal = written["orders"][0]["withdrawal_id"]
        bumped = relayer(str(file), "bump", withdrawal, "--fee-rate", "2000")
        assert bumped.returncode == 0, bumped.stderr
        assert bumped.stdout.strip() != paid.stdout.strip()
        assert bitcoind.rpc("getrawmempool") == [bumped.stdout.strip()]
        bitcoind.mine(1)
        followed = relayer(str(file), "follow", bumped.stdout.strip(), "--depth", "1")
        assert followed.stdout.split() == [bumped.stdout.strip(), "1"]

        with pytest.raises(NotAccepted, match=r"missing-inputs|already|conflict"):
            members.cast.relayer.broadcast(_earlier_version(members, draft))
        _ask_for_an_unknown_withdrawal(members)


def _earlier_version(members: Company, draft: Draft) -> bytes:
    federation = members.cast.relayer.federation
    return federation.extract(federation.collect(draft))


def _ask_for_an_unknown_withdrawal(members: Company) -> None:
    with pytest.raises(NotSigned, match="withdrawal-unknown"):
        members.cast.relayer.further_version(b"\x99" * 32, 1_000)


def test_what_would_be_refused_is_not_asked_to_be_signed(
    bitcoind: Bitcoind, founded: Founded, tmp_path: Path
) -> None:
    with company(tmp_path, bitcoind, founded) as members:
        (draft,) = members.drafts(members.fund([50_000_000]), [AMOUNT])
        unproven = Draft(draft.psbt, draft.payments, (), draft.fee_sat, draft.vsize)
        with pytest.raises(NotSigned) as caught:
            members.cast.relayer.federation.collect(unproven)
        reasons = caught.value.reasons
        assert [type(reason) for reason in reasons] == [WouldRefuse] * 3
        assert all("coin-unproven" in str(reason) for reason in reasons)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"network": "regtest"}', '{"network": 1, "vault_id": 2}']
)
def test_a_file_that_is_no_job_is_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "job.json"
    file.write_text(content)
    done = relayer(str(file), "pay", "--fee-rate", "2000")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
