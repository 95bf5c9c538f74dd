"""`pegwarden officer`: reviewed offline, signed with a real `ssh-keygen`, carried over mTLS to a kernel."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.officer_key import OfficerKey, make_officer_key, open_officer_key
from keystore.secret import Secret
from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.cli.act_file import MAX_FILE, act_json, read_act_file
from signer.cli.officer_review import review
from signer.core.acts import (
    ApproveMove,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    read_act,
)
from signer.core.errors import Refusal
from signer.core.ssh import format_officer
from tests import federation
from tests.cli.desk import Desk, Said
from tests.core.spends import withdrawal_id
from tests.edge.lobby import AUTHORITY, OFFICER, EchoKernel, FailingKernel, served, with_limits
from tests.kernel.governed import begin
from tests.kernel.room import Member, attested
from tests.kernel.test_approvals import ADA, BOB, FINGERPRINT, OFFICERS, TERMS, policy
from tests.officers import SshOfficer, Token, ssh_key_file

DAY = 86_400
TEXT = ADA.says(ApproveWithdrawal(FINGERPRINT, TERMS), 1).text
TODAY = policy() + b"# of a journal that begins today\n"


@dataclass
class Bureau:
    """An officer's folder, and the command."""

    folder: Path
    pegwarden: Desk

    def path(self, name: str, content: bytes | str = "") -> Path:
        place = self.folder / name
        if content:
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def officer(self, *arguments: object) -> Said:
        return self.pegwarden("officer", *arguments)


@pytest.fixture
def bureau(tmp_path: Path, pegwarden: Desk) -> Bureau:
    made = Bureau(tmp_path, pegwarden)
    made.path("policy.toml", TODAY)
    made.path("ca.pem", AUTHORITY.issued.certificate_pem)
    made.path("us.pem", OFFICER.certificate_pem)
    made.path("us.key", OFFICER.key_pem)
    return made


def packet(now: int = 0, **changes: object) -> ap.Packet:
    """What a kernel gives of the good withdrawal."""
    from signer.bitcoin.hashes import sha256

    moment = now or int(time.time())
    return ap.Packet(
        **{
            "network": "regtest",
            "vault_id": "peg",
            "vault_fingerprint": FINGERPRINT,
            "policy_id": sha256(TODAY),
            "withdrawal": t.WithdrawalStatement(
                withdrawal_id=TERMS.withdrawal_id,
                amount_sat=TERMS.amount,
                script_pubkey=TERMS.script_pubkey,
            ),
            "attestations": attested((), ((1, TERMS.amount),), now=moment),
            "first_attested_unix": moment,
            "clock_unix": moment,
        }
        | changes
    )


def reviewed(bureau: Bureau, given: ap.Packet | bytes, *options: object) -> Said:
    content = given if isinstance(given, bytes) else given.SerializeToString()
    place = bureau.path("packet", content)
    return bureau.officer("review", place, "--policy", bureau.path("policy.toml"), *options)


def test_a_packet_that_the_officer_s_own_policy_bears_out_gives_the_text(bureau: Bureau) -> None:
    said = reviewed(bureau, packet(), "--out", bureau.path("text"))
    assert said.status == 0, said
    text = bureau.path("text").read_text()
    assert f"--- this is signed ---\n{text}--- until here ---" in said.out
    assert "amount       0.60000000 BTC" in said.out
    assert "attested by  2 attestors of your policy" in said.out
    assert "WARNING" not in said.out
    stated = read_act(text)
    assert stated.act == ApproveWithdrawal(FINGERPRINT, TERMS)
    assert 6 * DAY < stated.expires - time.time() <= 7 * DAY


def test_a_review_can_be_a_rejection_and_json(bureau: Bureau) -> None:
    said = reviewed(bureau, packet(), "--reject", "--expires-in-days", 1, "--json").json
    assert (said["ok"], said["attested_by"], said["warnings"]) == (True, 2, [])
    stated = read_act(said["text"])
    assert stated.act == RejectWithdrawal(FINGERPRINT, TERMS)
    assert stated.expires - time.time() <= DAY


SWEEP = t.SweepStatement(
    kind=t.SWEEP_KIND_SWEEP,
    to_vault_fingerprint=FINGERPRINT,
    max_fee_sat=10_000,
    nonce=b"\x0f" * 16,
)


