"""A governed member from its genesis policy on: binding, starting, and changing the policy over mTLS."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from keystore.secret import Secret
from policies.load import load_policy
from signer import compose as composition
from signer.bitcoin.hashes import sha256
from signer.cli.act_file import act_json
from signer.config import load_config
from signer.core.acts import ApprovePolicy, SignedAct
from signer.core.errors import Refusal
from signer.core.ssh import format_officer
from signer.edge.server import Edge
from signer.journal.audit import read_entries, verify_journal
from signer.member_files import read_policy_bytes
from signer.read_member import read_member
from tests.cli.desk import PASSPHRASE, Desk, MemberPlace, Said, make_place
from tests.edge.lobby import AUTHORITY, INDEXER, OFFICER, served
from tests.kernel.governed import GENESIS, GOVERNANCE, Governed, governed_text
from tests.officers import Officer, SshOfficer

ADA, BOB = Officer("ada"), Officer("bob")
CYD = SshOfficer("cyd")
OFFICERS = (ADA, BOB, CYD)


def governed_member(place: MemberPlace) -> MemberPlace:
    """An unbound member whose policy has [governance]."""
    keys = ", ".join(json.dumps(format_officer(each.key)) for each in OFFICERS)
    text = place.policy.read_text().replace("[groups]\n", f"[groups]\nofficers = [{keys}]\n")
    place.policy.write_text(text + GOVERNANCE)
    return place


def texted(place: MemberPlace, pegwarden: Desk) -> str:
    """What every officer signs."""
    out = place.directory.parent / "genesis.txt"
    said = pegwarden("policy", "draft-approval", place.policy, "--out", out)
    assert (said.status, said.out) == (0, "")
    return out.read_text()


def act_files(place: MemberPlace, *acts: SignedAct) -> list[object]:
    """Options of `key bind`."""
    options = list[object]()
    for number, act in enumerate(acts):
        path = place.directory.parent / f"act-{number}.json"
        path.write_text(act_json(act))
        options += ["--approval", path]
    return options


def bind(place: MemberPlace, pegwarden: Desk, *acts: SignedAct) -> str:
    said = pegwarden("key", "bind", place.policy, *place.opened, *act_files(place, *acts), "--json")
    return "ok" if said.status == 0 else said.json["code"]


def composed(place: MemberPlace) -> composition.Member:
    return composition.compose(
        read_member(load_config(place.config)), Secret(PASSPHRASE.strip().encode())
    )


def start_refused(place: MemberPlace) -> str:
    """The code with which a start is refused; `ok` if it is not."""
    try:
        composed(place).close()
    except Refusal as refusal:
        return refusal.code
    return "ok"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> MemberPlace:
    """A bound governed member, not to be changed."""
    from tests.cli.desk import run

    place = governed_member(make_place(tmp_path_factory.mktemp("governed")))
    policy = load_policy(place.policy.read_bytes())
    text = json.loads(run("policy", "draft-approval", place.policy, "--json").out)["text"]
    assert policy.policy_id.hex() in text
    acts = act_files(place, *(each.sign(text) for each in OFFICERS))
    said = run("key", "bind", place.policy, *place.opened, *acts)
    assert said.status == 0, said
    return place


@pytest.fixture
def place(begun: MemberPlace, tmp_path: Path) -> MemberPlace:
    return begun.copy(tmp_path / "copy")


def test_a_genesis_policy_is_bound_with_the_word_of_every_officer(
    fresh: MemberPlace, pegwarden: Desk
) -> None:
    place = governed_member(fresh)
    text = texted(place, pegwarden)
    ada, bob, cyd = (each.sign(text) for each in OFFICERS)
    eve = Officer("eve").sign(text)
    unsigned = "policy-genesis-unsigned"
    assert bind(place, pegwarden) == unsigned
    assert bind(place, pegwarden, ada, bob) == unsigned
    assert bind(place, pegwarden, ada, bob, cyd, cyd) == unsigned
    assert bind(place, pegwarden, ada, bob, eve) == "officer-unknown"
    assert not (place.directory / "journal.sqlite").exists()
    assert bind(place, pegwarden, ada, bob, cyd) == "ok"
    assert pegwarden("config", "check", "--config", place.config).status == 0
    member = composed(place)
    try:
        policy = member.handler.kernel.policy_in_force()
        assert policy.policy_id == sha256(place.policy.read_bytes())
    finally:
        member.close()


def test_approvals_of_something_else_do_not_count(fresh: MemberPlace, pegwarden: Desk) -> None:
    place = governed_member(fresh)
    text = texted(place, pegwarden)
    bob, cyd = BOB.sign(text), CYD.sign(text)
    wrong = ADA.sign(text.replace("version: 1", "version: 2"))
    assert bind(place, pegwarden, wrong, bob, cyd) == "policy-genesis-unsigned"
    assert bind(place, pegwarden, ADA.sign(text), bob, cyd) == "ok"


def test_a_policy_without_governance_takes_no_approvals(
    fresh: MemberPlace, pegwarden: Desk
) -> None:
    text = texted(fresh, pegwarden)
    assert bind(fresh, pegwarden, ADA.sign(text)) == "policy-genesis-unsigned"
    assert bind(fresh, pegwarden) == "ok"
    assert start_refused(fresh) == "ok"


def test_a_binding_cut_short_is_taken_up(
    fresh: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power fails before the officers' words are on record, and before the keys are bound."""
    place = governed_member(fresh)
    text = texted(place, pegwarden)
    acts = [each.sign(text) for each in OFFICERS]
    for cut in ("open_journal", "bind"):
        with monkeypatch.context() as patched:
            patched.setattr(f"signer.cli.binding.{cut}", _power_fails)
            said = pegwarden("key", "bind", place.policy, *place.opened, *act_files(place, *acts))
            assert said.status == 1
    assert bind(place, pegwarden, *acts) == "ok"
    assert verify_journal(place.directory / "journal.sqlite").entries == 1 + 1 + 3 + 1
    assert start_refused(place) == "ok"


