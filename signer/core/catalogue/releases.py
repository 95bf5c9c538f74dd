"""Releases: withdrawals closed, pins struck (signer/core/release.py, signer/releases.py)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_P = CodeKind.POLICY
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_EVIDENCE = Disposition.NEEDS_EVIDENCE
_WAIT = Disposition.RETRY_SAME
_APPROVAL = Disposition.NEEDS_APPROVAL

ENTRIES = (
    CodeEntry(
        "withdrawal-closed",
        _P,
        _NEVER,
        "Of a withdrawal whose payment is buried nothing is signed or released again.",
        "Nothing: it is paid, by the transaction that GetWithdrawal names.",
    ),
    CodeEntry(
        "release-pin-unknown",
        _P,
        _REBUILD,
        "A pin is struck that the withdrawal has, or that is held for another member.",
        "Name the pin that GetWithdrawal gives; one that was struck stays struck.",
    ),
    CodeEntry(
        "release-descent-broken",
        _P,
        _REBUILD,
        "The transactions before the last lead to the pin, each spending the one before; a closing has none.",
        "Send the whole transactions in order, or the last one alone if it spends the pin itself.",
    ),
    CodeEntry(
        "release-kills-nothing",
        _P,
        _NEVER,
        "What strikes a pin spends it, or an input of a transaction that leads to it, and is none of these.",
        "Find the transaction that spent the pin, or what it descends from.",
    ),
    CodeEntry(
        "release-pays",
        _P,
        _NEVER,
        "What strikes a pin may not be a payment: its outputs of these terms closed equal withdrawals.",
        "Close the withdrawal by it, or first the equal ones that it paid; or ask the officers.",
    ),
    CodeEntry(
        "release-not-paid",
        _P,
        _NEVER,
        "What closes a withdrawal has an output of its terms, beside those of equal ones that it closed.",
        "Name the transaction that paid it.",
    ),
    CodeEntry(
        "release-coinbase",
        _P,
        _NEVER,
        "A coinbase spends no output, so it proves nothing.",
        "Name the transaction that spent the pin, or what it descends from.",
    ),
    CodeEntry(
        "release-too-shallow",
        _P,
        _WAIT,
        "What closes a withdrawal or strikes a pin has as many confirmations as the vault's release_depth.",
        "Wait for the blocks that are missing, then bring new statements.",
    ),
    CodeEntry(
        "release-unproven",
        _P,
        _EVIDENCE,
        "The quorum of the vault's `coins` says that exactly this transaction is buried, at one height.",
        "Bring `spent` statements of more attestors, not older than an hour.",
    ),
    CodeEntry(
        "release-officers-missing",
        _P,
        _APPROVAL,
        "Officers of [governance] consent to a release where the vault or an unknown payment asks for it.",
        "Bring the officers' acts of exactly this release.",
    ),
    CodeEntry(
        "release-proof-unasked",
        _P,
        _EVIDENCE,
        "A vault takes our own chain's word about a killer only where it has a `release_work`.",
        "Bring the attestors' `spent` statements instead of a proof.",
    ),
    CodeEntry(
        "release-too-light",
        _P,
        _WAIT,
        "So much work lies on the killer's block as the vault's `release_work` says.",
        "Wait for more blocks.",
    ),
    CodeEntry(
        "release-proof-other",
        CodeKind.VERIFICATION,
        _REBUILD,
        "A release's proof is of the last of its transactions.",
        "Bring a proof of the transaction that spent the pin or paid the withdrawal.",
    ),
)
