"""Agreement between the members (design J6)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_S = CodeKind.STATE
_RETRY = Disposition.RETRY_SAME
_REBUILD = Disposition.REBUILD
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- the start, and what members tell each other (signer/witness.py, signer/start.py) ---
    CodeEntry(
        "agreement-starting",
        _S,
        _RETRY,
        "Every start is a restore: nothing is granted or signed until enough other members' claims are "
        "imported.",
        "Carry messages between the members (`python -m clients.carrier`); GetHead names whom this kernel "
        "waits for.",
    ),
    CodeEntry(
        "agreement-pending",
        _S,
        _RETRY,
        "Where a vault has witnesses a signature leaves only after a quorum of members granted its entry.",
        "Carry messages between the members (`python -m clients.carrier`), then send the same request again.",
    ),
    CodeEntry(
        "agreement-too-many-pending",
        CodeKind.LIMIT,
        _RETRY,
        "A caller has at most 64 entries that wait for grants.",
        "Carry messages between the members until some are agreed or void, then send the same request again.",
    ),
    CodeEntry(
        "member-message-malformed",
        _M,
        _REBUILD,
        "A member's message is exactly its canonical bytes.",
        "Carry the message as the member gave it.",
    ),
    CodeEntry(
        "member-message-foreign",
        _V,
        _REBUILD,
        "A message is signed by a witness of our policy, for our chain.",
        "Carry messages between the members of one federation only.",
    ),
    CodeEntry(
        "member-log-contradicts",
        _V,
        _REBUILD,
        "The entries brought with what was read before are the tree that the member's signed head states.",
        "Bring that member's head of the size that this kernel follows (GetHead): where it signed two roots "
        "for one size it is named as forked.",
    ),
    CodeEntry(
        "member-log-malformed",
        _M,
        _REBUILD,
        "A piece of a log ends where the head that is brought with it does.",
        "Bring the member's head of the size at which the piece ends (GetHead says it).",
    ),
    CodeEntry(
        "member-log-unread",
        _V,
        _OPERATOR,
        "A member's log is followed entry by entry; each must be one that this version reads.",
        "Run the same version at all members; if they do, that member's log is not what our software writes.",
    ),
    CodeEntry(
        "member-log-too-fast",
        CodeKind.LIMIT,
        _OPERATOR,
        "Of a member's log 4 GiB are kept, and 256 MiB more for each hour that has passed.",
        "No honest member's log grows so fast: find out who runs that member. It is read on as time passes.",
    ),
    CodeEntry(
        "entry-claims-differ",
        _V,
        _OPERATOR,
        "A witness stands behind another member's entry only if it binds what its own PSBT and evidence say, "
        "no more and no less.",
        "Only a kernel that is not ours writes such an entry: find out who runs that member.",
    ),
    CodeEntry(
        "member-forked",
        _S,
        _OPERATOR,
        "A member that signed two contradicting heads is not followed any more.",
        "Find out which of its histories is true: its kernel was cloned, restored while running, or taken "
        "over.",
    ),
)
