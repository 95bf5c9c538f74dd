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
    "batch-root-conflict": "a second root for the same batch",
    "mixed-purposes": "an anchor with a payment beside it",
    "anchor-not-from-vault": "a stranger's OP_RETURN offered as ours",
    "recovery-may-not-pay": "a withdrawal through the recovery path",
    "sequence-refused": "nSequence that would enable it",
    "input-script-mismatch": "a forged control block, leaf version 0xfe",
    "input-already-final": "an annex",
    "descriptor-internal-key": "a spendable internal key",
    "sweep-statement-used": "a sweep statement used twice",
    "policy-genesis-unsigned": "a genesis policy not signed by all its officers, or edited since",
    "policy-not-descended": "a foreign policy in the place of the bound one",
    "hold-repeated": "an officer holds again what the others have lifted",
    "agreement-starting": "a member that was put back, before it has imported what binds it",
    "withdrawal-twin-open": "an equal withdrawal while the first one is open",
    "kernel-paused": "a retry, of a kernel that an officer paused",
    "journal-tampered": "an exported log with one bit changed",
}

TOLD = (
    "a relayer without memory finished",
    "a withdrawal from Taproot",
    "each member held another pin",
    "batch 1 of PGWD anchored from peg",
    "batch 1000 of GAME anchored from peg",
    "batch 2 of PGWD anchored from tap",
    "batch 1007 of GAME anchored from tap",
    "rotated from peg to next",
    "rotated from tap to next",
    "one member signed a recovery; the node before its time: non-BIP68-final",
    "10 blocks later it was accepted",
    "ada alone lowered a fee cap to 100 sat, in force at once",
    "ada cannot tighten again alone",
    "ben and cleo reverted it, in force at once",
    "is looser: held for two officers, then for 5 s",
    "above the limit: pending, approval-missing, not-aged",
    "ada and ben lifted the hold; cleo cannot hold it again",
    "ben reviewed the packet offline and approved, by ssh-keygen -Y sign",
    "aged and approved by two, it was signed and accepted",
    "its fee bump was signed without asking officers again",
    "dora started, and waits for members",
    "dora has it on record and signs nothing: entry",
    "the relayer carried the grants, two signed",
    "erik is down: dora waits for members",
    "faye has the second payment on record, and nobody who grants it",
    "erik is back: dora took its lost entries from it, and serves",
    "a relayer that lost everything finished it from their lists; paid once",
    "under 6 blocks 3 payments are closed, by evidence",
    "attested after that, the equal one is paid",
    "ada alone paused dora: it signs nothing, retries neither",
    "ben and cleo resumed it: the retry is signed again",
    "the exported log verifies offline, by the log key alone",
    "the relayer's receipt is genuine, and its entry is in the log",
)
"""What happens beside refusals."""


def test_the_demo_ends_well_and_refuses_what_it_must() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clients.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-3_000:]
    line = json.loads(done.stdout.rstrip("\n").rpartition("\n")[2])
    assert list(line) == [
        "ok",
        "deposit_txids",
        "withdrawal_txids",
        "anchor_txids",
        "agreement",
        "refused",
        "seconds",
    ]
    assert line["ok"] is True
    assert len(line["deposit_txids"]) >= 1
    assert len(set(line["withdrawal_txids"])) >= 10
    assert len(set(line["anchor_txids"])) == 4
    assert line["agreement"] == {
        "closed": 3,
        "pauses": 1,
        "proofs verified": 3,
        "rolled forward": 1,
        "signed with grants": 4,
    }
    assert MUST_REFUSE.keys() - line["refused"].keys() == set()
    assert len(line["refused"]) >= 30
    for told in TOLD:
        assert told in done.stdout, told
    assert "Traceback" not in done.stderr
