"""K4: an `hsm-sealed` file opens with its token, passphrase, vault and kind, and with nothing less."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from keystore.header import LEAST_COST, WrapKind, is_wrapped, kind_of
from keystore.hsm_sealed import (
    TokenDesk,
    Wrap,
    header_of,
    read_wrap,
    unwrap,
    wrap,
)
from keystore.identity import new_identity
from keystore.sealed import KeyFile, OpenedKey, create, open_sealed, unseal
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.token.cryptoki import GcmText
from keystore.token.questions import Operation, gcm_question
from signer.bitcoin.network import REGTEST
from signer.core.errors import Refusal
from tests.keystore.vaultroom import BINDING, SEED, passphrase, sealed_vault_key
from tests.token.keepers import Desk, soon
from tests.token.softhsm import BACKUP_KEK, KEK, SoftToken


def ask(desk: Desk) -> TokenDesk:
    return TokenDesk(desk.links, soon())


@pytest.fixture(scope="session")
def inner() -> bytes:
    return sealed_vault_key(BINDING)


@pytest.fixture(scope="session")
def wrapped(making: Desk, inner: bytes) -> bytes:
    return wrap(inner, WrapKind.SEALED, KEK, ask(making))


def test_both_seals_open(serving: Desk, wrapped: bytes, inner: bytes) -> None:
    opened = open_wrapped(wrapped, passphrase(), ask(serving))
    assert bytes(opened.secret.expose(UNSAFE_EXPOSE)) == SEED
    assert opened.header.binding == BINDING
    assert is_wrapped(wrapped)
    assert not is_wrapped(inner)
    assert not is_wrapped(b"[]")
    assert not is_wrapped(b"\xff")
    assert (kind_of(wrapped), kind_of(inner)) == ("hsm-sealed", "file")


def test_what_a_token_seals_too_is_not_opened_without_it(
    making: Desk, wrapped: bytes, inner: bytes, tmp_path: Path
) -> None:
    """`key-kind-wrong`: it is not damaged, as a file of no known form would be."""
    for name, content in (("wrapped", wrapped), ("inner", inner)):
        create(tmp_path / name, content)
    with pytest.raises(Refusal) as refused:
        open_sealed(KeyFile(tmp_path / "wrapped", passphrase()))
    assert refused.value.code == "key-kind-wrong"
    assert open_sealed(KeyFile(tmp_path / "inner", passphrase())).header.binding == BINDING
    with pytest.raises(Refusal) as refused:
        wrap(wrapped, WrapKind.SEALED, BACKUP_KEK, ask(making))
    assert refused.value.code == "key-kind-wrong"


def test_the_keeper_sees_a_sealed_file(serving: Desk, wrapped: bytes) -> None:
    seen = unwrap(wrapped, WrapKind.SEALED, ask(serving))
    assert seen.startswith(b"{")
    for form in (SEED, SEED.hex().encode(), base64.b64encode(SEED)):
        assert form not in seen


def test_the_token_without_the_passphrase(serving: Desk, wrapped: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        open_wrapped(wrapped, Secret(b"wrong"), ask(serving))
    assert refused.value.code == "key-passphrase-wrong"


def open_wrapped(content: bytes, secret: Secret, desk: TokenDesk) -> OpenedKey:
    """As a member does."""
    return unseal(unwrap(content, WrapKind.SEALED, desk), secret)


def changed(wrapped: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    members = json.loads(wrapped)
    change(members)
    return json.dumps(members, indent=1).encode() + b"\n"


def with_bit(members: dict[str, object], place: int) -> None:
    sealed = bytearray(base64.b64decode(members["sealed"]))
    sealed[place] ^= 1
    members["sealed"] = base64.b64encode(sealed).decode()


FORGERIES: dict[str, Callable[[dict[str, object]], object]] = {
    "first bit": lambda members: with_bit(members, 0),
    "last bit": lambda members: with_bit(members, -1),
    "tag cut": lambda members: members.update(
        sealed=base64.b64encode(base64.b64decode(members["sealed"])[:-4]).decode()
    ),
    "another vault": lambda members: members.update(vault="11" * 32),
    "another KEK": lambda members: members.update(kek=BACKUP_KEK.hex()),
    "another nonce": lambda members: members["cipher"].update(nonce="22" * 12),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_one_change_opens_nothing(
    serving: Desk, wrapped: bytes, change: Callable[[dict[str, object]], object]
) -> None:
    with pytest.raises(Refusal) as refused:
        unwrap(changed(wrapped, change), WrapKind.SEALED, ask(serving))
    assert refused.value.code == "token-seal-wrong"
    assert unwrap(changed(wrapped, lambda members: None), WrapKind.SEALED, ask(serving))


@pytest.mark.parametrize("name", ["public", "binding"])
def test_a_header_in_the_open_that_is_not_the_one_inside(
    serving: Desk, wrapped: bytes, name: str
) -> None:
    """Tools read it without the token; a kernel believes the one that is sealed."""
    lie = {"public": "another", "binding": None}[name]
    lying = changed(wrapped, lambda members: members["header"].update({name: lie}))
    with pytest.raises(Refusal) as refused:
        unwrap(lying, WrapKind.SEALED, ask(serving))
    assert refused.value.code == "key-binding-mismatch"
    assert header_of(wrapped).binding == BINDING


def test_a_backup_is_no_key_to_use(serving: Desk, making: Desk, inner: bytes) -> None:
    """It says so; and a file that lies about it opens nothing."""
    backup = wrap(inner, WrapKind.BACKUP, BACKUP_KEK, ask(making))
    assert unwrap(backup, WrapKind.BACKUP, ask(serving)) == inner
    with pytest.raises(Refusal) as refused:
        unwrap(backup, WrapKind.SEALED, ask(serving))
    assert refused.value.code == "key-kind-wrong"
    lying = changed(backup, lambda members: members.update(kind="hsm-sealed"))
    with pytest.raises(Refusal) as refused:
        unwrap(lying, WrapKind.SEALED, ask(serving))
    assert refused.value.code == "token-seal-wrong"


def test_a_seal_that_names_another_vault_than_the_key(
    serving: Desk, making: Desk, inner: bytes
) -> None:
    """Whoever can ask the token to seal still cannot bind a key to another vault."""
    outer = Wrap(WrapKind.SEALED, KEK, b"\x11" * 32)
    text = GcmText(bytes(12), outer.associated(), inner)
    sealed = making.links.ask(gcm_question(Operation.SEAL, KEK, text), soon())
    members = json.loads(wrap(inner, WrapKind.SEALED, KEK, ask(making)))
    members["vault"], members["cipher"]["nonce"] = "11" * 32, bytes(12).hex()
    members["sealed"] = base64.b64encode(sealed).decode()
    content = json.dumps(members, indent=1).encode() + b"\n"
    with pytest.raises(Refusal) as refused:
        unwrap(content, WrapKind.SEALED, ask(serving))
    assert refused.value.code == "key-binding-mismatch"


def test_what_is_bound_to_no_vault_is_not_sealed(making: Desk, inner: bytes) -> None:
    identity = new_identity(REGTEST, passphrase(), LEAST_COST)[0]
    for unbound in (sealed_vault_key(), identity):
        with pytest.raises(Refusal) as refused:
            wrap(unbound, WrapKind.SEALED, KEK, ask(making))
        assert refused.value.code == "key-unbound"
    assert wrap(inner, WrapKind.SEALED, KEK, ask(making))


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[:-2],
    "not JSON": lambda content: b"\xff" + content,
    "a list": lambda content: b"[1]",
    "spaces": lambda content: content + b" ",
    "long": lambda content: content + b" " * 20_000,
    "a member more": lambda content: changed(content, lambda each: each.update(more=1)),
    "no kind": lambda content: changed(content, lambda each: each.pop("kind")),
    "a kind unknown": lambda content: changed(content, lambda each: each.update(kind="token")),
    "a long nonce": lambda content: changed(
        content, lambda each: each["cipher"].update(nonce="22" * 16)
    ),
    "no id": lambda content: changed(content, lambda each: each.update(kek="")),
    "a long id": lambda content: changed(content, lambda each: each.update(kek="11" * 33)),
    "a short vault": lambda content: changed(content, lambda each: each.update(vault="11" * 31)),
    "no vault": lambda content: changed(content, lambda each: each.update(vault=None)),
    "no header": lambda content: changed(content, lambda each: each.update(header=None)),
    "a header more": lambda content: changed(content, lambda each: each["header"].update(more=1)),
    "a header less": lambda content: changed(content, lambda each: each["header"].pop("kdf")),
    "a number": lambda content: changed(content, lambda each: each.update(kek=7)),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_what_we_did_not_write(wrapped: bytes, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refusal) as refused:
        read_wrap(change(wrapped))
    assert refused.value.code == "key-file-malformed"


class Sealing:
    """A keeper's place where somebody else sits."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def ask(self, question: bytes, deadline: float) -> bytes:
        return self.answer