def sweep_packet(**changes: object) -> ap.Packet:
    given = packet()
    given.ClearField("withdrawal")
    given.ClearField("attestations")
    given.sweep.CopyFrom(SWEEP)
    for name, value in changes.items():
        setattr(given.sweep, name, value)
    return given


def test_a_sweep_is_reviewed_by_its_statement(bureau: Bureau) -> None:
    said = reviewed(bureau, sweep_packet())
    assert said.status == 0, said
    assert "sweep to vault peg, by path 0" in said.out
    assert "highest fee  0.00010000 BTC" in said.out
    act = read_act(reviewed(bureau, sweep_packet(), "--json").json["text"]).act
    assert isinstance(act, ApproveMove)
    assert reviewed(bureau, sweep_packet(), "--reject", "--json").json["code"] == "act-misplaced"


CONTRADICTIONS = {
    "another network": packet(network="signet"),
    "another vault": packet(vault_fingerprint=b"\x01" * 32),
    "one attestor": packet(
        attestations=attested((), ((1, TERMS.amount),), federation.WATCHERS[:1])
    ),
    "no attestor": packet(attestations=[]),
    "another amount than attested": packet(
        withdrawal=t.WithdrawalStatement(
            withdrawal_id=TERMS.withdrawal_id,
            amount_sat=TERMS.amount + 1,
            script_pubkey=TERMS.script_pubkey,
        )
    ),
    "another script than attested": packet(
        withdrawal=t.WithdrawalStatement(
            withdrawal_id=TERMS.withdrawal_id,
            amount_sat=TERMS.amount,
            script_pubkey=b"\x00\x14" + b"\x99" * 20,
        )
    ),
    "a sweep to a vault that nobody knows": sweep_packet(to_vault_fingerprint=b"\x01" * 32),
    "a rotation to the same vault": sweep_packet(kind=t.SWEEP_KIND_ROTATION),
    "a path that the vault does not have": sweep_packet(path_index=9),
}


