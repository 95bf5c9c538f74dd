"""`key rotate plan | status`: what policy, key files, record and a rehearsal's file show of a rotation."""

from dataclasses import replace
from pathlib import Path

import pytest

from keystore.caps import Caps
from keystore.header import LEAST_COST, Binding, Header, Limits, Role
from policies.load import load_policy
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.cli.rehearsals import ShownRehearsal, missing_text, read_rehearsal
from signer.cli.rotations import Rotation, RotationRecord, State, Step, record_of
from signer.core.errors import Refusal
from signer.core.evidence import AnchorTerms
from signer.core.payment import Payment, WithdrawalId, WithdrawalTerms
from signer.core.rehearsal import rehearsal
from signer.core.released import ReleasedNotice
from signer.journal.entry import Claims, CoinClaim, Entry, RotationClaim, SignedEntry
from tests import federation
from tests.cli.desk import Desk, MemberPlace
from tests.cli.test_key_commands import hex_lines
from tests.core import rehearsed
from tests.policies.world import BRIDGE_TEXT

POLICY = load_policy(BRIDGE_TEXT.encode())
OLD, NEW = POLICY.vaults
ONE, OTHER = Path("one.json"), Path("other.json")
BINDING = Binding(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
NOBODY = ShownRehearsal(rehearsal(NEW, ()), {})


def header(public: str, binding: Binding | None = BINDING, limits: Limits | None = None) -> Header:
    return Header(Role.VAULT, REGTEST, public, b"", b"", LEAST_COST, binding, limits)


def our_key(place: int) -> str:
    """As the header of our key in both vaults would say: that member's."""
    return f"[00000000]{(OLD, NEW)[place].xpubs()[0].text(REGTEST)}"


GOOD = Rotation(
    POLICY, OLD, NEW, {ONE: header(our_key(0)), OTHER: header(our_key(1))}, NOBODY, RotationRecord()
)


def states(rotation: Rotation) -> list[State]:
    return [each.state for each in rotation.steps()]


def step(rotation: Rotation, number: int) -> Step:
    return list(rotation.steps())[number]


def capped(successor: bytes) -> dict[Path, Header]:
    limits = Limits(Caps(Sats(1), Sats(2)), successor)
    return GOOD.headers | {ONE: header(our_key(0), limits=limits)}


def test_all_is_done_but_the_rehearsal_and_the_spends() -> None:
    assert states(GOOD) == [State.DONE] * 3 + [State.OPEN] * 2 + [State.DONE, State.ELSEWHERE]
    assert "0 of 3 primary quorums have spent" in step(GOOD, 3).detail


@pytest.mark.parametrize(
    ("number", "rotation", "detail"),
    [
        (0, replace(GOOD, headers={ONE: GOOD.headers[ONE]}), "no key file of ours"),
        (0, replace(GOOD, headers=GOOD.headers | {OTHER: header(our_key(1), None)}), "unbound"),
        (1, replace(GOOD, old=NEW, new=OLD), "0 in policy"),
        (5, replace(GOOD, headers=capped(b"")), ": none"),
        (5, replace(GOOD, headers=capped(b"\x07" * 32)), "0707"),
        (5, replace(GOOD, headers={OTHER: GOOD.headers[OTHER]}), "no key of ours"),
    ],
    ids=range(6),
)
def test_what_is_missing_is_named(number: int, rotation: Rotation, detail: str) -> None:
    found = step(rotation, number)
    assert (found.state, detail in found.detail) == (State.OPEN, True), found
    sealed = replace(GOOD, headers=capped(NEW.fingerprint))
    assert step(sealed, 5).state is State.DONE


def test_the_deposit_cap_goes_with_the_end_of_the_rehearsal() -> None:
    whole = ShownRehearsal(replace(NOBODY.rehearsal, missing=(), missing_paths=()), {})
    before, place, after = BRIDGE_TEXT.partition("[vaults.next]")
    head, _, rest = after.partition("\n")
    capped = load_policy(f'{before}{place}{head}\ndeposit_cap = "5 sat"\n{rest}'.encode())
    for shown, policy, state, detail in (
        (NOBODY, POLICY, State.OPEN, "none"),
        (NOBODY, capped, State.OPEN, "5 sat"),
        (whole, capped, State.OPEN, "5 sat"),
        (whole, POLICY, State.DONE, "none"),
    ):
        found = step(replace(GOOD, shown=shown, policy=policy), 4)
        assert (found.state, found.detail) == (state, detail)
    assert step(replace(GOOD, shown=whole), 3).state is State.DONE


def entry(vault: bytes, txid: int, claims: dict[str, object]) -> SignedEntry:
    point = OutPoint(Txid(bytes([txid % 16]) * 32), 0)
    coin = CoinClaim(point, Sats(100), b"", 0, 0, None)
    blank = Claims(
        Txid(bytes([txid]) * 32),
        (),
        (),
        (),
        None,
        Sats(0),
        Sats(0),
        (coin,),
        None,
        (),
        None,
        b"",
        (),
    )
    filled = replace(blank, **claims)  # type: ignore[arg-type]
    return SignedEntry(
        0, "r", b"", b"", vault, "rotation", 0, "primary", b"", b"", filled, (), 0, b""
    )


def moves(amount: int, to: bytes = NEW.fingerprint) -> dict[str, object]:
    return {"rotations": (RotationClaim(to, 0, Sats(amount), 0),)}


def test_the_record_counts_each_rotation_once_and_what_is_still_open() -> None:
    ids = [WithdrawalId(bytes([number]) * 32) for number in (1, 2)]
    paid = [Payment(each, 0, Sats(5), b"") for each in ids]
    terms = WithdrawalTerms(ids[0], Sats(5), b"")
    closed = ReleasedNotice(0, "r", b"", OLD.fingerprint, terms, None, (b"",), b"", ())
    anchor = AnchorTerms(b"PGWD", 6, b"", 7, b"", b"")
    entries: list[Entry] = [
        entry(OLD.fingerprint, 1, moves(60)),
        entry(OLD.fingerprint, 17, moves(50)),  # a bump: the same coin
        entry(OLD.fingerprint, 2, moves(40)),
        entry(OLD.fingerprint, 3, moves(1_000, b"\x05" * 32)),
        entry(NEW.fingerprint, 4, {}),
        entry(OLD.fingerprint, 5, {"payments": tuple(paid)}),
        replace(closed, pin=OutPoint(Txid(b"\x01" * 32), 0)),
        closed,
        entry(OLD.fingerprint, 6, {"anchor": anchor}),
        entry(OLD.fingerprint, 8, {"anchor": replace(anchor, batch=3)}),
    ]
    found = record_of(entries, OLD, NEW)
    assert (sorted(found.moved.values()), found.signed) == ([40, 60], {Txid(b"\x04" * 32)})
    rotation = replace(GOOD, record=found)
    assert step(rotation, 6).detail == "2 on record, which move 100 sat"
    assert "1 withdrawals not closed, highest batches 50475744: 7" in step(rotation, 2).detail


def test_a_spend_of_ours_that_is_not_on_our_record(tmp_path: Path) -> None:
    """Somebody else has our key, or this journal lost an entry."""
    new = federation.vault(2, 3, 3)
    path = tmp_path / "spends"
    path.write_text(hex_lines(new, (0, 1), (1, 2)))
    ours = header(federation.MEMBERS[3].key_text)
    shown = read_rehearsal(new, path)
    rotation = replace(GOOD, new=new, headers={ONE: ours}, shown=shown)
    (txid,) = rotation.not_on_record()
    assert any(0 in each.places for each in shown.spends[txid])
    known = RotationRecord(signed={txid})
    assert replace(rotation, record=known).not_on_record() == []
    assert replace(rotation, headers={}).not_on_record() == []


def code_of(path: Path) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        read_rehearsal(federation.vault(), path)
    return caught.value.code


def test_what_is_no_rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, path = federation.vault(), tmp_path / "spends"
    path.write_text(hex_lines(vault, (0, 1)))
    assert len(read_rehearsal(vault, path).spends) == 1
    assert code_of(tmp_path) == code_of(tmp_path / "nowhere") == "rehearsal-malformed"
    shown = rehearsed.spend(vault, [frozenset((0, 1))])
    forged = replace(shown.transaction, witnesses=((b"", b"", b"", b"\x51"),))
    for text, code in (
        ("zz", "rehearsal-malformed"),
        ("0é", "rehearsal-malformed"),
        ("00", "transaction-malformed"),
        ("\n".join(x.serialize().hex() for x in (forged, *shown.sources)), "consensus-refused"),
    ):
        path.write_text(text)
        assert code_of(path) == code
    monkeypatch.setattr("signer.cli.rehearsals.MOST_BYTES", 10)
    path.write_text("00" * 6)
    assert code_of(path) == "rehearsal-malformed"


def test_the_first_of_many_missing_are_named() -> None:
    assert missing_text(rehearsal(federation.vault(3, 4), ())) == (
        "{@0 @1 @2}, {@0 @1 @3}, {@0 @2 @3}, 1 more"
    )
    assert missing_text(rehearsal(federation.taproot_vault(), ())).endswith("{@1 @2}, recovery")


def test_a_member_is_told(member: MemberPlace, pegwarden: Desk) -> None:
    """The bridge's policy, whose second vault others keep; then a rehearsal by two of its three quorums."""
    (line,) = (x for x in member.config.read_text().splitlines() if x.startswith("policy = "))
    policy = member.directory.parent / "bridge.toml"
    keys = [each.key_text for each in federation.MEMBERS[2:5]]
    rule = (
        '[[allow]]\nspend = "rotation"\nfrom = "peg"\nto = "next"\nwhen = "attested(2, watchers)"\n'
    )
    text = member.policy.read_text()
    policy.write_text(text.replace("\n[rollups.main]", table_of(keys)) + "\n" + rule)
    member.edit(line, f'policy = "{policy}"')
    named = ("peg", "next", "--config", member.config)
    planned = pegwarden("key", "rotate", "plan", *named)
    assert (planned.status, planned.out.count("\n")) == (0, 7)
    assert "pins and anchors (done)" in planned.out
    assert len(pegwarden("key", "rotate", "plan", *named, "--json").json["steps"]) == 7
    spends = member.directory.parent / "spends"
    spends.write_text(hex_lines(federation.vault(2, 3, 2), (0, 1), (0, 2)))
    show = ("--rehearsal", spends)
    told = pegwarden("key", "rotate", "status", *named, *show, "--json").json
    assert (told["missing_quorums"], told["missing_paths"]) == ([[1, 2]], [])
    assert (told["may_move"], told["not_on_record"]) == (False, [])
    assert (
        "2 of 3 primary quorums have spent"
        in pegwarden(*("key", "rotate", "status", *named, *show)).out
    )
    for journal in member.directory.glob("journal.sqlite*"):
        journal.unlink()
    assert pegwarden("key", "rotate", "status", *named).status == 0
    for names, code in ((("lost", "next"), "vault-unknown"), (("peg", "peg"), "successor-unknown")):
        said = pegwarden("key", "rotate", "plan", *names, "--config", member.config, "--json")
        assert (said.status, said.json["code"]) == (1, code)


def table_of(keys: list[str]) -> str:
    listed = ", ".join(f'"{each}"' for each in keys)
    return f"""
[vaults.next]
template = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
keys = [{listed}]
coins = "attested(2, watchers)"

[rollups.main]"""
