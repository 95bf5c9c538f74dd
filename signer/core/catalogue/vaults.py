"""Vaults (signer/core/vault.py)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_V = CodeKind.VERIFICATION
_C = CodeKind.SETUP
_REBUILD = Disposition.REBUILD
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- vaults (signer/core/vault.py) ---
    CodeEntry(
        "vault-unknown",
        _V,
        _REBUILD,
        "The vault named is registered in the policy.",
        "Name a vault that GetInfo lists.",
    ),
    CodeEntry(
        "vault-lookahead-out-of-range",
        _C,
        _OPERATOR,
        "A vault's lookahead is 1 to 100,000 addresses.",
        "Correct the policy.",
    ),
    CodeEntry(
        "vault-key-repeated",
        _C,
        _OPERATOR,
        "No member stands twice among keys of which fewer than all sign: a threshold counts members.",
        "Give every member one place.",
    ),
    CodeEntry(
        "vault-key-shared",
        _C,
        _OPERATOR,
        "No two vaults share a key: limits and pins would start afresh.",
        "Derive a new key for each vault.",
    ),
    CodeEntry(
        "vault-weaker-unstated",
        _C,
        _OPERATOR,
        "A vault with a path that fewer than k members open states from what age on (weaker_after, in "
        "blocks) or from what height on (weaker_from).",
        "State the least delay in blocks, or the least height, that the federation accepts.",
    ),
    CodeEntry(
        "vault-needs-preimage",
        _C,
        _OPERATOR,
        "Each path of a vault can be opened without the preimage of a hash: preimages get lost.",
        "Give the path a way that asks for signatures only.",
    ),
    CodeEntry(
        "descriptor-key-related",
        _C,
        _OPERATOR,
        "No key of a vault follows from another one: not by its origin, nor by non-hardened derivation.",
        "Let every member give an account key of its own, with its true origin.",
    ),
    CodeEntry(
        "vault-quorums-disjoint",
        _C,
        _OPERATOR,
        "Any two signing quorums share a member, or a withdrawal could be paid twice.",
        "Raise the threshold until 2k > n, or let a majority of the members witness.",
    ),
    CodeEntry(
        "vault-witnesses-unlike-members",
        _C,
        _OPERATOR,
        "A vault's witnesses are the log keys of its members' kernels, one for each member.",
        "List every member's log key once, as GetInfo of its kernel says it.",
    ),
    CodeEntry(
        "vault-witness-quorum-out-of-range",
        _C,
        _OPERATOR,
        "A quorum of witnesses is two members at least and all of them at most.",
        "Leave witness_quorum out, or state a majority of the members.",
    ),
)
