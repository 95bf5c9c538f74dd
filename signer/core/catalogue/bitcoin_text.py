"""Bytes and text that are not what they claim to be (signer/bitcoin)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_C = CodeKind.SETUP
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- bytes and text (signer/bitcoin) ---
    CodeEntry(
        "amount-out-of-range",
        _M,
        _REBUILD,
        "An amount is 0 to 21 million bitcoin, and so is every sum.",
        "Send the true amount.",
    ),
    CodeEntry(
        "transaction-malformed",
        _M,
        _REBUILD,
        "A transaction is exactly its BIP-144 serialisation.",
        "Serialise it again.",
    ),
    CodeEntry(
        "txid-malformed",
        _M,
        _REBUILD,
        "A txid is 32 bytes, or 64 lower-case hex digits.",
        "Send the txid in the form that the field asks for.",
    ),
    CodeEntry(
        "script-malformed",
        _M,
        _REBUILD,
        "A script is a sequence of whole operations.",
        "Send the whole script.",
    ),
    CodeEntry(
        "pubkey-malformed",
        _M,
        _REBUILD,
        "A public key is a compressed (33 B) or x-only (32 B) point on the curve.",
        "Send a valid key.",
    ),
    CodeEntry(
        "signature-malformed",
        _M,
        _REBUILD,
        "An ECDSA signature is strict DER with low S.",
        "Normalise the signature.",
    ),
    CodeEntry(
        "network-unknown",
        _C,
        _OPERATOR,
        "A network is mainnet, testnet3, testnet4, signet or regtest.",
        "Name one of these.",
    ),
    CodeEntry(
        "xpub-malformed",
        _C,
        _OPERATOR,
        "An extended public key is BIP-32 base58check.",
        "Copy the whole xpub.",
    ),
    CodeEntry(
        "xpub-wrong-network",
        _C,
        _OPERATOR,
        "An xpub carries its network's BIP-32 version bytes (no SLIP-132 form).",
        "Export the key for this network as xpub or tpub.",
    ),
    CodeEntry(
        "path-malformed",
        _M,
        _REBUILD,
        "A derivation path is at most 10 child numbers.",
        "Write the path as /48'/1'/0'/2'.",
    ),
    CodeEntry(
        "derivation-impossible",
        _M,
        _REBUILD,
        "Below an xpub only existing non-hardened children can be derived.",
        "Use a non-hardened index below 2^31.",
    ),
    # --- base58, bech32, addresses (signer/bitcoin) ---
    CodeEntry(
        "base58-malformed",
        _M,
        _REBUILD,
        "Base58Check is at most 128 base58 digits with the right checksum.",
        "Copy the whole text.",
    ),
    CodeEntry(
        "bech32-malformed",
        _M,
        _REBUILD,
        "A segwit address is BIP-173 Bech32 for version 0 and BIP-350 Bech32m for 1 to 16.",
        "Copy the whole address.",
    ),
    CodeEntry(
        "address-malformed",
        _M,
        _REBUILD,
        "An address is Base58Check (P2PKH, P2SH) or Bech32 with a valid checksum.",
        "Copy the whole address.",
    ),
    CodeEntry(
        "address-wrong-network",
        _M,
        _REBUILD,
        "An address carries the prefix or version byte of the kernel's network.",
        "Send an address of this network.",
    ),
    CodeEntry(
        "address-unrepresentable",
        _M,
        _REBUILD,
        "Only P2PKH, P2SH and witness programs have an address.",
        "Name the script in hexadecimal.",
    ),
    # --- Taproot (signer/bitcoin/taproot.py, taproot_sighash.py) ---
    CodeEntry(
        "taproot-tree-malformed",
        _M,
        _REBUILD,
        "A Taproot tree is its leaves in depth-first order, at most 128 deep, and complete.",
        "List every leaf with its depth, in depth-first order.",
    ),
    CodeEntry(
        "taproot-control-block",
        _M,
        _REBUILD,
        "A control block proves that the output key commits to the script, parity included.",
        "Take the control block from the vault's own descriptor.",
    ),
    CodeEntry(
        "taproot-leaf-version",
        _M,
        _NEVER,
        "A leaf is tapscript, version 0xc0; scripts of other versions can be spent by anyone.",
        "Use leaf version 0xc0.",
    ),
    CodeEntry(
        "sighash-type-undefined",
        _M,
        _NEVER,
        "A sighash type is one of the seven of BIP-341, and SINGLE has an output of its index.",
        "Ask for the type DEFAULT.",
    ),
    CodeEntry(
        "key-malformed",
        _C,
        _OPERATOR,
        "A key is [fingerprint/path] and a public key; a vault's are single, or xpubs followed by /<a;b>/*.",
        "Export the account's xpub with its origin.",
    ),
    CodeEntry(
        "key-private",
        _C,
        _OPERATOR,
        "No private key stands in a descriptor, template or key list.",
        "Whoever saw that text has the key: make a new one, and publish its xpub only.",
    ),
    CodeEntry(
        "key-unsupported",
        _C,
        _OPERATOR,
        "Keys are compressed (in tr also x-only), and below an xpub there are no hardened steps.",
        "Use compressed keys, and export the xpub below the last hardened step.",
    ),
)
