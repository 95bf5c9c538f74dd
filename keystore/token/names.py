"""The numbers of PKCS#11 that somebody here uses, and values of attributes as they are given and read."""

import ctypes as c
from collections.abc import Sequence
from enum import IntEnum


class Cka(IntEnum):
    """Attributes (CKA_...)."""

    CLASS = 0x000
    TOKEN = 0x001
    PRIVATE = 0x002
    VALUE = 0x011
    KEY_TYPE = 0x100
    ID = 0x102
    SENSITIVE = 0x103
    ENCRYPT = 0x104
    DECRYPT = 0x105
    WRAP = 0x106
    UNWRAP = 0x107
    SIGN = 0x108
    SIGN_RECOVER = 0x109
    VERIFY = 0x10A
    DERIVE = 0x10C
    VALUE_LEN = 0x161
    EXTRACTABLE = 0x162
    LOCAL = 0x163
    NEVER_EXTRACTABLE = 0x164
    ALWAYS_SENSITIVE = 0x165
    MODIFIABLE = 0x170
    COPYABLE = 0x171
    DESTROYABLE = 0x172
    EC_PARAMS = 0x180
    EC_POINT = 0x181
    ALWAYS_AUTHENTICATE = 0x202
    ALLOWED_MECHANISMS = 0x40000600


class Ckm(IntEnum):
    """Mechanisms (CKM_...)."""

    RSA_PKCS_KEY_PAIR_GEN = 0x0000
    RSA_PKCS_OAEP = 0x0009
    SHA256_HMAC = 0x0251
    GENERIC_SECRET_KEY_GEN = 0x0350
    EC_KEY_PAIR_GEN = 0x1040
    ECDSA = 0x1041
    AES_KEY_GEN = 0x1080
    AES_CBC = 0x1082
    AES_CTR = 0x1086
    AES_GCM = 0x1087


class Ckr(IntEnum):
    """The return values that somebody tells apart (CKR_...)."""

    GENERAL_ERROR = 0x05
    FUNCTION_FAILED = 0x06
    ATTRIBUTE_SENSITIVE = 0x11
    ATTRIBUTE_TYPE_INVALID = 0x12
    ATTRIBUTE_VALUE_INVALID = 0x13
    ENCRYPTED_DATA_INVALID = 0x40
    ENCRYPTED_DATA_LEN_RANGE = 0x41
    AEAD_DECRYPT_FAILED = 0x42
    FUNCTION_NOT_SUPPORTED = 0x54
    MECHANISM_INVALID = 0x70
    PIN_INCORRECT = 0xA0
    PIN_LOCKED = 0xA4


PUBLIC_KEY, PRIVATE_KEY, SECRET_KEY = 2, 3, 4
"""CKO_..."""
EC, AES = 0x03, 0x1F
"""CKK_..."""

Value = bool | int | bytes | tuple[Ckm, ...]
Template = Sequence[tuple[Cka, Value]]


def raw_value(value: Value) -> bytes:
    """As attributes are given and read."""
    match value:
        case bool():
            return bytes((value,))
        case int():
            return bytes(c.c_ulong(value))
        case bytes():
            return value
        case _:
            return b"".join(bytes(c.c_ulong(each)) for each in value)
