"""What `config check` and `doctor` look at, where kernel and edge are two users."""

import os
import pwd
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from signer.cli import eyes, symptoms
from signer.cli.eyes import ENTER, READ, WRITE, Eyes, Need, exposed, eyes_of, may, unreachable
from signer.cli.symptoms import Grade
from signer.config import KernelConfig, load_config
from signer.config_processes import ProcessesConfig, required
from tests.cli.desk import Desk, MemberPlace

KERNEL, EDGE, KEEPER = pwd.getpwnam("daemon"), pwd.getpwnam("nobody"), pwd.getpwnam("mail")
OURS = pwd.getpwuid(os.getuid()).pw_name
USERS = {"kernel_user": KERNEL.pw_name, "edge_user": EDGE.pw_name, "keeper_user": KEEPER.pw_name}


@pytest.fixture
def apart(member: MemberPlace) -> MemberPlace:
    """A member of three users."""
    return with_users(member, USERS)


def with_users(member: MemberPlace, users: dict[str, str]) -> MemberPlace:
    sockets = member.directory / "run"
    sockets.mkdir(0o710)
    named = "".join(f'{key} = "{user}"\n' for key, user in users.items())
    with member.config.open("a") as config:
        config.write(f'[processes]\nsockets = "{sockets}"\n{named}')
    return member


def become(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eyes.os, "getuid", lambda: uid)


def told(config: KernelConfig) -> set[str]:
    looks = (symptoms.clock, symptoms.disk, symptoms.keys, symptoms.ends)
    return {each.what for look in looks for each in look(config)}


def test_the_edge_looks_at_its_certificates_alone(
    apart: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal, the keys and the policy are behind a folder that it does not enter."""
    become(EDGE.pw_uid, monkeypatch)
    config = load_config(apart.config)
    for path in (config.policy, config.keys.identity, *config.keys.vaults, config.journal):
        assert isinstance(path, Path)
        path.unlink()
    said = pegwarden("config", "check", "--config", apart.config)
    assert (said.status, "not looked at: keys" in said.out) == (0, True)
    assert told(config) == {"clock", "days"}
    config.tls.key.unlink()
    said = pegwarden("config", "check", "--config", apart.config)
    assert (said.status, "tls-file-unreadable" in said.out) == (1, True)


def test_the_kernel_looks_at_all_but_certificates(
    apart: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(KERNEL.pw_uid, monkeypatch)
    config = load_config(apart.config)
    for path in (config.tls.certificate, config.tls.key, config.tls.client_ca):
        path.unlink()
    said = pegwarden("config", "check", "--config", apart.config)
    assert (said.status, "not looked at: [tls]" in said.out) == (0, True)
    assert told(config) >= {"clock", "disk", "keys"}
    apart.vault_key.unlink()
    said = pegwarden("config", "check", "--config", apart.config)
    assert (said.status, "key-file-missing" in said.out) == (1, True)


def test_one_user_looks_at_everything_and_root_at_owners_too(
    member: MemberPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = Eyes(tls=True, keys=True, owners=False)
    become(0, monkeypatch)
    assert eyes_of(load_config(member.config)) == everything
    with_users(member, USERS)
    assert eyes_of(load_config(member.config)) == everything._replace(owners=True)
    become(KEEPER.pw_uid, monkeypatch)
    assert eyes_of(load_config(member.config)) == everything
    member.edit(f'edge_user = "{EDGE.pw_name}"', f'edge_user = "{KERNEL.pw_name}"')
    become(0, monkeypatch)
    config = load_config(member.config)
    assert eyes_of(config) == everything, "two of them are one user"
    assert [each.grade for each in symptoms.owners(config)] == [Grade.BAD]


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody enters; pytest's own are their owner's alone."""
    with tempfile.TemporaryDirectory(prefix="pegwarden-eyes-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def test_owner_group_and_the_rest_have_what_the_mode_says(public: Path) -> None:
    file = public / "file"
    file.touch()
    stranger = next(user.pw_name for user in pwd.getpwall() if user.pw_name not in (OURS, "root"))
    for mode, ours, others in ((0o400, READ, 0), (0o604, READ | WRITE, READ), (0o077, 0, 7)):
        file.chmod(mode)
        for rights in (READ, WRITE, ENTER):
            assert may(Need(OURS, file, rights)) is bool(ours & rights), oct(mode)
            assert may(Need(stranger, file, rights)) is bool(others & rights), oct(mode)
    file.chmod(0o644)
    public.chmod(0o700)
    assert may(Need(OURS, file, READ))
    assert not may(Need(stranger, file, READ)), "a folder above keeps it out"


def test_what_a_service_cannot_reach_or_should_not_is_named(
    bound: MemberPlace, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ourselves as the kernel's user: every file of the member is ours."""
    member = with_users(bound.copy(public / "copy"), USERS | {"kernel_user": OURS})
    for folder in (member.directory, member.directory.parent):
        folder.chmod(0o711)
    config = load_config(member.config)
    processes = required(config.processes, member.config)
    lacking = "\n".join(unreachable(config, processes))
    assert str(config.tls.key) in lacking
    assert str(config.keys.identity) not in lacking
    assert list(exposed(config, processes)) == [
        f"{config.tls.key}: it is {EDGE.pw_name}'s, and {OURS} can read it"
    ]
    for path in (config.keys.identity.parent, config.keys.identity, config.tls.certificate.parent):
        path.chmod(0o755)
    assert set(exposed(config, processes)) >= {
        f"{config.keys.identity}: it is {OURS}'s, and {user.pw_name} can read it"
        for user in (EDGE, KEEPER)
    }
    monkeypatch.setattr(symptoms, "eyes_of", lambda _: Eyes(tls=True, keys=True, owners=True))
    assert {each.grade for each in symptoms.owners(config)} == {Grade.BAD, Grade.WARNING}


@pytest.mark.parametrize(("mode", "expected"), [(0o710, []), (0o711, [Grade.BAD])])
def test_a_folder_of_sockets_that_everybody_enters(
    mode: int, expected: list[Grade], apart: MemberPlace
) -> None:
    config = load_config(apart.config)
    required(config.processes, apart.config).sockets.chmod(mode)
    found = [each for each in symptoms.owners(config) if "every user" in each.text]
    assert [each.grade for each in found] == expected


def test_keys_beside_the_journal_are_a_warning(apart: MemberPlace) -> None:
    """As `init` lays them out."""
    config = load_config(apart.config)
    moved = replace(
        config, journal_head=config.journal_head.parent / "journal" / "journal.sqlite.head"
    )
    for each, expected in ((config, [Grade.WARNING]), (moved, [])):
        found = [
            finding for finding in symptoms.owners(each) if "journal out of it" in finding.text
        ]
        assert [finding.grade for finding in found] == expected


def test_without_users_there_is_nothing_to_compare(member: MemberPlace) -> None:
    config = load_config(member.config)
    assert list(symptoms.owners(config)) == []
    assert list(unreachable(config, ProcessesConfig(Path("run"), None))) == []
