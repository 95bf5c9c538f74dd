"""Officers' acts, holds, and change control."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_S = CodeKind.STATE
_V = CodeKind.VERIFICATION
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER

ENTRIES = (
    CodeEntry(
        "act-malformed",
        _M,
        _REBUILD,
        "An officer signs one canonical text: known lines in their order, each ended by LF, `expires` last.",
        "Sign the text that `GetPacket` or `pegwarden officer review` prints, unchanged.",
        public=True,
    ),
    CodeEntry(
        "withdrawal-held",
        _S,
        Disposition.WAIT_UNTIL,
        "What an officer holds, or who is paid there, gets no signature, not even again.",
        "Wait until the hold ends, or have the officers' quorum lift it.",
    ),
    CodeEntry(
        "policy-changed",
        _S,
        Disposition.RETRY_SAME,
        "Evidence is verified and judged under one policy.",
        "Ask the same again.",
    ),
    CodeEntry(
        "officer-budget-exhausted",
        CodeKind.LIMIT,
        Disposition.WAIT_UNTIL,
        "An officer's acts per hour and about one subject, open moves, and proposals' number and bytes are "
        "limited; no proposal makes the log grow too fast.",
        "Wait until the moment given, if one is; else use or let expire what was approved.",
    ),
    # --- officers' keys, signatures and texts (signer/core) ---
    CodeEntry(
        "officer-key-malformed",
        _M,
        _REBUILD,
        "An officer's key is an x-only key, or an OpenSSH public key: ed25519, sk-ed25519, sk-ecdsa.",
        "Write 64 lower-case hexadecimal digits, or the line of the `.pub` file.",
    ),
    CodeEntry(
        "officer-signature-malformed",
        _M,
        _REBUILD,
        "An officer's signature is BIP-340's 64 bytes, or what `ssh-keygen -Y sign` writes.",
        "Send the `.sig` file unchanged.",
    ),
    CodeEntry(
        "officer-signature-invalid",
        _V,
        _REBUILD,
        "An officer's signature is that key's over exactly that text, in namespace `pegwarden`, touched.",
        "Sign the text file itself, with `-n pegwarden` and the key that the policy names.",
    ),
    CodeEntry(
        "officer-unknown",
        _V,
        _NEVER,
        "Who acts is an officer of the policy in force.",
        "Use the key that the policy names.",
    ),
    CodeEntry(
        "act-other-network",
        _V,
        _REBUILD,
        "An officer's text names the network of the kernel.",
        "Ask that network's kernels, or sign a text for this one.",
    ),
    CodeEntry(
        "act-expired",
        _V,
        _REBUILD,
        "An officer's word counts before its expiry.",
        "Sign a text with a later expiry.",
    ),
    CodeEntry(
        "act-too-far-ahead",
        _V,
        _REBUILD,
        "An officer's word expires at most 30 days ahead, a lift of holds and a control act one day.",
        "Sign a text with an earlier expiry.",
    ),
    # --- change control (signer/policy_changes.py, signer/descent.py) ---
    CodeEntry(
        "policy-not-governed",
        _S,
        _NEVER,
        "A policy without [governance] never changes.",
        "Begin a new vault with keys bound to a policy that has [governance].",
    ),
    CodeEntry(
        "policy-not-proposed",
        _V,
        _REBUILD,
        "What is approved or asked about is a policy on record.",
        "Propose the file first, or give the id that the proposal answered.",
    ),
    CodeEntry(
        "policy-version-order",
        _V,
        _REBUILD,
        "A version is above the highest that was ever scheduled or in force, by at most 1000.",
        "Number the policy anew and propose it again.",
    ),
    CodeEntry(
        "policy-version-misstated",
        _V,
        _REBUILD,
        "An approval names the policy's own version.",
        "Sign the text that the proposal answered.",
    ),
    CodeEntry(
        "policy-approval-stale",
        _V,
        _REBUILD,
        "An approval names the policy that it replaces.",
        "Propose the policy again, look at what differs now, and sign the new text.",
    ),
    CodeEntry(
        "policy-approval-used",
        _V,
        _REBUILD,
        "A signed approval counts once; when its officer approved another proposal, or another policy came, "
        "it is over.",
        "Sign a new text, with another expiry, if you still approve.",
    ),
    CodeEntry(
        "policy-not-open",
        _V,
        _NEVER,
        "Officers approve what is proposed, or in force and to be confirmed.",
        "Propose a new version.",
    ),
    CodeEntry(
        "policy-act-expected",
        _V,
        _REBUILD,
        "ApprovePolicy takes the approval of a policy.",
        "Bring approvals of withdrawals and moves to SubmitApproval.",
    ),
    CodeEntry(
        "policy-vaults-changed",
        _V,
        _REBUILD,
        "A new policy keeps the vaults, their keys and their lookahead: the sealed keys are bound to them.",
        "Change rules, groups and lists only; a new vault needs new keys.",
    ),
    CodeEntry(
        "policy-genesis-unsigned",
        CodeKind.SETUP,
        Disposition.OPERATOR,
        "A governed journal begins with the approvals of its policy by all officers of [governance].",
        "Have every officer sign what `pegwarden policy draft-approval` prints; give each with --approval.",
    ),
    CodeEntry(
        "policy-not-descended",
        CodeKind.SETUP,
        Disposition.OPERATOR,
        "The policy in force descends from the one that the sealed keys are bound to, by recorded approvals.",
        "Restore the journal and the policy file that belong to these keys.",
    ),
    # --- proposals, approvals and holds (signer/proposals.py, signer/approvals.py) ---
    CodeEntry(
        "nothing-to-wait-for",
        CodeKind.VERIFICATION,
        Disposition.NEVER,
        "Withdrawals are proposed to vaults whose rules wait for officers or time.",
        "Send the withdrawal to SignPsbt.",
    ),
    CodeEntry(
        "withdrawal-not-attested",
        CodeKind.VERIFICATION,
        Disposition.NEEDS_EVIDENCE,
        "A withdrawal is proposed with a complete quorum of attestations for exactly its terms.",
        "Bring the attestations with the proposal.",
    ),
    CodeEntry(
        "withdrawal-not-proposed",
        CodeKind.VERIFICATION,
        Disposition.NEEDS_EVIDENCE,
        "Officers decide about withdrawals whose attestations this kernel has seen.",
        "Have the relayer propose it to this kernel, then send the same again.",
    ),
    CodeEntry(
        "withdrawal-rejected",
        CodeKind.STATE,
        Disposition.NEVER,
        "An officer who rejected a withdrawal does not approve it.",
        "Ask another officer.",
    ),
    CodeEntry(
        "act-misplaced",
        CodeKind.VERIFICATION,
        Disposition.REBUILD,
        "An officer's text goes to the RPC that is for its action.",
        "Send approvals to SubmitApproval, rejections to RejectWithdrawal, holds and their end to Hold, what "
        "is said of the kernel to the RPC of ControlService that it names.",
    ),
    CodeEntry(
        "act-used",
        CodeKind.STATE,
        Disposition.REBUILD,
        "One text lifts holds once.",
        "Have the quorum sign a text with another expiry.",
    ),
    CodeEntry(
        "hold-out-of-bounds",
        CodeKind.POLICY,
        Disposition.REBUILD,
        "A hold ends in the future, within hold_at_most of [governance], or 24 hours without it.",
        "Hold for a shorter time.",
    ),
    CodeEntry(
        "hold-repeated",
        CodeKind.STATE,
        Disposition.NEVER,
        "An officer holds the same withdrawal or destination once.",
        "Ask another officer to hold it, or have it rejected.",
    ),
    CodeEntry(
        "too-many-holds",
        CodeKind.LIMIT,
        Disposition.WAIT_UNTIL,
        "One officer holds at most 16 things at the same time.",
        "Wait until one of the holds has ended.",
    ),
    CodeEntry(
        "approval-quorum-missing",
        CodeKind.POLICY,
        Disposition.NEEDS_APPROVAL,
        "The holds of an officer are lifted by as many distinct officers as the quorum of [governance] has.",
        "Bring the same text signed by more officers.",
    ),
    # --- files of officers (signer/cli) ---
    CodeEntry(
        "act-file-malformed",
        CodeKind.SETUP,
        Disposition.REBUILD,
        "An act's file is one JSON object: text, officer, signature.",
        "Take the file that `pegwarden officer sign` wrote.",
    ),
    CodeEntry(
        "packet-malformed",
        CodeKind.SETUP,
        Disposition.REBUILD,
        "A packet is the file that GetPacket gave, unchanged.",
        "Fetch it again with `pegwarden officer packet`.",
    ),
    CodeEntry(
        "packet-contradicts-policy",
        CodeKind.SETUP,
        Disposition.NEVER,
        "A packet fits the network, the vaults and the attestors of the officer's own policy file.",
        "Do not sign: ask the operator why the kernel says otherwise.",
    ),
    CodeEntry(
        "officer-key-file",
        CodeKind.SETUP,
        Disposition.REBUILD,
        "An officer's key file is its owner's alone and holds 64 hexadecimal digits.",
        "Write the secret key into a file with mode 600.",
    ),
)
