"""The part of PKCS#11 that a member needs, by ctypes: no dependency, and calls release the interpreter.

1. One process, one thread, one session: whoever needs more starts another process. Never in the kernel.
2. A call gives its value or raises TokenError with the CKR code; nothing is repeated here.
3. What the token says of lengths is bounded before memory is taken for it.
4. The GCM tag has 128 bits, always: a caller that may ask for fewer may cut it.
"""

import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from keystore.token.names import Cka, Ckm, Ckr, Template, raw_value

MOST_SLOTS, MOST_MECHANISMS, MOST_VALUE, MOST_FOUND = 64, 4_096, 4_096, 8
_LABEL = slice(0, 32)
_INFO_SIZE, _FLAGS_AT, _LONG = 512, 96, c.sizeof(c.c_ulong)
_OS_LOCKING, _SERIAL, _WRITABLE, _USER = 2, 4, 2, 1
PIN_SPENT = 0x40000 | 0x20000
"""CKF_USER_PIN_LOCKED, CKF_USER_PIN_FINAL_TRY."""


_ORDER = {
    "Initialize": 0, "GetSlotList": 4, "GetTokenInfo": 6, "GetMechanismList": 7, "OpenSession": 12,
    "Login": 18, "GetAttributeValue": 24, "FindObjectsInit": 26,
    "FindObjects": 27, "FindObjectsFinal": 28, "EncryptInit": 29, "Encrypt": 30, "DecryptInit": 33,
    "Decrypt": 34, "SignInit": 42, "Sign": 43, "GenerateKey": 58, "GenerateKeyPair": 59,
    "GenerateRandom": 64,
}  # fmt: skip
"""Places in CK_FUNCTION_LIST, in the standard's order."""


class TokenError(Exception):
    """A call that did not return CKR_OK."""

    def __init__(self, call: str, code: int) -> None:
        names = {each.value: each.name for each in Ckr}
        super().__init__(f"C_{call}: CKR_{names.get(code, f'{code:#x}')}")
        self.call, self.code = call, code


class TokenInfo(NamedTuple):
    """What a token says of itself."""

    slot: int
    label: str
    flags: int
    most_sessions: int
    """0: no limit, or the token does not say."""


class _Mechanism(c.Structure):
    _fields_ = (("kind", c.c_ulong), ("parameter", c.c_void_p), ("size", c.c_ulong))


class _Attribute(c.Structure):
    _fields_ = (("kind", c.c_ulong), ("value", c.c_void_p), ("size", c.c_ulong))


class _Gcm(c.Structure):
    _fields_ = (
        ("nonce", c.c_void_p), ("nonce_size", c.c_ulong), ("nonce_bits", c.c_ulong),
        ("associated", c.c_void_p), ("associated_size", c.c_ulong), ("tag_bits", c.c_ulong),
    )  # fmt: skip


class _Initialize(c.Structure):
    _fields_ = (("mutexes", c.c_void_p * 4), ("flags", c.c_ulong), ("reserved", c.c_void_p))


class GcmText(NamedTuple):
    """What AES-GCM encrypts or decrypts."""

    nonce: bytes
    associated: bytes
    content: bytes


