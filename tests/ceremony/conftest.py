from functools import partial

import pytest

from keystore.header import LEAST_COST
from keystore.vault_key import sealed_vault_key
from tests.cli.desk import Desk


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The command in this process; keys are cheap to open."""
    cheap = partial(sealed_vault_key, cost=LEAST_COST)
    monkeypatch.setattr("signer.cli.key_ceremony.sealed_vault_key", cheap)
    return Desk(capsys)
