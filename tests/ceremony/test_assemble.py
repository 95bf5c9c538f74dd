"""`pegwarden key record` and `pegwarden vault assemble | sign`: three members become a vault."""

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from keystore.header import LEAST_COST
from keystore.identity import new_identity
from keystore.vault_key import new_vault_key
from policies.proquint import words_of
from signer.cli.main import main
from tests.cli.desk import PASSPHRASE, Desk, Said
from tests.federation import WATCHERS

PEOPLE = ("alice", "bob", "carol")


@dataclass(frozen=True)
class Members:
    """Three member directories, their records and their policy."""

    folder: Path

    @property
    def policy(self) -> Path:
        return self.folder / "policy.toml"

    def config(self, name: str) -> Path:
        return self.folder / name / "pegwarden.toml"

    def key(self, name: str) -> Path:
        return self.folder / name / "keys" / "vault.json"

    def opened(self, name: str) -> tuple[object, ...]:
        return ("--config", self.config(name), "--passphrase-file", self.folder / "passphrase")

    def record(self, name: str) -> Path:
        return self.folder / f"{name}.record"

    @property
    def records(self) -> tuple[object, ...]:
        return tuple(part for name in PEOPLE for part in ("--record", self.record(name)))

    def signed(self, *names: str) -> tuple[object, ...]:
        return tuple(
            part for name in names for part in ("--signature", self.folder / f"{name}.sig")
        )


def quietly(*arguments: object) -> str:
    """The command in this process, as `desk` runs it; what it printed."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(printed):
        for name, make in (("new_identity", new_identity), ("new_vault_key", new_vault_key)):
            cheap = partial(make, cost=LEAST_COST)
            patched.setattr(f"signer.cli.member_directory.{name}", cheap)
        assert main([str(each) for each in arguments]) == 0
    return printed.getvalue()


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Not to be changed."""
    made = Members(tmp_path_factory.mktemp("members"))
    secret = made.folder / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    keys = []
    for name in PEOPLE:
        given = ("--network", "regtest", "--name", name, "--json", "--passphrase-file", secret)
        keys.append(json.loads(quietly("init", made.folder / name, *given))["xpub"])
        quietly("key", "record", "make", made.key(name), made.record(name), *made.opened(name))
    text = (made.folder / "alice" / "policy.template.toml").read_text()
    text = text.replace("PASTE THE SECOND MEMBER'S KEY", keys[1])
    text = text.replace("PASTE THE THIRD MEMBER'S KEY", keys[2])
    for watcher in WATCHERS:
        text = text.replace("PASTE AN ATTESTOR'S X-ONLY KEY", watcher.key.hex(), 1)
    made.policy.write_text(text)
    return made


def assembled(desk: Desk, members: Members, *options: object) -> Said:
    return desk("vault", "assemble", members.policy, "--vault", "peg", *members.records, *options)


def refused(said: Said, code: str) -> None:
    assert (said.status, code in said.err) == (1, True), said


def test_records_are_verified_and_told(members: Members, desk: Desk) -> None:
    said = desk("key", "record", "verify", *map(members.record, PEOPLE), "--json")
    assert said.status == 0
    assert [each["member"] for each in said.json["records"]] == list(PEOPLE)
    told = desk("key", "record", "verify", members.record("alice"))
    log_key = bytes.fromhex(said.json["records"][0]["log_key"])
    assert words_of(log_key) in told.out


def test_a_changed_record_is_refused(members: Members, desk: Desk, tmp_path: Path) -> None:
    text = members.record("alice").read_text()
    other = tmp_path / "other"
    other.write_text(text.replace("member: alice", "member: mallory"))
    refused(desk("key", "record", "verify", other), "key-record-unproven")
    other.write_text(text.replace("member: ", "member:"))
    refused(desk("key", "record", "verify", other), "key-record-malformed")
    other.write_text(text)
    assert desk("key", "record", "verify", other).status == 0


