"""scrypt itself, computed once for each salt, cost and passphrase: tests open the same files many times."""

from typing import Any

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

DERIVED: dict[tuple[bytes, int, bytes], bytes] = {}
"""By salt, cost and passphrase."""


class KnownScrypt:
    """In the place of `keystore.sealed.Scrypt`."""

    def __init__(self, **cost: Any) -> None:
        self._cost = cost

    def derive(self, passphrase: bytes | bytearray | memoryview) -> bytes:
        """A copy: who gets it wipes it."""
        asked = bytes(self._cost["salt"]), int(self._cost["n"]), bytes(passphrase)
        if asked not in DERIVED:
            DERIVED[asked] = Scrypt(**self._cost).derive(passphrase)
        return bytes(bytearray(DERIVED[asked]))
