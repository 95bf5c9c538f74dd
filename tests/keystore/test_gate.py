"""The gate: what it signs verifies under consensus; whatever does not fit is a Fault and no signature."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keystore import gate
from keystore.file_keystore import FileKeystore
from keystore.header import Binding
from keystore.identity import Identity
from keystore.sealed import open_sealed, unseal
from keystore.vault_key import VaultKey
from signer.bitcoin.hashes import sha256
from signer.bitcoin.secp import verify_ecdsa
from signer.bitcoin.transaction import Txid
from signer.bitcoin.units import Sats
from signer.core.errors import Fault, Refusal
from signer.core.spend import SigningTask, VerifiedSpend
from tests import federation
from tests.core.spends import Coin, good_case
from tests.keystore.opening import open_files
from tests.keystore.vaultroom import (
    BINDING,
    identity_file,
    open_room,
    passphrase,
    recorded,
    sealed_vault_key,
    vault_file,
)

COINS = tuple(Coin(salt=place, index=place, branch=place % 2) for place in range(3))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> FileKeystore:
    return open_room(tmp_path_factory.mktemp("room"))


@pytest.fixture
def spend() -> VerifiedSpend:
    return good_case(COINS).verify()


def test_every_input_is_signed_and_verifies(room: FileKeystore, spend: VerifiedSpend) -> None:
    request = recorded(spend)
    signed = room.sign(request)
    assert signed.recorded is request
    assert [index for index, _ in signed.signatures] == [0, 1, 2]
    for task, (_, signature) in zip(spend.tasks, signed.signatures, strict=True):
        assert signature.pubkey == task.pubkey
        assert signature.signature[-1:] == b"\x01"
        verify_ecdsa(task.pubkey, task.digest, signature.signature[:-1])


def test_signatures_are_those_of_another_implementation(
    room: FileKeystore, spend: VerifiedSpend
) -> None:
    """RFC 6979: coincurve's own signing, over our digest with embit's child key, gives the same bytes."""
    member = federation.MEMBERS[0]
    expected = [
        member.sign(coin.branch, coin.index, task.digest)
        for coin, task in zip(COINS, spend.tasks, strict=True)
    ]
    signed = room.sign(recorded(spend))
    assert [each.signature for _, each in signed.signatures] == expected
    assert signed == room.sign(recorded(spend))


def with_task(spend: VerifiedSpend, **changes: object) -> VerifiedSpend:
    task: SigningTask = spend.tasks[1]._replace(**changes)  # type: ignore[arg-type]
    return replace(spend, tasks=(spend.tasks[0], task, spend.tasks[2]))


FORGERIES: tuple[Callable[[VerifiedSpend], VerifiedSpend], ...] = (
    lambda spend: with_task(spend, digest=sha256(b"another transaction")),
    lambda spend: with_task(spend, digest=spend.tasks[0].digest),
    lambda spend: with_task(spend, script=spend.tasks[0].script),
    lambda spend: with_task(spend, sighash_type=0x83),
    lambda spend: with_task(spend, pubkey=spend.tasks[0].pubkey),
    lambda spend: with_task(spend, pubkey=b"\x02" + b"\xff" * 32),
    lambda spend: with_task(spend, key_position=1),
    lambda spend: with_task(spend, input_index=0),
    lambda spend: replace(spend, tasks=()),
    lambda spend: replace(spend, vault=federation.vault(2, 3, 3)),
    lambda spend: replace(
        spend,
        coins=(
            spend.coins[0]._replace(
                prevout=spend.coins[0].prevout._replace(amount=Sats(99_999_999))
            ),
            *spend.coins[1:],
        ),
    ),
    lambda spend: replace(spend, coins=(spend.coins[1], spend.coins[0], spend.coins[2])),
)


@pytest.mark.parametrize("forge", FORGERIES, ids=range(len(FORGERIES)))
def test_what_does_not_fit_is_not_signed(
    room: FileKeystore, spend: VerifiedSpend, forge: Callable[[VerifiedSpend], VerifiedSpend]
) -> None:
    with pytest.raises(Fault):
        room.sign(recorded(forge(spend)))
    assert room.sign(recorded(spend)).signatures


def test_another_transaction_under_old_digests(room: FileKeystore) -> None:
    """The tasks of one transaction, attached to another: the gate recomputes, so nothing is signed."""
    spend, other = good_case(COINS).verify(), good_case(COINS, fee=20_000).verify()
    with pytest.raises(Fault):
        room.sign(recorded(replace(other, tasks=spend.tasks)))


@pytest.mark.parametrize("place", [5, 20, 40, 60])
def test_a_signature_with_one_bit_flipped_does_not_leave(
    room: FileKeystore, spend: VerifiedSpend, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """A fault while signing could reveal the key (H3): every signature is verified before release."""
    honest = gate._sign

    def faulty(secret: object, digest: bytes) -> bytes:
        signature = bytearray(honest(secret, digest))
        signature[place] ^= 1
        return bytes(signature)

    monkeypatch.setattr(gate, "_sign", faulty)
    with pytest.raises(Fault):
        room.sign(recorded(spend))


def test_a_wrong_child_key_does_not_sign(
    room: FileKeystore, spend: VerifiedSpend, monkeypatch: pytest.MonkeyPatch
) -> None:
    derive = VaultKey.derive_child

    def derive_next(key: VaultKey, branch: int, index: int, buffer: object) -> None:
        derive(key, branch, index + 1, buffer)

    monkeypatch.setattr(VaultKey, "derive_child", derive_next)
    with pytest.raises(Fault):
        room.sign(recorded(spend))


def test_a_closed_keystore_signs_nothing(tmp_path: Path, spend: VerifiedSpend) -> None:
    room = open_room(tmp_path)
    assert room.sign(recorded(spend)).signatures
    room.close()
    with pytest.raises(Fault):
        room.sign(recorded(spend))


def test_an_unbound_key_signs_nothing(tmp_path: Path, spend: VerifiedSpend) -> None:
    file, identity = vault_file(tmp_path / "vault.key"), identity_file(tmp_path / "identity.key")
    with pytest.raises(Refusal) as caught:
        open_files(identity, (file,))
    assert caught.value.code == "key-unbound"
    with pytest.raises(Fault):
        gate.sign_recorded(recorded(spend), VaultKey(open_sealed(file)))


def test_keys_that_were_not_bound_together(tmp_path: Path) -> None:
    identity = Identity(open_sealed(identity_file(tmp_path / "identity.key")))
    ours = VaultKey(unseal(sealed_vault_key(BINDING), passphrase()))
    assert FileKeystore(identity, (ours,)).first_leaf == BINDING.first_leaf
    other_journal = Binding(b"\x08" * 32, BINDING.policy_id, b"\x09" * 32)
    strange = VaultKey(unseal(sealed_vault_key(other_journal), passphrase()))
    for keys in ((ours, strange), (ours, ours), ()):
        with pytest.raises(Refusal) as caught:
            FileKeystore(identity, keys)
        assert caught.value.code == "key-binding-mismatch"


CHECKPOINT = b"pegwarden/%s/%s\n1\n%s=\n" % (b"0a" * 32, b"0b" * 32, b"A" * 43)


def test_statements_and_heads_have_keys_of_their_own(room: FileKeystore) -> None:
    digest = sha256(b"a statement")
    statement_key = Ed25519PublicKey.from_public_bytes(room.statement_key)
    statement_key.verify(room.sign_statement(digest), digest)
    log_key = Ed25519PublicKey.from_public_bytes(room.log_key)
    log_key.verify(room.sign_head(CHECKPOINT), CHECKPOINT)
    with pytest.raises(InvalidSignature):
        statement_key.verify(room.sign_head(CHECKPOINT), CHECKPOINT)
    with pytest.raises(Fault):
        room.sign_statement(b"31 bytes are no digest.........")


def test_the_log_key_signs_texts_of_four_shapes_and_none_for_another(room: FileKeystore) -> None:
    log_key = Ed25519PublicKey.from_public_bytes(room.log_key)
    log_key.verify(room.cosign(CHECKPOINT, 7), b"cosignature/v1\ntime 7\n" + CHECKPOINT)
    messages = [b"pegwarden/receipt/v1\n...", b"pegwarden/agreement/v1\n..."]
    for message in messages:
        log_key.verify(room.sign_message(message), message)
    cosigned = b"cosignature/v1\ntime 7\n" + CHECKPOINT
    for foreign in (
        *messages,
        cosigned,
        CHECKPOINT + b"\n",
        CHECKPOINT[1:],
        b"pegwarden/a/b\n1\nroot\n",
    ):
        with pytest.raises(Fault):
            room.sign_head(foreign)
        with pytest.raises(Fault):
            room.cosign(foreign, 7)
    for foreign in (CHECKPOINT, cosigned, b"pegwarden/receipt/v1", b"pegwarden/receipt/v2\n"):
        with pytest.raises(Fault):
            room.sign_message(foreign)


def test_xpubs_are_the_member_s(room: FileKeystore) -> None:
    assert room.xpubs() == (federation.vault().xpubs()[0],)
    assert Txid(room.first_leaf) == BINDING.first_leaf


def test_no_public_function_takes_a_digest() -> None:
    """Nothing outside the gate can have a digest signed by a vault key. `sign_statement` is Ed25519."""
    found = set()
    for path in (Path(gate.__file__).parent).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names = {
                    argument.arg
                    for argument in ast.walk(node.args)
                    if isinstance(argument, ast.arg)
                }
                if names & {"digest", "sighash", "hash", "message"}:
                    found.add(node.name)
    assert found == {"sign_statement"}


def test_ecdsa_is_called_by_the_gate_and_once_for_an_unbound_key() -> None:
    """The second is the proof of possession (docs/adr/0016-possession.md)."""
    callers = [
        path.name
        for path in (Path(gate.__file__).parent).glob("*.py")
        if "secp256k1_ecdsa_sign(" in path.read_text()
    ]
    assert sorted(callers) == ["gate.py", "possession.py"]
