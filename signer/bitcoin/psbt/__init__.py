"""Partially Signed Bitcoin Transactions (BIP-174, BIP-370): one model, one parse, one writer."""