@pytest.mark.parametrize("given", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_packet_that_contradicts_the_officer_s_policy_is_refused(
    bureau: Bureau, given: ap.Packet
) -> None:
    """A stolen kernel shows an officer what nobody owes."""
    said = reviewed(bureau, given, "--json", "--out", bureau.path("text"))
    assert (said.status, said.json["code"]) == (1, "packet-contradicts-policy")
    assert not bureau.path("text").exists()


def test_a_forged_attestation_is_refused(bureau: Bureau) -> None:
    given = packet()
    given.attestations[0].signature = bytes(64)
    assert reviewed(bureau, given, "--json").json["code"] == "attestation-invalid"


MALFORMED = {
    "no message": b"\xff\xff",
    "about nothing": packet(withdrawal=None),
    "about two things": packet(sweep=SWEEP),
    "unknown fields": packet().SerializeToString() + b"\xf8\x7f\x01",
    "a short id": packet(withdrawal=t.WithdrawalStatement(withdrawal_id=b"1", script_pubkey=b"1")),
    "a short attestor": packet(attestations=[t.Attestation(attestor=b"1")]),
    "a sweep of no kind": sweep_packet(kind=0),
    "too large": bytes(9 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("given", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_packet_is_refused(bureau: Bureau, given: ap.Packet | bytes) -> None:
    said = reviewed(bureau, given, "--json")
    assert (said.status, said.json["code"]) == (1, "packet-malformed")


GOOD = packet().SerializeToString()


@given(st.binary(max_size=80), st.integers(0, len(GOOD)), st.integers(0, 255))
def test_whatever_packet_comes_is_refused_by_a_code(noise: bytes, place: int, value: int) -> None:
    """Invariant: a packet with one byte changed is refused, or says what was attested."""
    pinned = load_policy(TODAY)
    for content in (noise, GOOD[:place] + bytes((value,)) + GOOD[place + 1 :]):
        try:
            terms: object = review(content, pinned, int(time.time())).terms
        except Refusal as refusal:
            terms = refusal.code
        assert terms in (
            TERMS,
            "packet-malformed",
            "packet-contradicts-policy",
            "attestation-invalid",
            "evidence-mixed-kinds",
        )


def test_what_is_odd_is_said(bureau: Bureau) -> None:
    now = int(time.time())
    old = packet(now - 8 * DAY, policy_id=b"\x01" * 32)
    said = reviewed(bureau, old, "--json").json
    assert said["ok"]
    assert [warning.split(",")[0].split(";")[0] for warning in said["warnings"]] == [
        f"the kernel says that policy {'01' * 32} is in force",
        "the packet is not fresh",
        "the attestations have expired",
    ]
    assert reviewed(bureau, old).out.count("WARNING") == 3


def test_a_text_is_signed_withssh_key_filegen(bureau: Bureau) -> None:
    """What the manual says, step by step."""
    reviewed(bureau, packet(), "--out", bureau.path("text"))
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "pegwarden", "-f", str(ssh_key_file("bob"))]
    subprocess.run([*command, str(bureau.path("text"))], check=True, capture_output=True)
    public = Path(f"{ssh_key_file('bob')}.pub")
    signature = bureau.path("text.sig")
    options = ("--signature", signature, "--public-key", public, "--out", bureau.path("act"))
    said = bureau.officer("sign", bureau.path("text"), *options)
    assert said.status == 0, said
    signed = read_act_file(bureau.path("act"))
    assert (signed.officer, signed.text) == (BOB.key, bureau.path("text").read_text())
    again = bureau.officer("sign", bureau.path("text"), *options)
    assert again.status == 3  # nothing is overwritten
    git = SshOfficer("bob").signature(signed.text, namespace="git")
    wrong = ("--signature", bureau.path("git.sig", git), "--public-key", public)
    said = bureau.officer("sign", bureau.path("text"), *wrong, "--out", bureau.path("b"), "--json")
    assert (said.status, said.json["code"]) == (1, "officer-signature-invalid")
    assert not bureau.path("b").exists()


def test_a_text_is_signed_with_a_key_file_that_is_never_shown(bureau: Bureau) -> None:
    made = bureau.officer("new-key", bureau.path("key"))
    secret = bureau.path("key").read_text().strip()
    assert (made.status, bureau.path("key").stat().st_mode & 0o777) == (0, 0o600)
    reviewed(bureau, packet(), "--out", bureau.path("text"))
    out = bureau.path("act")
    said = bureau.officer("sign", bureau.path("text"), "--key", bureau.path("key"), "--out", out)
    assert said.status == 0, said
    assert secret not in said.out + said.err + made.out + out.read_text()
    assert read_act_file(out).officer.hex() == made.out.strip()
    assert bureau.officer("new-key", bureau.path("key")).status == 3
    assert bureau.path("key").read_text().strip() == secret


def test_a_key_file_is_its_owner_s_and_holds_a_key(bureau: Bureau) -> None:
    text = bureau.path("text", ADA.says(ApproveWithdrawal(FINGERPRINT, TERMS), 1).text)
    key = bureau.path("key", "11" * 32)
    options = ("sign", text, "--key", key, "--out", bureau.path("act"), "--json")
    key.chmod(0o644)
    assert bureau.officer(*options).json["code"] == "passphrase-unreadable"
    key.chmod(0o600)
    for content in ("11" * 31, "00" * 32, "ff" * 32, "zz" * 32, "1"):
        key.write_text(content)
        assert bureau.officer(*options).json["code"] == "officer-key-file", content
    key.write_text("11" * 32 + "\n")
    assert bureau.officer(*options).status == 0


def test_only_officers_texts_are_signed(bureau: Bureau) -> None:
    key = bureau.path("key", "11" * 32)
    key.chmod(0o600)
    for content in ("pay me", ADA.says(ApproveWithdrawal(FINGERPRINT, TERMS), 1).text + "\n"):
        options = ("--key", key, "--out", bureau.path("act"), "--json")
        said = bureau.officer("sign", bureau.path("text", content), *options)
        assert said.json["code"] == "act-malformed"
    large = bureau.path("text", b"x" * (MAX_FILE + 1))
    said = bureau.officer("sign", large, "--key", key, "--out", bureau.path("act"), "--json")
    assert said.json["code"] == "act-file-malformed"


def test_an_officer_key_has_no_other_use() -> None:
    key = OfficerKey(Secret(b"\x11" * 32))
    assert "11" * 32 not in repr(key)
    with pytest.raises(TypeError):
        key.__reduce_ex__(2)
    key.close()


def test_a_key_file_is_read_as_it_was_made(tmp_path: Path) -> None:
    made = make_officer_key(tmp_path / "key")
    text = ADA.says(ApproveWithdrawal(FINGERPRINT, TERMS), 1).text
    assert open_officer_key(tmp_path / "key").sign(text).officer == made.public
    with pytest.raises(Refusal, match="passphrase-unreadable"):
        open_officer_key(tmp_path / "absent")


@pytest.mark.parametrize("options", [(), ("--key", "k", "--signature", "s"), ("--signature", "s")])
def test_a_text_is_signed_in_one_way(bureau: Bureau, options: tuple[str, ...]) -> None:
    text = bureau.path("text", ADA.says(ApproveWithdrawal(FINGERPRINT, TERMS), 1).text)
    said = bureau.officer("sign", text, *options, "--out", bureau.path("act"))
    assert said.status == 2


def test_holds_and_their_end_are_drafted(bureau: Bureau) -> None:
    own = ("--policy", bureau.path("policy.toml"))
    about = ("--withdrawal", TERMS.withdrawal_id.hex(), "--hours", 2, "--out", bureau.path("hold"))
    assert bureau.officer("draft-hold", *own, *about).status == 0
    stated = read_act(bureau.path("hold").read_text())
    assert isinstance(stated.act, HoldWithdrawal)
    assert 7_000 < stated.act.until - time.time() <= 7_200
    assert stated.expires > stated.act.until
    address = ("--address", "bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0", "--hours", 1)
    said = bureau.officer(
        "draft-hold", *own, *address, "--out", bureau.path("there"), "--json"
    ).json
    assert isinstance(read_act(said["text"]).act, HoldDestination)
    whose = ("--officer", format_officer(Token().key), "--out", bureau.path("lift"))
    assert bureau.officer("draft-lift", *own, *whose).status == 0
    lift = read_act(bureau.path("lift").read_text())
    assert lift.act == LiftHolds(Token().key)
    assert lift.expires - time.time() <= DAY // 2  # a kernel takes none that lies a day ahead
    for wrong in (
        ("--withdrawal", "ab"),
        ("--withdrawal", "zz"),
        (),
        ("--withdrawal", "a", *address),
    ):
        out = ("--hours", 1, "--out", bureau.path("wrong"))
        assert bureau.officer("draft-hold", *own, *wrong, *out).status == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "7",
        "[" * 60_000,
        json.dumps({"text": TEXT, "officer": 7, "signature": ""}),
        json.dumps({"text": TEXT[:-1], "officer": "ab" * 32, "signature": ""}),
        json.dumps({"text": "\ud800", "officer": "ab" * 32, "signature": ""}),
        json.dumps({"text": TEXT, "officer": "ab", "signature": ""}),
        json.dumps({"text": TEXT, "officer": "ab" * 32, "signature": "zz"}),
        json.dumps({"text": TEXT, "officer": BOB.line, "signature": "-"}),
        json.dumps({"text": TEXT, "officer": "ab" * 32, "signature": "", "more": ""}),
    ],
)
def test_what_is_no_act_s_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "act").write_text(content)
    with pytest.raises(Refusal, match="act-file-malformed"):
        read_act_file(tmp_path / "act")


