"""A contribution of a token's generator, by the real SoftHSM."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signer.ceremony.commit import read_commitment
from tests.token.softhsm import LABEL, PIN, SoftToken, need
from tests.vectors import ROOT


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return SoftToken(tmp_path_factory.mktemp("token"), need())


def commits(token: SoftToken, stem: Path, *options: str) -> subprocess.CompletedProcess[str]:
    place = ("--module", token.module, "--label", LABEL)
    given = ("commit", "vault-1", "token", str(stem), "--network", "regtest", "--source", "token")
    read, write = os.pipe()
    os.write(write, PIN.encode())
    os.close(write)
    command = [sys.executable, "-m", "signer", "key", "ceremony", *given, *place, *options]
    pin = ("--pin-fd", str(read))
    try:
        return subprocess.run(
            [*command, *pin], cwd=ROOT, env=token.environment, pass_fds=(read,),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(read)


def test_a_token_contributes(token: SoftToken, tmp_path: Path) -> None:
    said = commits(token, tmp_path / "token")
    assert said.returncode == 0, said.stderr
    made = read_commitment((tmp_path / "token.commitment").read_text())
    assert (made.claim.health.source, made.claim.health.samples) == ("token", 4_096)


def test_a_token_that_is_not_there_contributes_nothing(token: SoftToken, tmp_path: Path) -> None:
    said = commits(token, tmp_path / "token", "--label", "another")
    assert (said.returncode, "token-unavailable" in said.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_generator_that_fails_is_the_token_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keystore.token.cryptoki import TokenError
    from signer.cli import ceremony_draw
    from signer.cli.passphrases import PassphraseSource
    from signer.core.errors import Refusal

    class Broken:
        def random(self, size: int) -> bytes:
            raise TokenError("GenerateRandom", 0x30)

    monkeypatch.setattr(ceremony_draw, "log_in", lambda place, pin: (Broken(), None))
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    drawing = ceremony_draw.Drawing("token", None, "module", "label", PassphraseSource(pin, None))
    with pytest.raises(Refusal) as caught:
        ceremony_draw.draw(drawing)
    assert caught.value.code == "token-unavailable"
