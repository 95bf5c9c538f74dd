"""`pegwarden key doctor`: what a token carries, and what is refused with alternatives."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from coincurve import PrivateKey

from keystore.token.attributes import (
    KEK_READ_BACK,
    SIGNING_READ_BACK,
    make_kek,
    make_pair,
    sealing_template,
    signing_templates,
)
from keystore.token.cryptoki import GcmText, TokenError, TokenInfo
from keystore.token.doctor import Findings, Plan, PlanKind, consequences, examine, refuse_plan
from keystore.token.names import Cka, Ckm, Ckr, Template, raw_value
from signer.core.errors import Refusal
from tests.token.members import TokenHouse
from tests.token.nonces import signed_by_nonce
from tests.token.softhsm import LABEL, PIN, SoftToken


def doctor(token: SoftToken, pin_file: Path, *options: str) -> tuple[int, dict[str, object]]:
    command = [sys.executable, "-m", "signer", "key", "doctor", "--json", "--label", LABEL]
    done = subprocess.run(
        [*command, "--module", token.module, "--pin-file", str(pin_file), *options],
        env=token.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.write_text(PIN)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("kind", ["token", "hsm-sealed"])
def test_a_real_token_carries_both_plans(token: SoftToken, pin_file: Path, kind: str) -> None:
    status, said = doctor(token, pin_file, "--plan", kind, "--keepers", "2")
    assert (status, said["ok"], said["plan"], said["absent"]) == (0, True, kind, [])
    rates, mechanisms = said["per_second"], said["mechanisms"]
    assert isinstance(rates, dict)
    assert isinstance(mechanisms, list)
    assert set(rates) == {"1", "2"}
    assert min(rates.values()) > 0
    assert {"ECDSA", "AES_GCM"} <= set(mechanisms)


def test_the_configuration_names_the_token(
    token: SoftToken, pin_file: Path, tmp_path: Path
) -> None:
    house = TokenHouse("a", tmp_path, tmp_path / "journal.sqlite", token=token)
    house.furnish(b"no policy")
    done = house.run("key", "doctor", "--config", "member.toml", "--pin-file", str(pin_file))
    assert done.returncode == 0, done.stderr
    other = ("--label", "another")
    done = house.run(
        "key", "doctor", "--config", "member.toml", "--pin-file", str(pin_file), *other
    )
    assert (done.returncode, "token-unavailable" in done.stderr) == (1, True)


def test_nothing_stays_in_the_token(token: SoftToken, pin_file: Path) -> None:
    assert doctor(token, pin_file)[0] == 0
    assert token.script('print(token.find(((Cka.ID, b"pegwarden-doctor"),)))') == "[]"


def test_a_rate_that_it_does_not_reach(token: SoftToken, pin_file: Path) -> None:
    status, said = doctor(token, pin_file, "--per-second", "100000000")
    assert (status, said["code"]) == (1, "token-plan-refused")
    assert doctor(token, pin_file, "--per-second", "1")[0] == 0


def test_a_wrong_pin(token: SoftToken, pin_file: Path) -> None:
    pin_file.write_text("wrong")
    status, said = doctor(token, pin_file, "--keepers", "4")
    assert (status, said["code"]) == (1, "token-pin-wrong")


def test_no_module(token: SoftToken, pin_file: Path) -> None:
    status, said = doctor(token, pin_file, "--module", "/nowhere/module.so")
    assert (status, said["code"]) == (1, "token-unavailable")


class Described:
    """A token of which only this is known: what it offers, and what it does not know."""

    def __init__(self, offered: Sequence[Ckm], unknown: frozenset[Cka] = frozenset()) -> None:
        self.offered, self.unknown = offered, unknown
        self.read_back: dict[Cka, object] = {}
        self.code = Ckr.ATTRIBUTE_TYPE_INVALID
        self.key = PrivateKey(b"\x07" * 32)

    def mechanisms(self, slot: int) -> frozenset[int]:
        return frozenset(self.offered)

    def generate_pair(self, public: Template, private: Template) -> tuple[int, int]:
        return 1, self._generate(private, SIGNING_READ_BACK)

    def generate_key(self, template: Template) -> int:
        return self._generate(template, KEK_READ_BACK)

    def _generate(self, template: Template, life: Template) -> int:
        if any(kind in self.unknown for kind, _ in template):
            raise TokenError("GenerateKey", self.code)
        self.read_back = dict(life) | dict(template)
        return 2

    def attribute(self, handle: int, kind: Cka) -> bytes | None:
        if kind is Cka.EC_POINT:
            return b"\x04\x41" + self.key.public_key.format(compressed=False)
        return None if kind in self.unknown else raw_value(self.read_back[kind])

    def sign(self, handle: int, digest: bytes) -> bytes:
        return self.key.sign_recoverable(digest, hasher=None)[:64]

    def encrypt(self, handle: int, text: GcmText) -> bytes:
        return text.content + bytes(16)

    def decrypt(self, handle: int, text: GcmText) -> bytes:
        return text.content[:-16]


def refusal_of(plan: Plan, *findings: Findings) -> str:
    """Why the plan is refused."""
    with pytest.raises(Refusal) as refused:
        refuse_plan(plan, findings)
    assert refused.value.code == "token-plan-refused"
    return refused.value.objections[0].detail


INFO = TokenInfo(0, LABEL, 0, 0)
SIGNS = (Ckm.EC_KEY_PAIR_GEN, Ckm.ECDSA)
SEALS = (Ckm.AES_KEY_GEN, Ckm.AES_GCM)
BY_MAC = (Ckm.AES_KEY_GEN, Ckm.AES_CBC, Ckm.GENERIC_SECRET_KEY_GEN, Ckm.SHA256_HMAC)
BY_RSA = (Ckm.RSA_PKCS_KEY_PAIR_GEN, Ckm.RSA_PKCS_OAEP)


@pytest.mark.parametrize(
    ("offered", "kind", "words"),
    [
        ((*SIGNS, *BY_MAC), PlanKind.SEALED, "AES-CBC with HMAC"),
        ((*SIGNS, *BY_RSA), PlanKind.SEALED, "RSA-OAEP"),
        (SIGNS, PlanKind.SEALED, "another token"),
        (SEALS, PlanKind.TOKEN, "hsm-sealed"),
        (BY_MAC, PlanKind.TOKEN, "another token"),
        ((Ckm.EC_KEY_PAIR_GEN, *SEALS), PlanKind.TOKEN, "hsm-sealed"),
    ],
)
def test_a_mechanism_is_missing(offered: Sequence[Ckm], kind: PlanKind, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        examine(Described(offered), INFO, Plan(kind))
    assert refused.value.code == "token-mechanism-missing"
    assert words in refused.value.objections[0].detail
    assert examine(Described((*SIGNS, *SEALS)), INFO, Plan(kind)).weak == ""


@pytest.mark.parametrize("kind", PlanKind)
def test_optional_attributes_that_a_token_does_not_know(kind: PlanKind) -> None:
    """The key is made without them, and what follows is told."""
    unknown = frozenset((Cka.COPYABLE, Cka.DESTROYABLE, Cka.ALLOWED_MECHANISMS))
    found = examine(Described((*SIGNS, *SEALS), unknown), INFO, Plan(kind))
    assert found.weak == ""
    assert set(found.absent) == {each.name for each in unknown}
    assert len(consequences(found.absent)) == 3
    assert consequences(()) == ()


@pytest.mark.parametrize("kind", PlanKind)
def test_an_attribute_that_every_token_knows(kind: PlanKind) -> None:
    described = Described((*SIGNS, *SEALS), frozenset((Cka.EXTRACTABLE,)))
    with pytest.raises(Refusal) as refused:
        examine(described, INFO, Plan(kind))
    assert refused.value.code == "token-unavailable"


def test_another_failure_is_not_tried_again() -> None:
    described = Described((), frozenset((Cka.COPYABLE,)))
    described.code = Ckr.GENERAL_ERROR
    public, private = signing_templates(b"x")
    with pytest.raises(TokenError, match="GENERAL_ERROR"):
        make_pair(described, public, private)
    with pytest.raises(TokenError, match="GENERAL_ERROR"):
        make_kek(described, sealing_template(b"x"))
    described.code = Ckr.ATTRIBUTE_TYPE_INVALID
    assert make_pair(described, public, private) == (1, 2)
    assert make_kek(described, sealing_template(b"x")) == 2


@pytest.mark.parametrize("fails", [False, True])
def test_a_token_that_takes_another_nonce(fails: bool) -> None:
    class Choosing(Described):
        def decrypt(self, handle: int, text: GcmText) -> bytes:
            if fails:
                raise TokenError("Decrypt", Ckr.GENERAL_ERROR)
            return bytes(len(text.content) - 16)

    plan = Plan(PlanKind.SEALED)
    found = examine(Choosing(SEALS), INFO, plan)
    assert "nonce" in refusal_of(plan, found)
    assert examine(Described(SEALS), INFO, plan).weak == ""


def test_a_token_that_wants_its_pin_each_time() -> None:
    class Asking(Described):
        def attribute(self, handle: int, kind: Cka) -> bytes | None:
            return b"\1" if kind is Cka.ALWAYS_AUTHENTICATE else super().attribute(handle, kind)

    plan = Plan(PlanKind.TOKEN)
    found = examine(Asking(SIGNS), INFO, plan)
    assert "ALWAYS_AUTHENTICATE" in refusal_of(plan, found)
    refuse_plan(plan, (examine(Described(SIGNS), INFO, plan),))


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        ("nonce", lambda key, digest: signed_by_nonce(key, digest, 7)),
        ("does not verify", lambda key, digest: key.sign_recoverable(bytes(32), hasher=None)[:64]),
        ("out of range", lambda key, digest: b"\xff" * 64),
        ("64 bytes", lambda key, digest: bytes(63)),
    ],
)
def test_a_token_whose_signatures_no_kernel_takes(
    words: str, sign: Callable[[PrivateKey, bytes], bytes]
) -> None:
    """One that repeats its nonce signs fast, and every signature of it verifies."""

    class Signing(Described):
        def sign(self, handle: int, digest: bytes) -> bytes:
            return sign(self.key, digest)

    plan = Plan(PlanKind.TOKEN, keepers=2)
    good, found = (examine(kind(SIGNS), INFO, plan) for kind in (Described, Signing))
    assert words in refusal_of(plan, good, found)
    refuse_plan(plan, (good, good))


@pytest.mark.parametrize(
    ("sessions", "rate", "keepers", "refused"),
    [(2, 50, 2, 0), (1, 50, 2, 1), (0, 50, 2, 0), (2, 49, 2, 1), (1, 49, 2, 2)],
)
def test_sessions_and_rate_of_a_plan(sessions: int, rate: int, keepers: int, refused: int) -> None:
    findings = Findings((), sessions, (), "", rate)
    plan = Plan(PlanKind.TOKEN, keepers, 100)
    if refused:
        assert refusal_of(plan, *(findings,) * keepers).count(";") == refused - 1
    else:
        refuse_plan(plan, (findings,) * keepers)
