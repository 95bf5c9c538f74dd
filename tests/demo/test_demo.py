"""The demo does what the README says, and says so in its last line."""

import json
import subprocess
import sys

from tests.vectors import ROOT

MUST_REFUSE = {
    "attestation-missing": "a changed destination, a missing attestation, one attestor twice",
    "witness-utxo-mismatch": "an amount lie",
    "coin-unproven": "a phantom coin",
    "input-foreign": "a foreign input",
    "output-unexplained": "an extra output",
    "payment-script-refused": "a payment to an OP_RETURN",
    "change-wrong-branch": "change to a key of the wrong branch",
    "sighash-type-refused": "NONE, SINGLE, ANYONECANPAY",
    "withdrawal-pinned": "the same withdrawal again from other coins",
    "pin-spent-unpaid": "the pin spent without paying",
    "fee-too-high": "a fee above the cap",
    "outflow-exceeded": "the day's outflow, also split or hidden in a bump",
    "role-not-allowed": "a caller with the wrong role",
    "vault-quorums-disjoint": "a 2-of-4 vault",
}


def test_the_demo_ends_well_and_refuses_what_it_must() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clients.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-3_000:]
    line = json.loads(done.stdout.rstrip("\n").rpartition("\n")[2])
    assert list(line) == [
        "ok",
        "deposit_txids",
        "withdrawal_txids",
        "anchor_txids",
        "refused",
        "seconds",
    ]
    assert line["ok"] is True
    assert len(line["deposit_txids"]) >= 1
    assert len(line["withdrawal_txids"]) >= 1
    assert line["anchor_txids"] == []
    assert MUST_REFUSE.keys() - line["refused"].keys() == set()
    assert len(line["refused"]) >= 15
    assert "Traceback" not in done.stderr