def _power_fails(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_the_policy_file_descends_from_the_bound_one(place: MemberPlace) -> None:
    installed = place.directory / "policy.toml"
    genesis = installed.read_bytes()
    assert start_refused(place) == "ok"
    installed.write_bytes(genesis + b"# the same rules, another file\n")
    assert start_refused(place) == "policy-not-descended"
    installed.write_bytes(genesis.replace(GOVERNANCE.encode(), b""))
    assert start_refused(place) == "key-wrong-policy"
    installed.write_bytes(genesis)
    assert start_refused(place) == "ok"


def test_a_journal_that_does_not_begin_with_the_officers_words(
    place: MemberPlace, pegwarden: Desk
) -> None:
    """The entries after the first one are cut off, and what derives from them."""
    assert start_refused(place) == "ok"
    path = place.directory / "journal.sqlite"
    first = next(iter(read_entries(path, 0))).leaf
    with sqlite3.connect(path) as journal:
        journal.execute("DELETE FROM governance")
        journal.execute("DELETE FROM events")
    assert next(iter(read_entries(path, 0))).leaf == first
    assert start_refused(place) == "policy-not-descended"


@pytest.fixture
def governed(tmp_path: Path) -> Iterator[Governed]:
    made = Governed.start(tmp_path / "kernel")
    yield made
    made.running.stop()


def asked(
    pegwarden: Desk, folder: Path, governed: Governed, command: tuple[object, ...], **more: object
) -> Said:
    """`pegwarden policy ...` against that kernel, served over mTLS."""
    who = more.get("who", OFFICER)
    assert isinstance(who, type(OFFICER))
    (folder / "ca.pem").write_bytes(AUTHORITY.issued.certificate_pem)
    (folder / "us.pem").write_bytes(who.certificate_pem)
    (folder / "us.key").write_bytes(who.key_pem)
    with served(governed.running.handler.handle) as lobby:
        assert isinstance(lobby.edge, Edge)
        return pegwarden(
            *("policy", *command),
            *("--connect", f"127.0.0.1:{lobby.port}", "--ca", folder / "ca.pem"),
            *("--cert", folder / "us.pem", "--cert-key", folder / "us.key"),
        )


def test_a_policy_is_proposed_approved_and_shown(
    pegwarden: Desk, tmp_path: Path, governed: Governed
) -> None:
    file, text, act = (tmp_path / name for name in ("new.toml", "text", "act.json"))
    file.write_bytes(governed_text(2, "1 BTC"))
    said = asked(pegwarden, tmp_path, governed, ("propose", file, "--out", text))
    assert said.status == 0
    assert "version 2: proposed" in said.out
    assert "verdict   tighter" in said.out
    assert "approve policy" not in said.out
    act.write_text(act_json(ADA.sign(text.read_text())))
    said = asked(pegwarden, tmp_path, governed, ("approve", act))
    assert "version 2: in force" in said.out
    assert f"    {format_officer(ADA.key)}" in said.out
    assert "lapses unless the quorum confirms before" in said.out
    said = asked(pegwarden, tmp_path, governed, ("status", "--json"))
    assert [each["state"] for each in said.json["policies"]] == ["superseded", "in force"]
    kept = tmp_path / "kept.toml"
    said = asked(pegwarden, tmp_path, governed, ("status", "--out", kept))
    assert said.status == 0
    assert kept.read_bytes() == file.read_bytes()


def test_a_scheduled_policy_says_from_when(
    pegwarden: Desk, tmp_path: Path, governed: Governed
) -> None:
    loose = governed_text(2, "4 BTC").replace(
        b'network = "regtest"\n', b'network = "regtest"\nexpires = "2040-01-01T00:00:00Z"\n'
    )
    (tmp_path / "new.toml").write_bytes(loose)
    said = asked(pegwarden, tmp_path, governed, ("propose", tmp_path / "new.toml"))
    assert "action: approve policy" in said.out
    governed.approve(ADA, loose)
    governed.approve(BOB, loose)
    chosen = ("status", "--policy", sha256(loose).hex())
    said = asked(pegwarden, tmp_path, governed, chosen)
    assert "version 2: scheduled" in said.out
    assert "  in force from " in said.out
    assert "  expires   2040-01-01T00:00:00Z" in said.out
    assert "version 1" not in said.out


def test_refusals_are_told_with_their_codes(
    pegwarden: Desk, tmp_path: Path, governed: Governed
) -> None:
    (tmp_path / "old.toml").write_bytes(GENESIS + b"# again\n")
    proposed = ("propose", tmp_path / "old.toml", "--json")
    said = asked(pegwarden, tmp_path, governed, proposed)
    assert (said.status, said.json["code"]) == (1, "policy-version-order")
    said = asked(pegwarden, tmp_path, governed, proposed, who=INDEXER)
    assert (said.status, said.json["code"]) == (1, "role-not-allowed")
    act = ApprovePolicy(bytes(32), governed.in_force, 2)
    (tmp_path / "act.json").write_text(act_json(ADA.says(act, governed.member.clock.now() + 60)))
    said = asked(pegwarden, tmp_path, governed, ("approve", tmp_path / "act.json", "--json"))
    assert (said.status, said.json["code"]) == (1, "policy-not-proposed")
    assert asked(pegwarden, tmp_path, governed, ("status", "--policy", "xy")).status == 2


def test_the_text_for_genesis_is_shown(pegwarden: Desk, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(GENESIS)
    shown = pegwarden("policy", "draft-approval", file)
    told = pegwarden("policy", "draft-approval", file, "--json").json
    assert f"policy: {sha256(read_policy_bytes(file)).hex()}" in shown.out
    assert len(told["officers"]) == 3
    assert f"replaces: {'00' * 32}" in told["text"]


def test_an_officer_drafts_the_text_that_a_kernel_answers(
    pegwarden: Desk, tmp_path: Path, governed: Governed
) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_bytes(GENESIS)
    new.write_bytes(governed_text(2, "1 BTC"))
    drafted = pegwarden("policy", "draft-approval", new, "--replaces", old, "--json").json["text"]
    answered = asked(pegwarden, tmp_path, governed, ("propose", new, "--json")).json["text"]
    assert drafted.splitlines()[:-1] == answered.splitlines()[:-1]  # but for the expiry