@pytest.mark.parametrize("officer", OFFICERS, ids=["bip340", "ssh", "token"])
def test_an_act_s_file_is_read_as_it_was_written(tmp_path: Path, officer: object) -> None:
    signed = officer.says(ApproveWithdrawal(FINGERPRINT, TERMS), 1)
    (tmp_path / "act").write_text(act_json(signed))
    assert read_act_file(tmp_path / "act") == signed


@dataclass
class Service:
    """A whole kernel behind a served edge, at today's time."""

    bureau: Bureau
    port: int
    propose: Callable[[], None]

    def __call__(self, *arguments: object) -> Said:
        folder = self.bureau.folder
        link = (
            *("--connect", f"127.0.0.1:{self.port}", "--ca", folder / "ca.pem"),
            *("--cert", folder / "us.pem", "--cert-key", folder / "us.key"),
        )
        return self.bureau.officer(*arguments, *link)


@pytest.fixture
def service(bureau: Bureau) -> Iterator[Service]:
    member = Member(bureau.folder / "member", 0, TODAY)
    member.clock.moment = int(time.time())
    begin(member.init(), *OFFICERS)
    running = member.start()

    def propose() -> None:
        request = ap.ProposeWithdrawalsRequest(
            vault_id="peg",
            withdrawals=[packet().withdrawal],
            attestations=attested((), ((1, TERMS.amount),), now=member.clock.moment),
        )
        running.call("ProposeWithdrawals", request)

    with served(running.handler.handle, with_limits()) as lobby:
        yield Service(bureau, lobby.port, propose)
    running.stop()


