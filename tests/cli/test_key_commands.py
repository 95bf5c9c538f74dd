"""`pegwarden key caps` and `key pin`: with the passphrase; told without it, in force at the next start."""

import pytest

from keystore.caps import Caps
from keystore.secret import Secret
from signer import compose as composition
from signer.bitcoin.units import Sats
from signer.config import load_config
from signer.core.errors import Refusal
from signer.core.vault import Vault
from signer.member_files import read_policy
from signer.read_member import read_member
from tests.cli.desk import PASSPHRASE, Desk, MemberPlace
from tests.core import rehearsed
from tests.federation import MEMBERS

CAPS = ("--per-spend", 5_000, "--per-day", 70_000)


def caps_of(place: MemberPlace) -> list[Caps | None]:
    files = read_member(load_config(place.config))
    member = composition.compose(files, Secret(PASSPHRASE.strip().encode()))
    member.close()
    return list(member.keystore.caps().values())


def test_caps_are_set_shown_and_in_force(member: MemberPlace, pegwarden: Desk) -> None:
    assert "no caps" in pegwarden("key", "caps", "show", member.vault_key).out
    assert "caps     none" in pegwarden("key", "show", member.vault_key).out
    assert caps_of(member) == [None]
    assert "has none" in pegwarden("config", "check", "--config", member.config).out
    said = pegwarden("key", "caps", "set", member.vault_key, *CAPS, *member.opened, "--json")
    assert (said.status, said.json["per_spend"], said.json["per_day"]) == (0, 5_000, 70_000)
    shown = pegwarden("key", "caps", "show", member.vault_key)
    assert "5000 sat in a transaction, 70000 sat in 24 hours" in shown.out
    assert "caps     5000 sat in a transaction" in pegwarden("key", "show", member.vault_key).out
    assert caps_of(member) == [Caps(Sats(5_000), Sats(70_000))]
    checked = pegwarden("config", "check", "--config", member.config, "--json").json
    assert checked["caps"] == {str(member.vault_key): {"per_spend": 5_000, "per_day": 70_000}}
    assert "70000 sat a day" in pegwarden("config", "check", "--config", member.config).out
    (ledger,) = (member.directory / "keys" / "ledgers").iterdir()
    before = ledger.read_bytes()
    folded = pegwarden("key", "caps", "fold", member.vault_key, *member.opened, "--json")
    assert (folded.status, folded.json["records_before"], folded.json["records"]) == (0, 0, 0)
    raised = ("--per-spend", 6_000, "--per-day", 70_000)
    assert pegwarden("key", "caps", "set", member.vault_key, *raised, *member.opened).status == 0
    assert caps_of(member) == [Caps(Sats(6_000), Sats(70_000))]
    assert ledger.read_bytes() == before


def test_a_successor_is_another_vault_of_the_policy(member: MemberPlace, pegwarden: Desk) -> None:
    succeed = ("key", "caps", "successor", member.vault_key)
    said = pegwarden(*succeed, "next", *member.opened, "--json")
    assert (said.status, said.json["code"]) == (1, "caps-absent")
    said = pegwarden("key", "caps", "fold", member.vault_key, *member.opened, "--json")
    assert (said.status, said.json["code"]) == (1, "caps-absent")
    assert pegwarden("key", "caps", "set", member.vault_key, *CAPS, *member.opened).status == 0
    for name in ("next", "peg"):
        said = pegwarden(*succeed, name, *member.opened, "--json")
        assert (said.status, said.json["code"]) == (1, "successor-unknown")
    text = (member.directory / "policy.toml").read_text()
    assert text == member.policy.read_text()
    keys = ", ".join(f'"{each.key_text}"' for each in MEMBERS[2:5])
    table = f"""
[vaults.next]
template = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
keys = [{keys}]
coins = "attested(2, watchers)"

[rollups.main]"""
    (member.directory / "policy.toml").write_text(text.replace("\n[rollups.main]", table))
    following = read_policy(load_config(member.config)).vaults[1]
    spends = member.directory.parent / "spends"
    spends.write_text(hex_lines(following, (0, 1), (0, 2)))
    show = ("--rehearsal", spends)
    for options in ((), show):
        said = pegwarden(*succeed, "next", *options, *member.opened, "--json")
        assert (said.status, said.json["code"]) == (1, "vault-rehearsing")
    spends.write_text(hex_lines(following, (0, 1), (0, 2), (1, 2)))
    said = pegwarden(*succeed, "next", *show, *member.opened, "--json")
    assert (said.status, said.json["successor"]) == (0, following.fingerprint.hex())
    assert (said.json["per_spend"], said.json["per_day"]) == (5_000, 70_000)
    assert pegwarden(*succeed, *member.opened, "--json").json["successor"] is None
    said = pegwarden(*succeed, "next", "--unsafe-unrehearsed", *member.opened, "--json")
    assert said.json["successor"] == following.fingerprint.hex()


def hex_lines(of: Vault, *teams: tuple[int, ...]) -> str:
    """A rehearsal's file: a spend by each of these quorums."""
    shown = [rehearsed.spend(of, [frozenset(team)], salt=salt) for salt, team in enumerate(teams)]
    return "\n".join(each.serialize().hex() for some in shown for each in some.all)


def test_a_member_whose_ledger_is_gone_does_not_start(member: MemberPlace, pegwarden: Desk) -> None:
    assert pegwarden("key", "caps", "set", member.vault_key, *CAPS, *member.opened).status == 0
    (ledger,) = (member.directory / "keys" / "ledgers").iterdir()
    member.edit("[keys]\n", f'[keys]\nledgers = "{member.directory}/elsewhere"\n')
    with pytest.raises(Refusal) as caught:
        caps_of(member)
    assert caught.value.code == "cap-ledger-missing"
    ledger.parent.rename(member.directory / "elsewhere")
    assert len(caps_of(member)) == 1


def test_who_has_no_caps(fresh: MemberPlace, pegwarden: Desk) -> None:
    """An unbound key has no vault whose ledger it could have; and caps are in order."""
    said = pegwarden("key", "caps", "set", fresh.vault_key, *CAPS, *fresh.opened, "--json")
    assert (said.status, said.json["code"]) == (1, "key-unbound")


def test_caps_out_of_order(member: MemberPlace, pegwarden: Desk) -> None:
    wrong = ("--per-spend", 9, "--per-day", 8)
    said = pegwarden("key", "caps", "set", member.vault_key, *wrong, *member.opened, "--json")
    assert (said.status, said.json["code"]) == (1, "cap-out-of-range")


def test_a_file_is_made_for_a_token_s_key(fresh: MemberPlace, pegwarden: Desk) -> None:
    public = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    place = fresh.directory / "keys" / "token.json"
    said = pegwarden("key", "pin", place, "01", public, *fresh.opened, "--json")
    assert (said.status, said.json["public"]) == (0, public)
    shown = pegwarden("key", "show", place, "--json").json
    assert (shown["kind"], shown["ident"], shown["binding"]) == ("token", "01", None)
    assert pegwarden("key", "pin", place, "01", public, *fresh.opened).status == 1
    for ident, key in (("", public), ("01", public[2:]), ("zz", public)):
        assert pegwarden("key", "pin", place, ident, key, *fresh.opened).status == 2
