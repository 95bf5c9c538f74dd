"""`journal show` and `journal verify` of clocks, officers' acts, policies and their steps."""

from pathlib import Path

from signer.bitcoin.hashes import sha256
from signer.core.governance import Step
from tests.cli.desk import Desk
from tests.core.spends import NOW, withdrawal_id
from tests.journal.desk import desk
from tests.journal.words import (
    OFFICERS,
    approval,
    attested,
    noted,
    proposed,
    said,
    stepped,
    terms_of,
)


def test_notices_are_shown_and_verified(tmp_path: Path, pegwarden: Desk) -> None:
    path, policy_id = tmp_path / "journal.sqlite", sha256(b"policy").hex()
    with desk(path) as journal:
        noted(
            journal,
            attested(terms_of(1), terms_of(2)),
            said(approval(1)),
            proposed(b"policy"),
            stepped(b"policy", Step.SCHEDULED, NOW),
            stepped(b"policy", Step.IN_FORCE),
        )
    entries = pegwarden("journal", "show", path, "--start", 1, "--json").json["entries"]
    told = [(each["kind"], each["caller"], each["about"]) for each in entries]
    ids = [withdrawal_id(1).hex(), withdrawal_id(2).hex()]
    assert told == [
        ("attested", "relayer", f"a quorum of attestors vouched for {ids[0]}, {ids[1]}"),
        ("officer", "officer", f"approve withdrawal, officer {OFFICERS[0].hex()}"),
        ("policy", "officer", f"proposed: policy {policy_id}, version 1, looser"),
        ("step", "", f"scheduled: policy {policy_id}, 2027-01-15T08:00:00Z"),
        ("step", "", f"in force: policy {policy_id}"),
    ]
    assert entries[0]["withdrawal_ids"] == ids
    assert entries[1]["text"].startswith("pegwarden officer act")
    assert "approve withdrawal, officer" in pegwarden("journal", "show", path).out
    assert pegwarden("journal", "verify", path, "--json").json["entries"] == 6
