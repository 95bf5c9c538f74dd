"""PSBTs (signer/bitcoin/psbt)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_L = CodeKind.LIMIT
_REBUILD = Disposition.REBUILD

ENTRIES = (
    # --- PSBTs (signer/bitcoin/psbt) ---
    CodeEntry(
        "base64-malformed",
        _M,
        _REBUILD,
        "Base64 is canonical: no white space, whole padding, no bits beyond the last byte.",
        "Encode the bytes again.",
    ),
    CodeEntry(
        "psbt-magic",
        _M,
        _REBUILD,
        "A PSBT begins with the bytes 70736274ff.",
        "Send a PSBT, not a transaction, and send its bytes, not their base64.",
    ),
    CodeEntry(
        "psbt-too-large",
        _L,
        _REBUILD,
        "A PSBT has at most 8 MiB, 256 bytes per key and 400,000 per value.",
        "Spend fewer coins at once, or coins with smaller previous transactions.",
    ),
    CodeEntry(
        "psbt-too-many",
        _L,
        _REBUILD,
        "A PSBT has at most 500 inputs, 500 outputs, 300 pairs per map, 10 steps per path and 64 leaves per "
        "tree; the previous transactions of a request at most 300,000 inputs, outputs and witness items.",
        "Split the transaction.",
    ),
    CodeEntry(
        "psbt-malformed",
        _M,
        _REBUILD,
        "A PSBT is exactly its maps: shortest lengths, every map ended, no byte left over.",
        "Serialise the PSBT again.",
    ),
    CodeEntry(
        "psbt-version-unsupported",
        _M,
        _REBUILD,
        "A PSBT has version 0 (BIP-174) or 2 (BIP-370).",
        "Convert the PSBT to one of them.",
    ),
    CodeEntry(
        "psbt-version-2-field",
        _M,
        _REBUILD,
        "A PSBT of version 0 has no fields of version 2 (BIP-370).",
        "Remove the field, or convert the PSBT to version 2.",
    ),
    CodeEntry(
        "psbt-version-0-field",
        _M,
        _REBUILD,
        "A PSBT of version 2 has no unsigned transaction (BIP-370).",
        "Remove the field, or convert the PSBT to version 0.",
    ),
    CodeEntry(
        "psbt-field-missing",
        _M,
        _REBUILD,
        "A PSBT of version 2 has every field that BIP-370 requires.",
        "Add the field, or convert the PSBT to version 0.",
    ),
    CodeEntry(
        "psbt-locktime-conflict",
        _M,
        _REBUILD,
        "One locktime, a height or a time, satisfies all inputs of a PSBT of version 2 (BIP-370).",
        "Do not spend coins that require a height together with coins that require a time.",
    ),
    CodeEntry(
        "psbt-duplicate-key",
        _M,
        _REBUILD,
        "No key occurs twice in one map (BIP-174).",
        "Build the PSBT again: one of two values would be lost.",
    ),
    CodeEntry(
        "psbt-key-malformed",
        _M,
        _REBUILD,
        "A key of a known type has that type's size.",
        "Serialise the field as its BIP says.",
    ),
    CodeEntry(
        "psbt-value-malformed",
        _M,
        _REBUILD,
        "A value of a known type has that type's form.",
        "Serialise the field as its BIP says.",
    ),
    CodeEntry(
        "psbt-unsigned-tx",
        _M,
        _REBUILD,
        "A PSBT has one unsigned transaction, with empty scriptSigs.",
        "Move scriptSigs into the input maps.",
    ),
    CodeEntry(
        "psbt-previous-transaction",
        _M,
        _REBUILD,
        "A previous transaction has the txid and the output that the input's outpoint names.",
        "Attach the transaction that created the coin.",
    ),
    CodeEntry(
        "psbt-combine-different-transactions",
        _M,
        _REBUILD,
        "Only PSBTs of the same unsigned transaction are combined.",
        "Combine the answers to one request.",
    ),
    CodeEntry(
        "psbt-combine-different-versions",
        _M,
        _REBUILD,
        "Only PSBTs of one version are combined.",
        "Ask every member in the same version, or convert the answers to one.",
    ),
    CodeEntry(
        "psbt-combine-conflict",
        _M,
        _REBUILD,
        "PSBTs that are combined do not give one key two values.",
        "Find out whose PSBT differs in that field, and leave it out.",
    ),
)
