"""Partially Signed Bitcoin Transactions (BIP-174): one model, one parse, one writer."""
