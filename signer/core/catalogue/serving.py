"""Requests, the edge, configuration and the command line."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_S = CodeKind.STATE
_R = CodeKind.ROLE
_L = CodeKind.LIMIT
_C = CodeKind.SETUP
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_RETRY = Disposition.RETRY_SAME
_WAIT = Disposition.WAIT_UNTIL
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- requests (signer/wire.py, signer/kernel.py) ---
    CodeEntry(
        "request-malformed",
        _M,
        _REBUILD,
        "A request is exactly its protobuf message: nothing unknown, nothing required left out.",
        "Build the request from the kernel's own proto.",
    ),
    CodeEntry(
        "method-unknown",
        _M,
        _NEVER,
        "The method is one of the service's.",
        "Call a method that the proto names.",
    ),
    CodeEntry(
        "address-index-too-high",
        _V,
        _REBUILD,
        "Addresses are handed out, and deposits taken, below the highest index seen plus the lookahead.",
        "Ask for a lower index. A deposit at an address of another member: again, once this one has seen as "
        "high indexes.",
    ),
    CodeEntry(
        "withdrawal-unknown",
        _V,
        _REBUILD,
        "The withdrawal has a version on this member's record.",
        "Look at another member's record.",
    ),
    CodeEntry(
        "state-rolled-back",
        _S,
        _OPERATOR,
        "A kernel is never behind a head that it signed itself.",
        "Stop: the member's journal is an old copy.",
    ),
    CodeEntry(
        "head-malformed",
        _M,
        _REBUILD,
        "A head is a signed note of this kernel's own log.",
        "Send the head as SignPsbt or GetInfo gave it, or none.",
    ),
    CodeEntry(
        "rollup-unknown",
        _V,
        _REBUILD,
        "The rollup is registered in the policy.",
        "Name a rollup of the policy.",
    ),
    # --- edge (signer/edge) ---
    CodeEntry(
        "caller-unknown",
        _R,
        _OPERATOR,
        "A caller's public key is one that the member's configuration names.",
        "Send the operator the certificate's SPKI SHA-256.",
    ),
    CodeEntry(
        "tls-version-refused",
        _R,
        _REBUILD,
        "Connections are TLS 1.3.",
        "Use a client library that speaks TLS 1.3.",
    ),
    CodeEntry(
        "role-not-allowed",
        _R,
        _OPERATOR,
        "Each RPC is open to the roles that docs/integrate.md lists for it.",
        "Ask a caller with such a role, or the operator for the role.",
    ),
    CodeEntry(
        "rate-exceeded",
        _L,
        _WAIT,
        "A caller sends at most its requests per second.",
        "Wait as RetryInfo says, then send the same request.",
    ),
    CodeEntry(
        "refusal-budget-exhausted",
        _L,
        _WAIT,
        "A caller's refused requests and ExplainPsbt calls stay within its budget.",
        "Wait as RetryInfo says, and find out why so much is refused.",
    ),
    CodeEntry(
        "request-too-large",
        _L,
        Disposition.REBUILD,
        "A request is as large as a PSBT of 8 MiB and its evidence at most.",
        "Split what is asked, or leave out what is on record already.",
    ),
    CodeEntry(
        "calls-too-many",
        _L,
        _RETRY,
        "A caller has at most its number of calls in flight.",
        "Wait for an answer, then send the same request.",
    ),
    CodeEntry(
        "watches-too-many",
        _L,
        _RETRY,
        "A caller has at most its number of streams open (Watch, ListEntries, SubmitHeaders).",
        "Use the stream that is open, or end one.",
    ),
    CodeEntry(
        "deadline-exceeded",
        _L,
        _RETRY,
        "A request is sent, queued and answered within its deadline.",
        "Send the same request again; what was recorded is found again.",
    ),
    CodeEntry(
        "kernel-busy",
        _L,
        _RETRY,
        "The kernel has at most its number of calls open with its edge.",
        "Wait a moment, then send the same request.",
    ),
    CodeEntry(
        "kernel-restarting",
        CodeKind.AWAY,
        _RETRY,
        "The kernel's process runs and answers its edge.",
        "Send the same request again in a few seconds; what was recorded is found again.",
    ),
    # --- configuration and command line (signer/config.py, compose.py, cli) ---
    CodeEntry(
        "config-unreadable",
        _C,
        _OPERATOR,
        "The configuration is a file of at most 1 MiB that can be read.",
        "Name the member's file with --config.",
    ),
    CodeEntry(
        "config-syntax",
        _C,
        _OPERATOR,
        "A configuration is TOML in UTF-8.",
        "Correct the place that the message names.",
    ),
    CodeEntry(
        "config-key-unknown",
        _C,
        _OPERATOR,
        "Every key of a configuration is known.",
        "Correct the spelling, or remove it.",
    ),
    CodeEntry(
        "config-key-missing",
        _C,
        _OPERATOR,
        "Every required key of a configuration is there.",
        "Add the key; docs/configuration.md explains it.",
    ),
    CodeEntry(
        "config-value",
        _C,
        _OPERATOR,
        "Every value has the type and range of its key.",
        "Correct the value; docs/configuration.md explains it.",
    ),
    CodeEntry(
        "mainnet-not-confirmed",
        _C,
        _OPERATOR,
        "Mainnet is served only by an operator who says that he knows it.",
        "Set i_understand_mainnet_is_real_money = true (init: the option of that name).",
    ),
    CodeEntry(
        "tls-file-unreadable",
        _C,
        _OPERATOR,
        "Certificate, key and client authority are PEM files that the edge can read; the key is the "
        "certificate's, and the certificate is valid now.",
        "Correct the paths in [tls], or renew the certificate.",
    ),
    CodeEntry(
        "certificate-unreadable",
        _C,
        _OPERATOR,
        "An existing certificate is a PEM file.",
        "Name the caller's certificate, not its key.",
    ),
    CodeEntry(
        "directory-not-empty",
        _C,
        _OPERATOR,
        "A member directory is made in a new or empty place; nothing is overwritten.",
        "Name another directory.",
    ),
    CodeEntry(
        "passphrase-mismatch",
        _C,
        _OPERATOR,
        "A new passphrase is typed twice alike.",
        "Type it again.",
    ),
    CodeEntry(
        "policy-unreadable",
        _C,
        _OPERATOR,
        "The policy is a file that can be read.",
        "Correct the path; `pegwarden key bind` installs the policy there.",
    ),
    CodeEntry(
        "room-unsupported",
        _C,
        _OPERATOR,
        "The system has what closes the kernel's room: a known processor and Landlock's ABI 6.",
        "Use Linux 6.12 or later with Landlock on x86-64 or aarch64.",
    ),
    CodeEntry(
        "room-incomplete",
        _C,
        _OPERATOR,
        "The kernel serves in a room that is closed to the last part.",
        "Give the process what the detail names; `docs/room.md` lists what it needs.",
    ),
    CodeEntry(
        "policy-wrong-network",
        _C,
        _OPERATOR,
        "Policy and configuration are for one network.",
        "Use the policy of this network.",
    ),
    CodeEntry(
        "policy-exists",
        _C,
        _OPERATOR,
        "An installed policy is not replaced.",
        "Move the other file away if it was never served.",
    ),
    CodeEntry(
        "vault-key-not-ours",
        _C,
        _OPERATOR,
        "Exactly one key of each vault is this member's.",
        "Put this member's key (`pegwarden key show`) into the vault, once.",
    ),
    CodeEntry(
        "key-wrong-policy",
        _C,
        _OPERATOR,
        "A vault key serves the policy that it was bound to.",
        "Serve the policy that the key was bound to, byte for byte.",
    ),
    CodeEntry(
        "key-wrong-vault",
        _C,
        _OPERATOR,
        "A vault key serves the vault that it was bound to, and each key has its vault.",
        "Name in [keys] exactly the keys of the policy's vaults.",
    ),
    CodeEntry(
        "script-line-malformed",
        _C,
        _OPERATOR,
        "A line of `script analyze --jsonl` is a JSON object with context and miniscript, or descriptor.",
        "Write the line as `pegwarden script analyze --help` shows.",
    ),
    CodeEntry(
        "response-malformed",
        _C,
        _OPERATOR,
        "What is verified offline is the kernel's answer as JSON, a PSBT or a transaction.",
        "Save the whole answer.",
    ),
    CodeEntry(
        "statement-invalid",
        _C,
        _OPERATOR,
        "A kernel's statement verifies under its statement key for this network and vault.",
        "Do not pay: the answer is not this kernel's, or not for this vault.",
    ),
)
