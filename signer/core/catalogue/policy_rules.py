"""Consent by the policy: what its predicates refuse."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_P = CodeKind.POLICY
_REBUILD = Disposition.REBUILD
_EVIDENCE = Disposition.NEEDS_EVIDENCE
_WAIT = Disposition.WAIT_UNTIL
_OPERATOR = Disposition.OPERATOR
_APPROVAL = Disposition.NEEDS_APPROVAL

ENTRIES = (
    # --- consent by the policy (policies/loaded, policies/predicates) ---
    CodeEntry(
        "policy-no-rule",
        _P,
        _OPERATOR,
        "Nothing is signed that no [[allow]] block allows.",
        "Change the policy if this vault shall make such a spend.",
    ),
    CodeEntry(
        "attestation-missing",
        _P,
        _EVIDENCE,
        "What a spend does is exactly what enough attestors vouch for: each withdrawal's id, amount and "
        "script; an anchor's batch; a sweep's or rotation's vault, path and highest fee.",
        "Collect fresh attestations from more attestors.",
    ),
    CodeEntry(
        "coin-unproven",
        _P,
        _EVIDENCE,
        "A coin is spent when enough attestors say within the hour that it exists, unspent.",
        "Collect fresh coin attestations with the coin's exact amount and script.",
    ),
    CodeEntry(
        "fee-too-high",
        _P,
        _REBUILD,
        "The fee is at most fee_at_most.",
        "Build the transaction with a lower fee.",
    ),
    CodeEntry(
        "fee-rate-out-of-range",
        _P,
        _REBUILD,
        "Fee over worst-case virtual size lies within fee_rate_between.",
        "Build the transaction with a fee rate in the range.",
    ),
    CodeEntry(
        "payment-too-large",
        _P,
        _OPERATOR,
        "Each payment is at most payment_at_most.",
        "Wait for another rule or a policy that allows this payment.",
        public=False,
    ),
    CodeEntry(
        "payment-too-small",
        _P,
        _OPERATOR,
        "Each payment is at least payment_at_least.",
        "Pay it under another rule, or not together with large ones.",
        public=False,
    ),
    CodeEntry(
        "spend-too-large",
        _P,
        _REBUILD,
        "Payments and fee together are at most spend_at_most.",
        "Pay fewer withdrawals in one transaction.",
        public=False,
    ),
    CodeEntry(
        "outflow-exceeded",
        _P,
        _WAIT,
        "What leaves the vault within a window is at most outflow_at_most.",
        "Wait until earlier spends leave the window, or pay less.",
        public=False,
    ),
    CodeEntry(
        "count-exceeded",
        _P,
        _WAIT,
        "The withdrawals that begin within a window are at most count_at_most.",
        "Wait until earlier withdrawals leave the window.",
        public=False,
    ),
    CodeEntry(
        "destination-not-listed",
        _P,
        _OPERATOR,
        "Payments go to the destinations of the list in destinations_in.",
        "Wait for a policy that lists the destination.",
        public=False,
    ),
    CodeEntry(
        "destination-type-refused",
        _P,
        _OPERATOR,
        "Payments go to the address types in destination_types.",
        "Have the withdrawal made to another type of address.",
    ),
    CodeEntry(
        "too-many-inputs",
        _P,
        _REBUILD,
        "A transaction has at most inputs_at_most inputs.",
        "Select fewer coins.",
    ),
    CodeEntry(
        "too-many-outputs",
        _P,
        _REBUILD,
        "A transaction has at most outputs_at_most outputs.",
        "Pay fewer withdrawals in one transaction.",
    ),
    CodeEntry(
        "path-refused",
        _P,
        _REBUILD,
        "Coins are spent by the path that the rule names.",
        "Build the transaction for that spending path.",
    ),
    CodeEntry(
        "batch-before-first",
        _P,
        _REBUILD,
        "A rollup's batches begin with its first_batch.",
        "Anchor a batch from first_batch on.",
    ),
    CodeEntry(
        "policy-expired",
        _P,
        _OPERATOR,
        "After a policy's expires only its [fallback] holds: sweeps and rotations. No deposit is newly "
        "attested.",
        "Have the officers approve a policy that has not expired.",
    ),
    CodeEntry(
        "approval-missing",
        _P,
        _APPROVAL,
        "Enough officers approved exactly this withdrawal, or the statement of this sweep or rotation.",
        "Propose it, have more officers approve it, and send the same request again.",
    ),
    CodeEntry(
        "not-aged",
        _P,
        _WAIT,
        "A withdrawal waits as long as aged says after attestors first vouched for exactly it.",
        "Send the same request again when the time is over.",
    ),
    CodeEntry(
        "outside-schedule",
        _P,
        _WAIT,
        "Spends are signed in the hours of within, UTC.",
        "Send the same request again when the window opens.",
    ),
    CodeEntry(
        "destination-listed",
        _P,
        _OPERATOR,
        "No payment goes to a destination of the list in destinations_not_in.",
        "Do not pay it; have the withdrawal made to another address.",
        public=False,
    ),
    CodeEntry(
        "weight-too-high",
        _P,
        _REBUILD,
        "A transaction weighs at most weight_at_most, with its witnesses at their largest.",
        "Select fewer coins or pay fewer withdrawals in one transaction.",
    ),
    CodeEntry(
        "not-replaceable",
        _P,
        _REBUILD,
        "An input signals that the transaction can be replaced (BIP-125).",
        "Build the transaction with an nSequence below 0xfffffffe.",
    ),
    CodeEntry(
        "caller-refused",
        _P,
        _OPERATOR,
        "The client that asks is one of those in caller.",
        "Ask by a client that the rule names.",
        public=False,
    ),
    CodeEntry(
        "anchor-not-extending",
        _P,
        _EVIDENCE,
        "The attested previous batch is one that the batch may follow: the one below it in a contiguous "
        "rollup; the zero root stands before first_batch alone.",
        "Collect attestations that name the batch before, or anchor the batches that are missing.",
    ),
    CodeEntry(
        "coin-unconfirmed",
        _P,
        Disposition.RETRY_SAME,
        "Each coin's block is buried under at least the blocks of confirmed, a coinbase's under 100, up to "
        "the header that enough sources vouch for.",
        "Ask the same again when more blocks were found; after a reorganisation make the proof anew.",
    ),
    CodeEntry(
        "coin-unburied",
        _P,
        Disposition.RETRY_SAME,
        "Each coin's block is buried under at least the work of buried, up to the header that enough sources "
        "vouch for.",
        "Ask the same again when more blocks were found; after a reorganisation make the proof anew.",
    ),
    CodeEntry(
        "tip-not-fresh",
        _P,
        Disposition.RETRY_SAME,
        "The median time of the last eleven headers is at most as old as tip_fresh.",
        "See whether the sources of headers follow Bitcoin, and ask the same again.",
    ),
)
