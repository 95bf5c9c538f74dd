"""The universal rules: what holds whatever a policy says (promises P1 to P6 of design section 1).

1. No policy can switch one off, weaken it or name it; `policy explain` and the report list them all the same.
2. A rule names its codes and the files that keep it. A test compares both with the source: each code that
   those files raise belongs to exactly one rule, so a check cannot be added or lost unseen.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UniversalRule:
    """One rule of the kernel itself."""

    name: str
    """As ExplainPsbt's trace names it, where it is traced."""
    promise: str
    """`P1` to `P6`."""
    english: str
    codes: tuple[str, ...]
    """What a refusal under it says. Empty: broken only by a fault of ours, which leaves no signature."""
    kept_in: tuple[str, ...]
    """Files of the source."""


_CORE = "signer/core/"

UNIVERSAL_RULES = (
    UniversalRule(
        "envelope",
        "P1",
        "Every field of the PSBT is understood, nobody may still change the transaction, and global xpubs "
        "are exactly the federation's. A foreign or wrong signature that came along is refused.",
        (
            "psbt-modifiable",
            "psbt-field-not-understood",
            "xpub-foreign",
            "sighash-type-refused",
            "signature-foreign-key",
            "signature-invalid",
        ),
        (_CORE + "verify.py", _CORE + "digests.py"),
    ),
    UniversalRule(
        "transaction",
        "P1",
        "The transaction has version 2, inputs and outputs; no coin is spent twice and none is null.",
        (
            "transaction-empty",
            "transaction-version-refused",
            "input-repeated",
            "input-null",
        ),
        (_CORE + "verify.py",),
    ),
    UniversalRule(
        "inputs",
        "P1",
        "Every input is a coin of the one vault that is named, its script re-derived from the descriptor; "
        "its amount is proven by its previous transaction, or signed (Taproot).",
        (
            "input-foreign",
            "derivation-mismatch",
            "input-script-mismatch",
            "previous-transaction-missing",
            "witness-utxo-mismatch",
            "input-already-final",
            "amounts-impossible",
        ),
        (_CORE + "inputs.py", _CORE + "places.py", _CORE + "verify.py"),
    ),
    UniversalRule(
        "outputs",
        "P1",
        "Every output has exactly one purpose: the payment of a withdrawal, change to the vault's change "
        "branch or one address, rotation to the next vault, or an anchor. No payment goes to a registered "
        "vault.",
        (
            "output-unexplained",
            "output-script-mismatch",
            "payment-claim-repeated",
            "payment-claim-without-output",
            "payment-to-vault",
            "change-repeated",
            "change-wrong-branch",
        ),
        (_CORE + "outputs.py",),
    ),
    UniversalRule(
        "kind",
        "P1",
        "A transaction is one thing: payments with change, one anchor with change, change alone, or rotation "
        "alone. A recovery path sweeps or rotates and never pays.",
        ("mixed-purposes", "recovery-may-not-pay"),
        (_CORE + "verify.py",),
    ),
    UniversalRule(
        "path",
        "P1",
        "The spending path follows from nSequence and nLockTime, never from what the caller says; they open "
        "that path and no other, and our key stands in it.",
        (
            "sequence-refused",
            "locktime-refused",
            "locktime-enables-path",
            "path-without-our-key",
        ),
        (_CORE + "verify.py", "signer/kernel.py"),
    ),
    UniversalRule(
        "evidence",
        "P1",
        "An attestor's word counts when its signature fits exactly these statements, this network and "
        "this vault.",
        ("attestation-invalid", "evidence-mixed-kinds", "evidence-too-large"),
        (_CORE + "evidence.py",),
    ),
    UniversalRule(
        "proofs",
        "P1",
        "A proof that comes with a spend shows a transaction whose outputs it spends, once, in a block on "
        "record, with exactly these outputs.",
        ("proof-unused", "proof-repeated", "proof-output-differs", "proofs-too-large"),
        (_CORE + "proven_coins.py",),
    ),
    UniversalRule(
        "coins",
        "P1",
        "Each coin is proven as the vault's `coins` asks, by attestors who say that it is unspent or by its "
        "block, or is spent already by a version of a withdrawal that is paid here, with the same amount and "
        "script.",
        ("coin-unproven", "coin-not-as-recorded"),
        (_CORE + "universal_rules.py", "policies/predicates/attested.py"),
    ),
    UniversalRule(
        "default",
        "P2",
        "Nothing is signed that no rule of the policy allows; an anchor is a registered rollup's.",
        ("policy-no-rule", "rollup-unknown"),
        ("policies/loaded.py",),
    ),
    UniversalRule(
        "control",
        "P2",
        "Neither officers nor a reorganisation have paused or locked the kernel: this stops retries too.",
        ("kernel-paused", "kernel-locked", "chain-reorganised"),
        (_CORE + "control.py",),
    ),
    UniversalRule(
        "holds",
        "P2",
        "No officer holds what is paid, or to whom. A hold is bounded in time; it stops retries too.",
        ("withdrawal-held",),
        (_CORE + "holds.py",),
    ),
    UniversalRule(
        "pins",
        "P3",
        "Each version of a withdrawal spends the coin to which the first version pinned it, and pays the "
        "same amount to the same script; no pinned coin is spent without paying what is pinned to it, unless "
        "the officers' quorum approved the sweep or rotation. When its payment is buried a withdrawal is "
        "closed, and nothing of it is signed again.",
        (
            "withdrawal-closed",
            "withdrawal-pinned",
            "withdrawal-terms-changed",
            "withdrawal-twin-open",
            "pin-spent-unpaid",
            "no-coin-to-pin",
        ),
        (_CORE + "pins.py",),
    ),
    UniversalRule(
        "epochs",
        "P3",
        "After a new epoch of the journal a withdrawal that is not on record needs a quorum of attestations "
        "that expire more than 7 days after the time that the epoch states: so attestors looked first "
        "whether a lost entry paid it.",
        ("withdrawal-frozen",),
        (_CORE + "freeze.py", _CORE + "universal_rules.py"),
    ),
    UniversalRule(
        "witnesses",
        "P3",
        "Where a vault has witnesses, a signature leaves only after a quorum of members stands behind its "
        "entry, and no kernel grants or signs before it has imported what the others hold.",
        ("agreement-pending",),
        ("signer/kernel.py",),
    ),
    UniversalRule(
        "retries",
        "P3",
        "What is on record is signed again only with the same withdrawals, scripts, sighash types and "
        "digests.",
        ("retry-mismatch",),
        (_CORE + "recall.py",),
    ),
    UniversalRule(
        "statements",
        "P4",
        "One batch has one root for ever, batches go in increasing order, and an anchor spends few coins. A "
        "sweep statement serves once.",
        (
            "batch-root-conflict",
            "batch-out-of-order",
            "previous-root-conflict",
            "anchor-too-many-inputs",
            "sweep-statement-used",
        ),
        (_CORE + "anchors.py", _CORE + "sweeps.py"),
    ),
    UniversalRule(
        "record",
        "P5",
        "The entry is durable before any key is touched; the key signs only what is on record, recomputes "
        "each digest and verifies its own signature.",
        (),
        ("signer/journal/record.py", "keystore/gate.py"),
    ),
    UniversalRule(
        "standard",
        "P6",
        "Nodes relay the transaction: weight, fee and dust within their limits, and payments only to P2PKH, "
        "P2SH, P2WPKH, P2WSH and P2TR.",
        (
            "transaction-too-heavy",
            "fee-below-relay",
            "output-dust",
            "payment-script-refused",
        ),
        (_CORE + "verify.py", _CORE + "outputs.py"),
    ),
    UniversalRule(
        "change",
        "P6",
        "Change stays within the lookahead window, where a wallet that is restored from its seed finds it.",
        ("change-index-too-high",),
        (_CORE + "universal_rules.py",),
    ),
)
"""In the order of the promises."""
