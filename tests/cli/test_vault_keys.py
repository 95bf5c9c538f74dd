"""A member of several vaults: one sealed key for each, bound together to one journal."""

import json
from pathlib import Path

import pytest

from keystore.header import read_file
from keystore.sealed import read_sealed
from keystore.secret import Secret
from pegwarden.v1 import kernel_pb2 as pb
from signer import compose as composition
from signer.cli import binding
from signer.config import load_config
from signer.core.caller import Caller
from signer.core.errors import Refusal
from signer.member_files import read_policy, require_bindings
from signer.read_member import read_member
from tests.cli.desk import PASSPHRASE, Desk, MemberPlace
from tests.federation import MEMBERS, WATCHERS

SECOND = """
[vaults.next]
template = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
keys = ["{ours}", "{one}", "{two}"]
coins = "attested(2, watchers)"
lookahead = 20

[rollups.main]"""


@pytest.fixture
def place(pegwarden: Desk, tmp_path: Path) -> MemberPlace:
    """An unbound member with two vault keys, and a policy of two vaults."""
    place = MemberPlace(tmp_path / "alice")
    place.passphrase.write_text(PASSPHRASE)
    place.passphrase.chmod(0o600)
    said = pegwarden(
        *("init", place.directory, "--network", "regtest", "--name", "alice", "--json"),
        *("--passphrase-file", place.passphrase, "--vault-key", "peg", "--vault-key", "next"),
    )
    keys = said.json["xpubs"]
    assert (list(keys), keys["peg"]) == (["peg", "next"], said.json["xpub"])
    text = (place.directory / "policy.template.toml").read_text()
    text = text.replace("PASTE THE SECOND MEMBER'S KEY", MEMBERS[0].key_text)
    text = text.replace("PASTE THE THIRD MEMBER'S KEY", MEMBERS[1].key_text)
    for watcher in WATCHERS:
        text = text.replace("PASTE AN ATTESTOR'S X-ONLY KEY", watcher.key.hex(), 1)
    second = SECOND.format(ours=keys["next"], one=MEMBERS[2].key_text, two=MEMBERS[3].key_text)
    place.policy.write_text(text.replace("\n[rollups.main]", second))
    return place


def bind(place: MemberPlace, pegwarden: Desk) -> str:
    said = pegwarden("key", "bind", place.policy, *place.opened, "--json")
    return "ok" if said.status == 0 else said.json["code"]


def composed(place: MemberPlace) -> composition.Member:
    return composition.compose(
        read_member(load_config(place.config)), Secret(PASSPHRASE.strip().encode())
    )


def test_all_keys_are_bound_at_once_and_served(place: MemberPlace, pegwarden: Desk) -> None:
    assert bind(place, pegwarden) == "ok"
    assert pegwarden("config", "check", "--config", place.config).status == 0
    member = composed(place)
    try:
        raw = member.handler.handle("GetInfo", Caller("me", frozenset()), b"")
    finally:
        member.close()
    vaults = pb.GetInfoResponse.FromString(raw).vaults
    assert [vault.vault_id for vault in vaults] == ["peg", "next"]
    assert len({vault.our_xpub for vault in vaults}) == 2
    assert bind(place, pegwarden) == "key-already-bound"


def test_a_vault_whose_key_is_not_held(place: MemberPlace, pegwarden: Desk) -> None:
    listed = place.config.read_text()
    place.edit(', "keys/next.json"', "")
    assert bind(place, pegwarden) == "vault-key-not-ours"
    place.config.write_text(listed)
    assert bind(place, pegwarden) == "ok"
    place.edit(', "keys/next.json"', "")
    with pytest.raises(Refusal, match="a key of vault next; found none") as caught:
        composed(place)
    assert caught.value.code == "vault-key-not-ours"
    place.config.write_text(listed)
    composed(place).close()


def test_a_binding_cut_short_between_two_keys_is_taken_up(
    place: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power fails when the first of two keys is bound."""
    honest = binding.bind
    done: list[object] = []

    def once(*arguments: object) -> None:
        if done:
            raise KeyboardInterrupt
        honest(*arguments)  # type: ignore[arg-type]
        done.append(arguments)

    with monkeypatch.context() as patched:
        patched.setattr(binding, "bind", once)
        assert pegwarden("key", "bind", place.policy, *place.opened).status == 1
    assert _bound(place) == [True, False]
    assert bind(place, pegwarden) == "ok"
    assert _bound(place) == [True, True]
    composed(place).close()


def _bound(place: MemberPlace) -> list[bool]:
    keys = [place.directory / "keys" / f"{name}.json" for name in ("peg", "next")]
    return [json.loads(key.read_text())["binding"] is not None for key in keys]


def test_a_key_bound_to_another_journal_is_not_taken_up(
    place: MemberPlace, pegwarden: Desk, tmp_path: Path
) -> None:
    again = place.copy(tmp_path.parent / f"{tmp_path.name}-again")
    assert bind(again, pegwarden) == "ok"
    bound = (again.directory / "keys" / "peg.json").read_bytes()
    (place.directory / "keys" / "peg.json").write_bytes(bound)
    assert bind(place, pegwarden) == "key-already-bound"
    assert not (place.directory / "journal.sqlite").exists()


def test_each_vault_has_its_own_key_file(place: MemberPlace, pegwarden: Desk) -> None:
    assert bind(place, pegwarden) == "ok"
    member = composed(place)
    try:
        leaf = member.keystore.first_leaf
    finally:
        member.close()
    policy = read_policy(load_config(place.config))
    paths = [place.directory / "keys" / f"{name}.json" for name in ("peg", "next")]
    for order in (paths, paths[::-1]):
        headers = {path: read_file(read_sealed(path))[0] for path in order}
        assert require_bindings(policy, headers, leaf) == policy.policy_id


@pytest.mark.parametrize("names", [("a", "a"), ("a/b",), ("identity",), ("UPPER",), ("",)])
def test_vault_keys_have_names_of_their_own(
    made: MemberPlace, pegwarden: Desk, tmp_path: Path, names: tuple[str, ...]
) -> None:
    common = ("--network", "regtest", "--name", "x", "--passphrase-file", made.passphrase)
    options = [option for name in names for option in ("--vault-key", name)]
    assert pegwarden("init", tmp_path / "new", *common, *options).status == 2
    assert list(tmp_path.iterdir()) == []