class Token:
    """A loaded module, and after `login` its one session."""

    def __init__(self, module: str) -> None:
        self._library = c.CDLL(module)
        self._table = c.POINTER(c.c_void_p)()
        self._session = c.c_ulong(0)
        try:
            code = self._library.C_GetFunctionList(c.byref(self._table))
        except AttributeError:  # some other library
            raise TokenError("GetFunctionList", Ckr.FUNCTION_NOT_SUPPORTED) from None
        if code:
            raise TokenError("GetFunctionList", code)
        self._call("Initialize", c.byref(_Initialize(flags=_OS_LOCKING)))

    def tokens(self) -> list[TokenInfo]:
        """Of all slots that hold one."""
        slots, count = (c.c_ulong * MOST_SLOTS)(), c.c_ulong(MOST_SLOTS)
        self._call("GetSlotList", c.c_ubyte(1), slots, c.byref(count))
        return [self._info(slot) for slot in slots[: count.value]]

    def mechanisms(self, slot: int) -> frozenset[int]:
        """All that it offers."""
        kinds, count = (c.c_ulong * MOST_MECHANISMS)(), c.c_ulong(MOST_MECHANISMS)
        self._call("GetMechanismList", c.c_ulong(slot), kinds, c.byref(count))
        return frozenset(kinds[: count.value])

    def login(self, slot: int, pin: memoryview) -> None:
        """Open the session and log in as the user."""
        flags = c.c_ulong(_SERIAL | _WRITABLE)
        self._call("OpenSession", c.c_ulong(slot), flags, None, None, c.byref(self._session))
        raw = (c.c_ubyte * len(pin)).from_buffer(pin)
        self._call("Login", self._session, c.c_ulong(_USER), raw, c.c_ulong(len(pin)))

    def find(self, template: Template) -> list[int]:
        """Handles, MOST_FOUND at most."""
        with _attributes(template) as (array, size):
            self._call("FindObjectsInit", self._session, array, size)
        found, count = (c.c_ulong * MOST_FOUND)(), c.c_ulong(0)
        self._call("FindObjects", self._session, found, c.c_ulong(MOST_FOUND), c.byref(count))
        self._call("FindObjectsFinal", self._session)
        return found[: count.value]

    def attribute(self, handle: int, kind: Cka) -> bytes | None:
        """Its value; None where the token does not know the attribute or does not say it."""
        buffer = c.create_string_buffer(MOST_VALUE)
        asked = _Attribute(kind, c.cast(buffer, c.c_void_p), MOST_VALUE)
        try:
            one = c.c_ulong(1)
            self._call("GetAttributeValue", self._session, c.c_ulong(handle), c.byref(asked), one)
        except TokenError as error:
            if error.code in (Ckr.ATTRIBUTE_TYPE_INVALID, Ckr.ATTRIBUTE_SENSITIVE):
                return None
            raise
        return buffer.raw[: asked.size] if asked.size <= MOST_VALUE else None

    def generate_pair(self, public: Template, private: Template) -> tuple[int, int]:
        """Handles of a new EC key: public, private."""
        mechanism, first, second = _Mechanism(Ckm.EC_KEY_PAIR_GEN), c.c_ulong(0), c.c_ulong(0)
        with _attributes(public) as shown, _attributes(private) as hidden:
            handles = c.byref(first), c.byref(second)
            self._call(
                "GenerateKeyPair", self._session, c.byref(mechanism), *shown, *hidden, *handles
            )
        return first.value, second.value

    def generate_key(self, template: Template) -> int:
        """The handle of a new AES key."""
        mechanism, handle = _Mechanism(Ckm.AES_KEY_GEN), c.c_ulong(0)
        with _attributes(template) as attributes:
            self._call(
                "GenerateKey", self._session, c.byref(mechanism), *attributes, c.byref(handle)
            )
        return handle.value

    def sign(self, handle: int, digest: bytes) -> bytes:
        """ECDSA, as the token gives it: any length of input, any S. `keystore.token.gate` judges it."""
        mechanism = _Mechanism(Ckm.ECDSA)
        self._call("SignInit", self._session, c.byref(mechanism), c.c_ulong(handle))
        return self._transform("Sign", digest)

    def random(self, size: int) -> bytes:
        """So many bytes of the token's generator: entropy of a ceremony, never the only one."""
        out = c.create_string_buffer(size)
        self._call("GenerateRandom", self._session, out, c.c_ulong(size))
        return out.raw

    def encrypt(self, handle: int, text: GcmText) -> bytes:
        """AES-GCM: ciphertext and tag."""
        return self._crypt("Encrypt", handle, text)

    def decrypt(self, handle: int, text: GcmText) -> bytes:
        """AES-GCM. A wrong tag is whatever the token makes of it: SoftHSM says CKR_GENERAL_ERROR."""
        return self._crypt("Decrypt", handle, text)

    def _crypt(self, verb: str, handle: int, text: GcmText) -> bytes:
        nonce = c.create_string_buffer(text.nonce, len(text.nonce))
        associated = c.create_string_buffer(text.associated, len(text.associated))
        gcm = _Gcm(
            c.cast(nonce, c.c_void_p), len(text.nonce), 8 * len(text.nonce),
            c.cast(associated, c.c_void_p), len(text.associated), 128,
        )  # fmt: skip
        pointer = c.cast(c.byref(gcm), c.c_void_p)
        mechanism = _Mechanism(Ckm.AES_GCM, pointer, c.sizeof(gcm))
        self._call(f"{verb}Init", self._session, c.byref(mechanism), c.c_ulong(handle))
        return self._transform(verb, text.content)

    def _transform(self, verb: str, content: bytes) -> bytes:
        most = len(content) + 256
        out, size = c.create_string_buffer(most), c.c_ulong(most)
        given = content, c.c_ulong(len(content))
        self._call(verb, self._session, *given, out, c.byref(size))
        return out.raw[: size.value]

    def _info(self, slot: int) -> TokenInfo:
        info = c.create_string_buffer(_INFO_SIZE)
        self._call("GetTokenInfo", c.c_ulong(slot), info)
        label = info.raw[_LABEL].decode("utf-8", "replace").rstrip()
        words = [
            int.from_bytes(info.raw[at : at + _LONG], "little")
            for at in range(_FLAGS_AT, _FLAGS_AT + 4 * _LONG, _LONG)
        ]
        most = (
            words[3] if words[3] < 1 << 31 else 0
        )  # flags, most sessions, sessions, most writable
        return TokenInfo(slot, label, words[0], most)

    def _call(self, name: str, *arguments: object) -> None:
        place = self._table[1 + _ORDER[name]]  # CK_VERSION, padded, stands before the functions
        if not place:
            raise TokenError(name, Ckr.FUNCTION_NOT_SUPPORTED)
        code: int = c.CFUNCTYPE(c.c_ulong)(place)(*arguments)
        if code:
            raise TokenError(name, code)


@contextmanager
def _attributes(template: Template) -> Iterator[tuple[c.Array[_Attribute], c.c_ulong]]:
    array, kept = (_Attribute * len(template))(), []
    for place, (kind, value) in enumerate(template):
        raw = raw_value(value)
        kept.append(c.create_string_buffer(raw, len(raw)))  # alive until the call is done
        array[place] = _Attribute(kind, c.cast(kept[-1], c.c_void_p), len(raw))
    yield array, c.c_ulong(len(template))
