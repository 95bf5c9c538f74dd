"""The self-test passes here, and each part of it can fail."""

import pytest

from keystore import selftest
from keystore.file_keystore import open_keystore
from signer.core.errors import Fault
from tests.keystore.vaultroom import passphrase


def test_it_passes() -> None:
    selftest.self_test()


@pytest.mark.parametrize(
    "name",
    [
        "_HASH160",
        "_BIP340_KEY",
        "_BIP340_SIGNATURE",
        "_BIP143_TRANSACTION",
        "_BIP143_DIGEST",
        "_BIP143_SIGNATURE",
        "_BIP32_CHILD",
    ],
)
def test_a_wrong_answer_fails_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    known = getattr(selftest, name)
    if isinstance(known, tuple):
        wrong: object = (known[0], "00" * 20)
    else:
        wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
    monkeypatch.setattr(selftest, name, wrong)
    with pytest.raises(Fault, match="self-test-failed"):
        selftest.self_test()


def test_a_verifier_that_accepts_everything_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "verify_schnorr", lambda *_: None)
    with pytest.raises(Fault, match="self-test-failed: bip340"):
        selftest.self_test()


def test_no_keystore_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "_BIP32_CHILD", "00")
    with pytest.raises(Fault, match="self-test-failed: bip32"):
        open_keystore(b"", (b"",), passphrase())
