"""Signatures by a chosen nonce, and what two of one nonce give away."""

from coincurve import PrivateKey

from signer.bitcoin.secp import ORDER


def signed_by_nonce(key: PrivateKey, digest: bytes, nonce: int) -> bytes:
    """R and S, as a token gives them."""
    point = PrivateKey(nonce.to_bytes(32, "big")).public_key.format()
    r = int.from_bytes(point[1:], "big") % ORDER
    s = pow(nonce, -1, ORDER) * (int.from_bytes(digest, "big") + r * key.to_int()) % ORDER
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def key_of_two(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> PrivateKey:
    """The key behind two (digest, R and S) of one nonce."""
    (e1, r, s1), (e2, _, s2) = (
        (int.from_bytes(digest, "big"), int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:]))
        for digest, raw in (one, other)
    )
    nonce = (e1 - e2) * pow(s1 - s2, -1, ORDER) % ORDER
    return PrivateKey.from_int((s1 * nonce - e1) * pow(r, -1, ORDER) % ORDER)