def test_a_bound_key_makes_no_record(members: Members, desk: Desk, tmp_path: Path) -> None:
    made = Members(tmp_path)
    for name in ("passphrase", "policy.toml"):
        (tmp_path / name).write_bytes((members.folder / name).read_bytes())
    (tmp_path / "passphrase").chmod(0o600)
    for path in (members.folder / "alice").rglob("*"):
        target = tmp_path / "alice" / path.relative_to(members.folder / "alice")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
            target.chmod(0o600)
    make = ("key", "record", "make", made.key("alice"))
    assert desk(*make, tmp_path / "before", *made.opened("alice")).status == 0
    assert desk("key", "bind", made.policy, *made.opened("alice")).status == 0
    refused(desk(*make, tmp_path / "after", *made.opened("alice")), "key-already-bound")
    assert not (tmp_path / "after").exists()


def test_members_compare_sign_and_collect(members: Members, desk: Desk, tmp_path: Path) -> None:
    shown = assembled(desk, members)
    assert (shown.status, "not yet" in shown.out) == (0, True)
    told = assembled(desk, members, "--json").json
    assert told["words"] == words_of(bytes.fromhex(told["fingerprint"]))
    assert told["words"] in shown.out
    assert len(told["addresses"]) == 3
    assert all(each in shown.out and each.startswith("bcrt1q") for each in told["addresses"])
    for name in PEOPLE:
        out = members.folder / f"{name}.sig"
        given = (members.policy, out, "--vault", "peg", *members.records)
        said = desk("vault", "sign", *given, *members.opened(name))
        assert said.status == 0, said
    place = tmp_path / "registration"
    refused(
        assembled(desk, members, *members.signed("alice", "bob")), "vault-registration-unsigned"
    )
    refused(assembled(desk, members, "--out", place), "vault-registration-unsigned")
    assert not place.exists()
    whole = assembled(desk, members, *members.signed(*PEOPLE), "--out", place)
    assert (whole.status, "by every member" in whole.out) == (0, True)
    assert place.read_text().startswith(told["registration"])
    assert len(re.findall("^signature: ", place.read_text(), re.M)) == 3
    assert assembled(desk, members, *members.signed(*PEOPLE)).status == 0


def test_a_signature_is_of_one_policy(members: Members, desk: Desk, tmp_path: Path) -> None:
    """A member whose copy of the policy differs in one digit signs another registration."""
    other = tmp_path / "policy.toml"
    other.write_text(members.policy.read_text().replace("lookahead = 1000", "lookahead = 1001"))
    sign = ("--vault", "peg", *members.records, *members.opened("carol"))
    for policy, out in ((members.policy, "right"), (other, "wrong")):
        assert desk("vault", "sign", policy, tmp_path / out, *sign).status == 0
    for name in PEOPLE[:2]:
        given = (members.policy, tmp_path / name, "--vault", "peg", *members.records)
        assert desk("vault", "sign", *given, *members.opened(name)).status == 0
    given = [part for name in PEOPLE[:2] for part in ("--signature", tmp_path / name)]
    wrong = assembled(desk, members, *given, "--signature", tmp_path / "wrong")
    refused(wrong, "vault-registration-unsigned")
    assert assembled(desk, members, *given, "--signature", tmp_path / "right").status == 0


def test_what_is_no_member_of_the_vault(members: Members, desk: Desk, tmp_path: Path) -> None:
    some = members.records[:4]
    refused(
        desk("vault", "assemble", members.policy, "--vault", "peg", *some), "key-record-missing"
    )
    assert desk("vault", "assemble", members.policy, "--vault", "no", *some).status == 2
    secret = members.folder / "passphrase"
    given = ("--network", "regtest", "--name", "dave", "--passphrase-file", secret)
    quietly("init", tmp_path / "dave", *given)
    opened = ("--config", tmp_path / "dave" / "pegwarden.toml", "--passphrase-file", secret)
    sign = (members.policy, tmp_path / "out", "--vault", "peg", *members.records)
    refused(desk("vault", "sign", *sign, *opened), "key-record-missing")
    assert not (tmp_path / "out").exists()
    assert desk("vault", "sign", *sign, *members.opened("alice")).status == 0
