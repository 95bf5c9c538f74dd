"""`journal show` and `journal verify` of clocks, officers' acts, policies and their steps."""

from pathlib import Path

from signer.bitcoin.hashes import hash256, sha256
from signer.bitcoin.transaction import OutPoint, Txid, display
from signer.cli.journal_notices import described_notice
from signer.core.governance import Step
from signer.core.released import ReleasedNotice
from tests.cli.desk import Desk
from tests.core.spends import NOW, withdrawal_id
from tests.journal.desk import desk
from tests.journal.test_deposits_codec import DEPOSIT, REORGANISED
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


def test_releases_are_told() -> None:
    pin, raw = OutPoint(Txid(b"\x01" * 32), 2), b"transaction"
    struck = ReleasedNotice(NOW, "relayer", bytes(32), bytes(32), terms_of(1), pin, (raw,), b"", ())
    told = described_notice(struck)
    killer, withdrawal = display(Txid(hash256(raw))), withdrawal_id(1).hex()
    assert told["about"] == f"withdrawal {withdrawal}: pin {pin} struck, by {killer}"
    assert (told["kind"], told["withdrawal_ids"], told["txid"]) == (
        "released",
        [withdrawal],
        killer,
    )
    closed = ReleasedNotice(
        NOW, "relayer", bytes(32), bytes(32), terms_of(1), None, (raw,), b"", ()
    )
    assert described_notice(closed)["about"] == f"withdrawal {withdrawal}: closed, by {killer}"


def test_deposits_and_reorganisations_are_told() -> None:
    told = described_notice(DEPOSIT)
    payload, txid = DEPOSIT.facts.payload, display(DEPOSIT.facts.outpoint.txid)
    assert told["about"] == (
        f"deposit {DEPOSIT.facts.outpoint} of 250000 sat, 6 confirmations: attested to "
        f"{payload.l2_address.hex()} on chain 31337"
    )
    assert (told["kind"], told["txid"], told["vout"], told["height"]) == (
        "deposit",
        txid,
        1,
        800_000,
    )
    assert told["block"] == display(Txid(DEPOSIT.facts.block_hash))
    assert (told["scheme"], told["attestation_key"]) == ("bip340", DEPOSIT.key.hex())
    undone = described_notice(REORGANISED)
    assert undone["about"] == "blocks left the best chain on which 2 entries relied"
    assert (undone["kind"], undone["entries"]) == ("reorganised", [4, 4])
    assert undone["blocks"] == [display(Txid(each * 32)) for each in (b"\x0b", b"\x0c")]