@pytest.mark.parametrize("answer", [b"", bytes(20_000)])
def test_what_a_token_cannot_have_sealed(inner: bytes, answer: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        wrap(inner, WrapKind.SEALED, KEK, TokenDesk(Sealing(answer), 0.0))
    assert refused.value.code == "key-file-malformed"


class Opening(Sealing):
    """It seals something of the right length, and opens what it likes."""

    def ask(self, question: bytes, deadline: float) -> bytes:
        is_sealing = question[0] == Operation.SEAL
        return self.answer + bytes(16) if is_sealing else self.answer


def test_what_does_not_open_again_is_no_file(inner: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        wrap(inner, WrapKind.SEALED, KEK, TokenDesk(Opening(bytes(len(inner))), 0.0))
    assert refused.value.code == "token-seal-wrong"
    assert wrap(inner, WrapKind.SEALED, KEK, TokenDesk(Opening(inner), 0.0))


def test_without_the_restriction_of_mechanisms_the_tag_is_worth_nothing(token: SoftToken) -> None:
    """Why ALLOWED_MECHANISMS is in the template: AES-CTR on a key without it reads what GCM sealed."""
    said = token.script(
        """
import ctypes as c
from keystore.token import cryptoki
class Ctr(c.Structure):
    _fields_ = [("bits", c.c_ulong), ("block", c.c_ubyte * 16)]
def by_counter(handle, nonce, content):
    ctr = Ctr(32, (c.c_ubyte * 16)(*nonce, 0, 0, 0, 2))
    mechanism = cryptoki._Mechanism(Ckm.AES_CTR, c.cast(c.byref(ctr), c.c_void_p), c.sizeof(ctr))
    token._call("DecryptInit", token._session, c.byref(mechanism), c.c_ulong(handle))
    return token._transform("Decrypt", content)
seed, nonce = b"s" * 32, b"n" * 12
for number, free in enumerate((True, False)):
    template = [each for each in sealing_template(b"counter" + bytes((number,)))
                if not free or each[0] is not Cka.ALLOWED_MECHANISMS]
    handle = token.generate_key(template)
    sealed = token.encrypt(handle, GcmText(nonce, b"", seed))
    try:
        print(by_counter(handle, nonce, sealed[:32]) == seed)
    except TokenError as error:
        print(error)
"""
    )
    assert said.splitlines() == ["True", "C_DecryptInit: CKR_MECHANISM_INVALID"]
