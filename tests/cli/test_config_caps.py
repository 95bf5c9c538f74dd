"""`config check` compares the caps of a key with what the member's policy lets leave."""

import os
from pathlib import Path

import pytest

from keystore.caps import Caps
from keystore.ledger import RECORD_SIZE, START_SIZE
from policies.analysis.allowance import Allowance
from signer.bitcoin.units import Sats
from signer.cli.config_caps import LONG, ComparedCaps, caps_json, caps_lines
from tests.cli.desk import Desk, MemberPlace

BTC = 100_000_000
TEN = Allowance(10 * BTC, 10 * BTC)
ANY = Allowance(None, None)


@pytest.mark.parametrize(
    ("caps", "allowed", "spend", "day"),
    [
        ((10 * BTC - 1, 10 * BTC), TEN, "below", "equal"),
        ((10 * BTC, 10 * BTC + 1), TEN, "equal", "above"),
        ((BTC, 5 * BTC), TEN, "below", "below"),
        ((20 * BTC, 20 * BTC), TEN, "above", "above"),
        ((21 * 10**14, 21 * 10**14), ANY, "below", "below"),
        ((1, 1), Allowance(0, 0), "above", "above"),
    ],
)
def test_caps_beside_the_policy(
    caps: tuple[int, int], allowed: Allowance, spend: str, day: str
) -> None:
    each = ComparedCaps(Path("k"), Caps(Sats(caps[0]), Sats(caps[1])), allowed)
    assert dict(each.findings()) == {"per_spend": spend, "per_day": day}
    text = "\n".join(caps_lines(each))
    assert text.count("honest traffic beyond the cap is refused") == [spend, day].count("below")
    assert text.count("binds nothing") == [spend, day].count("above")
    assert text.count("as much as") == [spend, day].count("equal")
    assert f"caps: k: {caps[0]} sat a transaction, {caps[1]} sat a day" in text


def test_what_is_not_known_is_not_compared() -> None:
    unknown = ComparedCaps(Path("k"), Caps(Sats(1), Sats(1)), None)
    nothing: object = {"has_caps": True, "policy": None, "caps_are": {}, "ledger_records": 0}
    assert caps_json(unknown) == nothing
    assert list(caps_lines(unknown)) == ["caps: k: 1 sat a transaction, 1 sat a day"]
    assert "any amount a transaction" in "\n".join(caps_lines(ComparedCaps(Path("k"), None, ANY)))


def test_a_member_is_told(member: MemberPlace, pegwarden: Desk) -> None:
    """Its policy lets 10 BTC leave in a day."""
    figures = {"per_spend": 10 * BTC, "per_day": 10 * BTC}
    text = pegwarden("config", "check", "--config", member.config).out
    assert f"{member.vault_key} has none: what the policy lets pass is signed" in text
    assert "policy: 1000000000 sat a transaction, 1000000000 sat a day" in text
    caps = ("--per-spend", BTC, "--per-day", 10 * BTC)
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    said = pegwarden("config", "check", "--config", member.config, "--json")
    assert (said.status, list(said.json["caps_and_policy"])) == (0, [str(member.vault_key)])
    (found,) = said.json["caps_and_policy"].values()
    stands = {"per_spend": "below", "per_day": "equal"}
    assert found == {
        "has_caps": True,
        "policy": figures,
        "caps_are": stands,
        "ledger_records": 0,
    }
    (ledger,) = (member.directory / "keys" / "ledgers").iterdir()
    os.truncate(ledger, START_SIZE + (LONG + 1) * RECORD_SIZE)
    text = pegwarden("config", "check", "--config", member.config).out
    assert f"ledger: {LONG + 1} records" in text
    os.truncate(ledger, START_SIZE + LONG * RECORD_SIZE)
    assert "ledger:" not in pegwarden("config", "check", "--config", member.config).out
    (line,) = (x for x in member.config.read_text().splitlines() if x.startswith("policy = "))
    member.edit(line, 'policy = "nowhere.toml"')
    said = pegwarden("config", "check", "--config", member.config, "--json")
    (found,) = said.json["caps_and_policy"].values()
    assert (said.status, found["policy"], found["caps_are"]) == (1, None, {})


def test_a_restored_key_with_caps_lacks_its_ledger(member: MemberPlace, pegwarden: Desk) -> None:
    """A kernel refuses to start without it (`cap-ledger-missing`); the command that is named mends it."""
    caps = ("--per-spend", 5_000, "--per-day", 70_000)
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    check = ("config", "check", "--config", member.config, "--json")
    assert pegwarden(*check).json["missing"] == []
    (ledger,) = (member.directory / "keys" / "ledgers").iterdir()
    whole = ledger.read_bytes()
    for spoil in (ledger.unlink, lambda: ledger.write_bytes(b"")):
        spoil()
        said = pegwarden(*check)
        (missing,) = said.json["missing"]
        assert said.status == 1
        named = missing.partition("`pegwarden ")[2].removesuffix("`").split()
        assert named == list(map(str, ("key", "caps", "set", member.vault_key, *caps)))
        assert pegwarden(*named, *member.opened).status == 0
        assert pegwarden(*check).json["missing"] == []
        assert len(ledger.read_bytes()) == len(whole)


def test_an_older_key_file_beside_a_ledger(member: MemberPlace, pegwarden: Desk) -> None:
    """It has no caps, and opens with the same passphrase; a kernel does not start with it
    (`cap-ledger-unused`)."""
    older = member.vault_key.read_bytes()
    caps = ("--per-spend", 5_000, "--per-day", 70_000)
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    member.vault_key.write_bytes(older)
    check = ("config", "check", "--config", member.config, "--json")
    (missing,) = pegwarden(*check).json["missing"]
    assert "an older file?" in missing
    (ledger,) = (member.directory / "keys" / "ledgers").iterdir()
    ledger.unlink()
    assert pegwarden(*check).json["missing"] == []
