"""The policy file, before there is a request (policies)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_C = CodeKind.SETUP
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- the policy file (policies), before there is a request ---
    CodeEntry(
        "policy-too-large",
        _C,
        _OPERATOR,
        "A policy file is at most 1 MiB.",
        "Shorten the lists, or split the federation's vaults over kernels.",
    ),
    CodeEntry(
        "policy-text",
        _C,
        _OPERATOR,
        "A policy is UTF-8 without byte order mark or invisible characters; lines end in LF.",
        "Remove the character at that place.",
    ),
    CodeEntry(
        "policy-syntax",
        _C,
        _OPERATOR,
        "A policy uses the part of TOML that docs/policy.md describes.",
        "Write that place as the manual's example does.",
    ),
    CodeEntry(
        "policy-repeated",
        _C,
        _OPERATOR,
        "No table, key, magic, group member or list entry stands twice, and no definition is called like a "
        "predicate.",
        "Remove one of the two, or call it otherwise.",
    ),
    CodeEntry(
        "policy-key-unknown",
        _C,
        _OPERATOR,
        "Every table and key of a policy is known.",
        "Correct the spelling, or remove it.",
    ),
    CodeEntry(
        "policy-key-missing",
        _C,
        _OPERATOR,
        "Every required key of a policy is there.",
        "Add the key.",
    ),
    CodeEntry(
        "policy-value",
        _C,
        _OPERATOR,
        "Every value has the type and range of its key.",
        "Correct the value.",
    ),
    CodeEntry(
        "policy-name-unknown",
        _C,
        _OPERATOR,
        "An expression names predicates of the language, and groups, lists, vaults and definitions of its "
        "file, these last behind where they are defined.",
        "Correct the name, or define it.",
    ),
    CodeEntry(
        "policy-expression",
        _C,
        _OPERATOR,
        "An expression is and(...), or(...), thresh(k,...) or a predicate with its arguments; "
        "at most 64 KiB and 32 levels, and 256 KiB more in a whole policy by its definitions.",
        "Correct the expression at that place.",
    ),
    CodeEntry(
        "policy-literal",
        _C,
        _OPERATOR,
        "A literal has the right unit and is exact: whole satoshi, sat/kvB, seconds, counts from 1.",
        "Write it as 0.5 BTC, 2500 sat, 12 sat/vB, 24h or 3.",
    ),
    CodeEntry(
        "policy-empty",
        _C,
        _OPERATOR,
        "A policy has at least one [[allow]] block.",
        "Add what shall be allowed.",
    ),
    CodeEntry(
        "policy-way-unattested",
        _C,
        _OPERATOR,
        "Every way to consent to a spend asks for attestations, of a sweep or rotation for attestations or "
        "approvals.",
        "Add attested(k, group) to that way; for a sweep or rotation approved(k, group) will do.",
    ),
    CodeEntry(
        "policy-spv-witnessed",
        _C,
        _OPERATOR,
        "`coins` of a vault with witnesses asks attestors alone: the headers of a witness are other ones.",
        "Take confirmed and buried out of `coins` (in `when` they may stand), or take out the witnesses.",
    ),
    CodeEntry(
        "policy-unsatisfiable",
        _C,
        _OPERATOR,
        "What a policy asks for can be met: thresholds within counts, limits that leave a range.",
        "Correct the threshold or the limits.",
    ),
    CodeEntry(
        "policy-too-many-ways",
        _C,
        _OPERATOR,
        "A policy has at most 1,000 ways to consent after absorption.",
        "Use smaller thresholds or fewer alternatives.",
    ),
    CodeEntry(
        "vault-weaker-too-early",
        _C,
        _OPERATOR,
        "No path that fewer than k members open opens before the vault's weaker_after or weaker_from.",
        "Correct weaker_after or weaker_from, or use a template with longer locks, in blocks.",
    ),
)
