"""Pauses, locks, epochs, the head file and the clock (docs/control.md)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_P = CodeKind.POLICY
_S = CodeKind.STATE
_V = CodeKind.VERIFICATION
_NEVER = Disposition.NEVER
_OPERATOR = Disposition.OPERATOR
_REBUILD = Disposition.REBUILD
_WAIT = Disposition.WAIT_UNTIL

ENTRIES = (
    # --- what stops the kernel (signer/core/control.py, signer/clock.py) ---
    CodeEntry(
        "kernel-paused",
        _S,
        _WAIT,
        "A kernel that an officer has paused signs nothing, not even again.",
        "Wait until the pause lapses, or until the officers' quorum resumes.",
    ),
    CodeEntry(
        "kernel-locked",
        _S,
        _OPERATOR,
        "A kernel that the officers' quorum has locked signs, grants and records nothing but control acts.",
        "Ask the officers; `pegwarden control unlock` makes the text that their quorum signs.",
    ),
    CodeEntry(
        "clock-stepped",
        _S,
        _OPERATOR,
        "A kernel believes its machine's clock at the start only if witnesses confirm it, or if it has been "
        "down for no longer than [clock] max_downtime_seconds.",
        "Set the machine's clock right and restart; if it is right, unlock, or raise that limit.",
    ),
    CodeEntry(
        "head-abandoned",
        _V,
        _REBUILD,
        "A head that callers bring is of the journal that goes on, not of one that a new epoch gave up.",
        "Forget that head, and take the one that GetInfo gives.",
    ),
    CodeEntry(
        "head-file-unreadable",
        CodeKind.SETUP,
        _OPERATOR,
        "The head file holds the newest head of this journal, and can be written.",
        "Look why it does not; if the disk lost it, and nothing was restored, move it away and start again.",
    ),
    CodeEntry(
        "withdrawal-frozen",
        _S,
        Disposition.NEEDS_EVIDENCE,
        "After a new epoch a withdrawal that is not on record needs a quorum of attestations that expire "
        "more than 7 days after the time that the epoch states.",
        "Ask the attestors again: they look whether it was paid before they attest it.",
    ),
    # --- acts about the kernel (signer/control.py) ---
    CodeEntry(
        "control-without-officers",
        _S,
        _NEVER,
        "Only a policy with [governance] has officers who control the kernel; where it was given up, those "
        "of the policy before may still unlock.",
        "Stop the process; a policy that is to have officers has [governance] from its genesis on.",
    ),
    CodeEntry(
        "control-quorum-missing",
        _P,
        Disposition.NEEDS_APPROVAL,
        "Resume, lock, unlock, release and a new epoch take one text signed by the quorum of [governance].",
        "Bring the same text signed by more officers, one act of each.",
    ),
    CodeEntry(
        "control-other-kernel",
        _V,
        _REBUILD,
        "A control act names the log key of the kernel that it is for.",
        "Bring it to that kernel, or sign a text for this one.",
    ),
    CodeEntry(
        "control-other-epoch",
        _V,
        _REBUILD,
        "A control act names the epoch that the journal is in.",
        "Look at GetStatus, and sign a new text.",
    ),
    CodeEntry(
        "control-journal-shorter",
        _V,
        _REBUILD,
        "A control act holds for a journal that has at least as many entries as it names.",
        "If the kernel was restored, have its lost entries brought back first; else sign a new text.",
    ),
    CodeEntry(
        "control-act-used",
        _S,
        _REBUILD,
        "A control text that was recorded once never counts again.",
        "Sign a new text.",
    ),
    CodeEntry(
        "control-without-effect",
        _S,
        _REBUILD,
        "An act confirms or ends what stands in the entries that its text says its officers knew of.",
        "Look at GetStatus: nothing is to be done, or sign a text that names more entries.",
    ),
    CodeEntry(
        "pause-out-of-bounds",
        _P,
        _REBUILD,
        "A pause ends in the future, within hold_at_most of [governance].",
        "Pause for a shorter time; the quorum can confirm it.",
    ),
    CodeEntry(
        "pause-repeated",
        _S,
        _WAIT,
        "An officer pauses again only a week after the end that the last pause stated.",
        "Ask another officer, or have the quorum lock the kernel.",
    ),
    CodeEntry(
        "clock-misstated",
        _V,
        _OPERATOR,
        "The time that an unlock or a new epoch states is this machine's, at most a day before its expiry.",
        "Set the machine's clock right, or sign a text with the right time.",
    ),
    CodeEntry(
        "epoch-head-unlisted",
        _V,
        _REBUILD,
        "A new epoch gives up the largest head of this log that the kernel has seen and does not have.",
        "Sign a text that names the head that GetStatus shows.",
    ),
)
