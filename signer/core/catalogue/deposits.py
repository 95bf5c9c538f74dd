"""Proven deposits, their attestations, and reorganisations that undo them (docs/spv.md)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_V = CodeKind.VERIFICATION
_S = CodeKind.STATE
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_WAIT = Disposition.WAIT_UNTIL
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- what the policy asks of a deposit (signer/core/deposits.py) ---
    CodeEntry(
        "deposit-too-small",
        _V,
        _NEVER,
        "A deposit to a vault with a deposit_least is at least that.",
        "Do not credit this deposit; the officers may lower the bound.",
    ),
    CodeEntry(
        "deposit-late",
        _V,
        _NEVER,
        "A deposit to a vault with deposits_until is in a block at or below that height.",
        "Do not credit this deposit; the address is of a vault that takes no more: ask the federation.",
    ),
    CodeEntry(
        "deposit-unburied",
        _V,
        _WAIT,
        "A deposit is attested once its block has deposit_depth confirmations, counted up to the header for "
        "which enough sources vouch, and while that block is on the best chain.",
        "Wait for blocks and for the sources of headers; after a reorganisation bring a proof for the block "
        "in which the transaction is now.",
    ),
    CodeEntry(
        "deposit-without-officers",
        _S,
        _OPERATOR,
        "A deposit is attested only under a policy with [governance]: its officers end the lock that a "
        "reorganisation brings.",
        "Give the vault to a governed policy (docs/policy-changes.md).",
    ),
    # --- the key (keystore/attestation.py) ---
    CodeEntry(
        "attestation-key-missing",
        _S,
        _OPERATOR,
        "Deposits are attested by a key of their own, named in [keys] attestation.",
        "Make one with `pegwarden key attestation`, name it in the configuration, and restart.",
    ),
    # --- reorganisations (signer/core/control.py, signer/journal/undone.py) ---
    CodeEntry(
        "chain-reorganised",
        _S,
        _OPERATOR,
        "When a block on which an irreversible entry relied leaves the best chain, the kernel locks until "
        "the officers unlock: it signs, grants and records nothing but control acts and headers.",
        "Find out which chain is Bitcoin's, and what the second layer believed; then ask the officers "
        "(`pegwarden control unlock`).",
    ),
)
