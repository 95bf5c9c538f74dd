"""Taproot vaults of the test federation, and their signatures."""

from signer.bitcoin.descriptor import DerivedLeaf, Tr, parse_template
from signer.bitcoin.keys import ExtendedPublicKey
from signer.bitcoin.network import REGTEST
from signer.bitcoin.taproot import unspendable_xpub
from tests.federation import Member

MEMBERS = tuple(Member(f"member-{number}") for number in range(20))
UNSPENDABLE = unspendable_xpub().text(REGTEST)


def keys(members: int) -> tuple[str, ...]:
    """The key information of a template: the unspendable xpub, then the members'."""
    return (UNSPENDABLE, *(member.key_text for member in MEMBERS[:members]))


def places(members: int, branches: str = "**") -> str:
    """`@1/**,@2/**,...`."""
    return ",".join(f"@{number}/{branches}" for number in range(1, members + 1))


def plain_template(threshold: int, members: int) -> str:
    """One leaf."""
    return f"tr(@0/**,multi_a({threshold},{places(members)}))"


def recovery_template(threshold: int, members: int, weaker: int, blocks: int) -> str:
    """A primary leaf, and a weaker one after so many blocks."""
    primary = f"multi_a({threshold},{places(members)})"
    later = f"and_v(v:older({blocks}),multi_a({weaker},{places(members, '<2;3>/*')}))"
    return f"tr(@0/**,{{{primary},{later}}})"


def taproot(template: str, members: int) -> Tr:
    """The descriptor of that template."""
    descriptor = parse_template(template, keys(members), REGTEST)
    assert isinstance(descriptor, Tr)
    return descriptor


def leaf_signatures(
    leaf: DerivedLeaf, digest: bytes, signers: tuple[int, ...]
) -> dict[tuple[bytes, bytes], bytes]:
    """BIP-340 signatures of these members for one leaf, by its hash and the x-only key."""
    signatures = {}
    for key in leaf.keys:
        member = next(each for each in MEMBERS if each.fingerprint == key.fingerprint)
        if MEMBERS.index(member) in signers:
            signatures[leaf.leaf_hash, key.xonly] = member.secret(*key.path[-2:]).sign_schnorr(
                digest
            )
    return signatures


def foreign_key() -> ExtendedPublicKey:
    """An xpub on another point, with the unspendable one's chain code."""
    xpub = unspendable_xpub()
    return ExtendedPublicKey(0, bytes(4), 0, xpub.chain_code, xpub.child_pubkey(0))
