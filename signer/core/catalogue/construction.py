"""OP_RETURN, construction and extraction (signer/core, signer/consensus.py)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_S = CodeKind.STATE
_L = CodeKind.LIMIT
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_EVIDENCE = Disposition.NEEDS_EVIDENCE
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- OP_RETURN and deposits (signer/core/opreturn.py) ---
    CodeEntry(
        "op-return-malformed",
        _M,
        _REBUILD,
        "A payload is OP_RETURN and one minimal push of exactly the bytes of its type.",
        "Write the payload as docs/integrate.md says.",
    ),
    CodeEntry(
        "op-return-unknown",
        _M,
        _REBUILD,
        "A payload has version 1 and type 1 (deposit) or 2 (anchor).",
        "Use a version and type of this kernel.",
    ),
    CodeEntry(
        "op-return-zero",
        _M,
        _REBUILD,
        "No address, batch, root or hash in a payload is zero.",
        "Fill in the true value.",
    ),
    CodeEntry(
        "deposit-above-cap",
        _V,
        _REBUILD,
        "A deposit to a vault with a deposit_cap is at most that, as long as the policy says so.",
        "Deposit less, or wait until the officers lift the cap of the vault that rehearses.",
    ),
    CodeEntry(
        "anchor-mismatch",
        _V,
        _REBUILD,
        "The payload is the expected anchor.",
        "Look for the transaction that carries it.",
    ),
    CodeEntry(
        "anchor-not-from-vault",
        _V,
        _EVIDENCE,
        "An anchor counts only if an input is proven to spend a coin of the vault.",
        "Send the previous transactions of the inputs.",
    ),
    CodeEntry(
        "deposit-op-return",
        _V,
        _REBUILD,
        "A deposit has exactly one OP_RETURN, of value 0.",
        "Do not credit this transaction by its payload.",
    ),
    CodeEntry(
        "deposit-mismatch",
        _V,
        _REBUILD,
        "The payload is the deposit that was expected.",
        "Compare chain, address and magic.",
    ),
    CodeEntry(
        "deposit-output",
        _V,
        _REBUILD,
        "A deposit pays exactly one output of the vault, on its receive branch.",
        "Do not credit this transaction by its payload.",
    ),
    CodeEntry(
        "deposit-from-vault",
        _V,
        _NEVER,
        "A deposit spends no coin of a vault.",
        "Do not credit this transaction: the vault pays itself.",
    ),
    CodeEntry(
        "deposit-origin-unproven",
        _V,
        _EVIDENCE,
        "Previous transactions prove that a deposit spends no coin of a vault.",
        "Send the previous transaction of every input.",
    ),
    # --- construction (signer/core/construct*.py) ---
    CodeEntry(
        "payments-missing",
        _M,
        _REBUILD,
        "A withdrawal transaction has at least one payment.",
        "Name a payment.",
    ),
    CodeEntry(
        "fee-rate-refused",
        _M,
        _REBUILD,
        "A fee rate is 100 to 10,000,000 sat per 1,000 vB.",
        "Name a rate in that range.",
    ),
    CodeEntry(
        "coins-too-many",
        _L,
        _REBUILD,
        "At most 2,000 coins are offered, and at most 500 of them spent; what a deposit's inputs spend are "
        "transactions of at most 8 MiB in all, without witnesses.",
        "Offer the larger coins, or fewer.",
    ),
    CodeEntry(
        "coins-duplicate",
        _M,
        _REBUILD,
        "A coin is offered once.",
        "Remove the repetition.",
    ),
    CodeEntry(
        "coins-required-missing",
        _M,
        _REBUILD,
        "Every required input is among the coins offered.",
        "Offer the coin with its previous transaction.",
    ),
    CodeEntry(
        "coins-insufficient",
        _V,
        _REBUILD,
        "Some 500 coins, within 400,000 weight units, pay for the outputs and the fee.",
        "Offer more or larger coins, pay less, or lower the fee.",
    ),
    CodeEntry(
        "coin-amount-mismatch",
        _V,
        _REBUILD,
        "The amount of a coin is that of its previous transaction's output.",
        "Take the amount from the previous transaction or leave it out.",
    ),
    CodeEntry(
        "input-type-unsupported",
        _V,
        _REBUILD,
        "A deposit is paid from P2PKH, P2WPKH, P2SH-P2WPKH (with its redeem script) or P2TR.",
        "Move the coin to such an address first.",
    ),
    CodeEntry(
        "change-script-refused",
        _V,
        _REBUILD,
        "The user's change goes to P2PKH, P2SH, P2WPKH, P2WSH or a spendable P2TR.",
        "Name another change address.",
    ),
    # --- extraction (signer/core/extract.py, standard.py, signer/consensus.py) ---
    CodeEntry(
        "transaction-not-standard",
        _V,
        _REBUILD,
        "What is extracted is relayed by Core's default policy.",
        "Build the transaction again within the limit that is named.",
    ),
    CodeEntry(
        "consensus-refused",
        _V,
        _NEVER,
        "Core's consensus code accepts every input of what is extracted.",
        "Report it: our rules and Core's disagree.",
    ),
    CodeEntry(
        "consensus-gate-missing",
        _S,
        _OPERATOR,
        "Nothing is extracted without the second opinion of Core's consensus code.",
        "Install py-bitcoinkernel.",
    ),
)
