"""Hash functions by their Bitcoin names."""

import hashlib
from functools import lru_cache


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def hash256(data: bytes) -> bytes:
    """SHA-256 twice."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def ripemd160(data: bytes) -> bytes:
    """RIPEMD-160."""
    return hashlib.new("ripemd160", data).digest()


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256."""
    return ripemd160(sha256(data))


@lru_cache(maxsize=64)
def _tag_midstate(tag: str) -> "hashlib._Hash":
    return hashlib.sha256(sha256(tag.encode()) * 2)


def tagged_hash(tag: str, data: bytes) -> bytes:
    """SHA256(SHA256(tag) || SHA256(tag) || data) (BIP-340)."""
    hasher = _tag_midstate(tag).copy()
    hasher.update(data)
    return hasher.digest()