def test_an_officer_s_day(service: Service) -> None:
    """Pending, packet, review, sign with two kinds of keys, approve, watch."""
    bureau = service.bureau
    assert service("pending", "--vault", "peg").out == "nothing waits\n"
    service.propose()
    listed = service("pending", "--vault", "peg", "--json").json["withdrawals"]
    assert [each["withdrawal_id"] for each in listed] == [TERMS.withdrawal_id.hex()]
    about = ("--vault", "peg", "--withdrawal", TERMS.withdrawal_id.hex())
    assert service("packet", *about, "--out", bureau.path("packet")).status == 0
    own = ("--policy", bureau.path("policy.toml"), "--out", bureau.path("text"))
    said = bureau.officer("review", bureau.path("packet"), *own)
    assert said.status == 0, said
    assert "WARNING" not in said.out
    text = bureau.path("text").read_text()
    for officer in (ADA, BOB):
        act = bureau.path(officer.name, act_json(officer.sign(text)))
        said = service("approve", act, "--json")
        assert said.status == 0, said
        assert service("approve", act, "--json").json["decision_ids"] == said.json["decision_ids"]
    shown = service("pending", "--vault", "peg").out
    assert "0.60000000 BTC to bcrt1q" in shown
    assert shown.count("approved by") == 2
    seen = service("watch", "--seconds", 2, "--json")
    events = [json.loads(line) for line in seen.out.splitlines()]
    assert seen.status == 0
    assert [each["what"] for each in events][-3:] == ["attested", "approved", "approved"]
    after = events[-2]["entry"]
    rest = service("watch", "--seconds", 1, "--after", after)
    assert rest.out.startswith(f"{events[-1]['entry']} approved: ssh-ed25519 ")


def test_a_rejection_and_a_hold_and_its_end(service: Service) -> None:
    bureau, now = service.bureau, int(time.time())
    service.propose()
    no = bureau.path("no", act_json(ADA.says(RejectWithdrawal(FINGERPRINT, TERMS), now + DAY)))
    assert service("reject", no).status == 0
    stop = HoldWithdrawal(TERMS.withdrawal_id, now + 3_600)
    held = bureau.path("hold", act_json(ADA.says(stop, now + DAY)))
    assert service("hold", held).status == 0
    shown = service("pending", "--vault", "peg").out
    assert "rejected by" in shown
    assert "held until" in shown
    lift = BOB.says(LiftHolds(ADA.key), now + DAY // 2)
    acts = [
        bureau.path("lift-1", act_json(lift)),
        bureau.path("lift-2", act_json(Token().sign(lift.text))),
    ]
    few = service("hold", acts[0], "--json")
    assert (few.status, few.json["code"]) == (1, "approval-quorum-missing")
    assert len(service("hold", *acts, "--json").json["decision_ids"]) == 2
    assert "held until" not in service("pending", "--vault", "peg").out


def test_a_move_s_packet_is_fetched_by_its_statement(service: Service) -> None:
    from google.protobuf.json_format import MessageToJson

    bureau = service.bureau
    statement = bureau.path("sweep.json", MessageToJson(SWEEP))
    about = ("--vault", "peg", "--sweep", statement, "--out", bureau.path("packet"))
    assert service("packet", *about).status == 0
    own = ("--policy", bureau.path("policy.toml"), "--json")
    act = read_act(bureau.officer("review", bureau.path("packet"), *own).json["text"]).act
    assert isinstance(act, ApproveMove)
    wrong = bureau.path("wrong.json", "{")
    for option in (("--sweep", wrong), ("--withdrawal", "zz")):
        assert service("packet", "--vault", "peg", *option, "--out", bureau.path("x")).status == 2
    absent = ("--vault", "peg", "--withdrawal", withdrawal_id(9).hex(), "--out", bureau.path("x"))
    said = service("packet", *absent, "--json")
    assert (said.status, said.json["code"]) == (1, "withdrawal-not-proposed")


def test_a_kernel_that_fails_or_is_not_there_is_a_fault(bureau: Bureau) -> None:
    with served(FailingKernel(RuntimeError("no"))) as lobby:
        asked = Service(bureau, lobby.port, list)
        assert asked("pending", "--vault", "peg").status == 3
        assert asked("watch").status == 3
    assert Service(bureau, 1, list)("pending", "--vault", "peg").status == 3
    with served(EchoKernel()) as lobby:
        assert Service(bureau, lobby.port, list)("reject", os.devnull).status == 1
