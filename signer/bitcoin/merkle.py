"""Merkle branches of a block's transactions: from a leaf and its position up to the root.

Rule 1: a branch is at most 32 hashes of 32 bytes, and the position has no bit beyond its depth.
Rule 2: bit i of the position says on which side the node of level i is: 0 left, 1 right.
Rule 3: a node that is last on its level and has no partner is hashed with itself (CVE-2012-2459). So a right
        node never equals its sibling: such a position is beyond the last transaction. And a left node equals
        its sibling where it is the last of its level, never elsewhere: what the siblings say of the number of
        transactions must have an answer.
The RFC 6962 tree of the journal is another thing.
"""

from collections.abc import Sequence

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256

MAX_DEPTH = 32


def root_of(leaf: bytes, position: int, branch: Sequence[bytes]) -> bytes:
    """The root (32 bytes) to which the branch leads from a leaf (a txid) at a position.

    Raises Malformed `merkle-branch`, `merkle-position` or `merkle-duplicate`.
    """
    if len(branch) > MAX_DEPTH or any(len(sibling) != 32 for sibling in branch):
        raise Malformed("merkle-branch", f"not at most {MAX_DEPTH} hashes of 32 bytes")
    most = 1 << len(branch)
    if not 0 <= position < most:
        raise Malformed("merkle-position", f"{position} of {most} places")
    more_than = most // 2  # of fewer leaves the tree would be less deep
    node = leaf
    for level, sibling in enumerate(branch):
        place = position >> level
        if place & 1:
            if sibling == node:
                raise Malformed("merkle-duplicate", f"place {place} of level {level} is a copy")
            node = hash256(sibling + node)
            continue
        through_here = place + 1 << level
        if sibling == node:
            most = min(most, through_here)
        else:
            more_than = max(more_than, through_here)
        node = hash256(node + sibling)
    if more_than >= most:
        raise Malformed("merkle-duplicate", f"more than {more_than} leaves, and at most {most}")
    return node
