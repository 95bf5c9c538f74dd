"""Every refusal code: what it says, whose it is, what to do next. `docs/rules.md` is made from this.

Rule 1: a code is kebab-case, never renamed, never reused.
Rule 2: the kind decides the gRPC status (the one table in `signer.edge.status`).
Rule 3: `public` codes show observed values and limits to relayers; the others to auditors and officers.
"""

from signer.core.catalogue import (
    agreement,
    audit,
    bitcoin_text,
    ceremonies,
    consent,
    construction,
    control,
    deposits,
    facts,
    headers,
    inclusion,
    keeping,
    officers,
    policy_file,
    policy_rules,
    proof_files,
    psbts,
    releases,
    scripts,
    serving,
    tokens,
    vaults,
)
from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_LAYERS = (
    bitcoin_text,
    psbts,
    scripts,
    vaults,
    facts,
    consent,
    policy_rules,
    releases,
    headers,
    inclusion,
    proof_files,
    deposits,
    officers,
    agreement,
    construction,
    control,
    policy_file,
    keeping,
    audit,
    serving,
    tokens,
    ceremonies,
)
CATALOGUE: dict[str, CodeEntry] = {
    entry.code: entry for layer in _LAYERS for entry in layer.ENTRIES
}

__all__ = ["CATALOGUE", "CodeEntry", "CodeKind", "Disposition"]
