"""Keys in a token (keystore/token, keystore/hsm_sealed)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_C = CodeKind.SETUP
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    CodeEntry(
        "token-unavailable",
        CodeKind.STATE,
        Disposition.RETRY_SAME,
        "A keeper of the token answers within its time.",
        "Look at the token and at the keepers' log; the same request can then be sent again.",
    ),
    CodeEntry(
        "token-key-missing",
        _C,
        _OPERATOR,
        "The token holds exactly one key of each id that is used.",
        "Name the token and the id under which the key was made; `pegwarden key doctor` looks at a token.",
    ),
    CodeEntry(
        "token-key-weak",
        _C,
        _OPERATOR,
        "A key in a token was made there, cannot leave it or be changed, and does one thing.",
        "Make a new key in the token, and rotate to it if this one holds coins.",
    ),
    CodeEntry(
        "token-pin-wrong",
        _C,
        _OPERATOR,
        "The token takes the PIN.",
        "Correct the PIN before the keeper is started again: a token locks after a few tries.",
    ),
    CodeEntry(
        "token-pin-locked",
        _C,
        _OPERATOR,
        "The token's PIN has tries left beyond the last one.",
        "Find out who tried, then unlock the PIN with the security officer's PIN.",
    ),
    CodeEntry(
        "token-seal-wrong",
        _C,
        _OPERATOR,
        "A seed that a token sealed is opened by that token's key, for the same vault and purpose.",
        "Name the file and the token that belong together; if they do, restore the file from its backup.",
    ),
    CodeEntry(
        "key-kind-wrong",
        _C,
        _OPERATOR,
        "A key file is of the kind that is asked for (`pegwarden key show` names it): under its passphrase "
        "alone, or under a token's seal, too, to be used (hsm-sealed) or put away (hsm-backup).",
        "`pegwarden key unwrap` takes the token's seal off, `pegwarden key wrap` puts it on (docs/hsm.md).",
    ),
    CodeEntry(
        "token-mechanism-missing",
        _C,
        _OPERATOR,
        "The token has every mechanism that the plan needs.",
        "Choose one of the alternatives named, or another token.",
    ),
    CodeEntry(
        "token-plan-refused",
        _C,
        _OPERATOR,
        "The token carries the sessions and the signatures per second that the plan needs.",
        "Plan fewer keepers or a lower rate, or use a faster token.",
    ),
)
