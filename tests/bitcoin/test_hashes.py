"""Hash functions against published digests."""

from signer.bitcoin.hashes import hash160, hash256, sha256, tagged_hash


def test_published_digests() -> None:
    assert sha256(b"abc").hex().startswith("ba7816bf8f01cfea414140de5dae2223")
    assert hash256(b"hello").hex().startswith("9595c9df90075148eb06860365df3358")
    assert hash160(b"").hex() == "b472a266d0bd89c13706a4132ccfb16f7c3b9fcb"


def test_tagged_hash_is_sha256_over_the_tag_twice() -> None:
    for tag in ("BIP0340/challenge", "TapLeaf", "TapLeaf"):
        prefix = sha256(tag.encode()) * 2
        assert tagged_hash(tag, b"message") == sha256(prefix + b"message")
    assert tagged_hash("a", b"") != tagged_hash("b", b"")
