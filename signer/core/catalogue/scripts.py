"""Descriptors and Miniscript (signer/bitcoin/descriptor, signer/bitcoin/miniscript)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_C = CodeKind.SETUP
_M = CodeKind.MALFORMED
_OPERATOR = Disposition.OPERATOR
_NEVER = Disposition.NEVER

ENTRIES = (
    # --- descriptors (signer/bitcoin/descriptor) ---
    CodeEntry(
        "descriptor-malformed",
        _C,
        _OPERATOR,
        "A descriptor or template is BIP-380 text of at most 16,384 characters.",
        "Copy the whole text.",
    ),
    CodeEntry(
        "descriptor-checksum",
        _C,
        _OPERATOR,
        "A descriptor ends in # and its BIP-380 checksum.",
        "Copy the descriptor with its checksum from where it was made.",
    ),
    CodeEntry(
        "descriptor-unsupported",
        _C,
        _OPERATOR,
        "A vault is wsh(MINISCRIPT) or tr(UNSPENDABLE,TREE); descriptors are read with sh(wsh()) too.",
        "Use a supported template.",
    ),
    CodeEntry(
        "descriptor-placeholder",
        _C,
        _OPERATOR,
        "Placeholders are @0/**, @1/**, ... in order, one for each key (BIP-388); @i alone is a public key.",
        "Number the placeholders in the order in which they appear; write no /** after a token's key.",
    ),
    CodeEntry(
        "descriptor-fixed-in-taproot",
        _C,
        _OPERATOR,
        "Single public keys stand in wsh() only: they are keys in tokens, which sign ECDSA.",
        "Give that member an xpub in the Taproot vault, its seed sealed by the token.",
    ),
    CodeEntry(
        "descriptor-fixed-repeated",
        _C,
        _OPERATOR,
        "A single public key stands in one place: it has no branches that could differ.",
        "Make a second key in the token for the other place.",
    ),
    CodeEntry(
        "vault-one-address",
        _M,
        _NEVER,
        "A vault whose keys have no children has one address, receive index 0, which takes its change too.",
        "Name branch receive and index 0.",
    ),
    CodeEntry(
        "descriptor-key-repeated",
        _C,
        _OPERATOR,
        "Keys are distinct, and one key in two places has disjoint branches (BIP-388).",
        "Give each place a key of its own.",
    ),
    CodeEntry(
        "descriptor-timelock",
        _C,
        _OPERATOR,
        "older(n) counts 1 to 65,535 blocks, or 4,194,304 plus that many units of 512 seconds.",
        "State the recovery delay in blocks, or in such units.",
    ),
    CodeEntry(
        "descriptor-without-primary",
        _C,
        _OPERATOR,
        "A vault can be spent from at once: some way to spend has no lock.",
        "Give the federation a way without older() and after().",
    ),
    CodeEntry(
        "script-too-many-ways",
        _C,
        _OPERATOR,
        "A script has at most 1,000 ways to spend after absorption, and 1,000 keys.",
        "Use smaller thresholds or fewer alternatives.",
    ),
    CodeEntry(
        "vault-too-complex",
        _C,
        _OPERATOR,
        "A vault has at most 64 combinations of locks, and its sets of signers can all be enumerated.",
        "Let members stand alike: one multisig instead of many different ones.",
    ),
    CodeEntry(
        "descriptor-too-many-keys",
        _C,
        _OPERATOR,
        "Keys stand in at most 100 places of a vault's scripts.",
        "Use fewer keys or fewer leaves.",
    ),
    CodeEntry(
        "descriptor-alternatives",
        _C,
        _OPERATOR,
        "All keys with <a;b;...> have equally many alternatives (BIP-389).",
        "Give every multipath key as many numbers as the others.",
    ),
    CodeEntry(
        "descriptor-internal-key",
        _C,
        _OPERATOR,
        "The internal key of tr() is unspendable, an xpub on BIP-341's H without origin; no script has it.",
        "Put the documented unspendable xpub first, and federation keys into the leaves only.",
    ),
    # --- Miniscript (signer/bitcoin/miniscript) ---
    CodeEntry(
        "miniscript-malformed",
        _C,
        _OPERATOR,
        "A Miniscript is BIP-379 text of at most 1,000,000 characters, digests in hexadecimal.",
        "Correct the place that the message names.",
    ),
    CodeEntry(
        "miniscript-unknown-fragment",
        _C,
        _OPERATOR,
        "Fragments are BIP-379's: multi and sortedmulti in wsh, multi_a and sortedmulti_a in tr.",
        "Correct the name, or use the fragment of that context.",
    ),
    CodeEntry(
        "miniscript-number",
        _C,
        _OPERATOR,
        "Numbers are decimal without leading zeros; older(n) and after(n) have n of 1 to 2,147,483,647.",
        "Correct the number.",
    ),
    CodeEntry(
        "miniscript-threshold",
        _C,
        _OPERATOR,
        "A threshold has 1 <= k <= n, a multisig at most 20 keys in wsh and 999 in tr.",
        "Correct the threshold or the number of keys.",
    ),
    CodeEntry(
        "miniscript-type",
        _C,
        _OPERATOR,
        "Every expression is of a type that its fragment takes, the whole script of type B (BIP-379).",
        "Correct the expression; compile it from a policy, not by hand.",
    ),
    CodeEntry(
        "miniscript-malleable",
        _C,
        _OPERATOR,
        "Nobody without a key can change how a coin is spent: the script is non-malleable (BIP-379).",
        "Ask for a signature in all alternatives but one.",
    ),
    CodeEntry(
        "miniscript-without-signature",
        _C,
        _OPERATOR,
        "Every way to spend needs a signature.",
        "Add a key to every alternative.",
    ),
    CodeEntry(
        "miniscript-timelock-mix",
        _C,
        _OPERATOR,
        "No way to spend needs a lock in blocks and one in seconds together: they exclude each other.",
        "Use one unit for locks that must hold together.",
    ),
    CodeEntry(
        "miniscript-key-repeated",
        _C,
        _OPERATOR,
        "No key stands twice in one script (BIP-379).",
        "Give each place a key of its own.",
    ),
    CodeEntry(
        "miniscript-resource-limits",
        _C,
        _OPERATOR,
        "Script, opcodes, witness items and stack keep the limits of consensus and relay (BIP-379).",
        "Use fewer keys, or a tree of smaller leaves.",
    ),
    CodeEntry(
        "miniscript-unsatisfiable",
        _C,
        _OPERATOR,
        "Something satisfies a vault's script.",
        "Remove the 0, or give it an alternative.",
    ),
    CodeEntry(
        "script-not-miniscript",
        _C,
        _OPERATOR,
        "A script that is read without its text is the script of a Miniscript.",
        "Send the descriptor, or a script that a Miniscript gives.",
    ),
)
