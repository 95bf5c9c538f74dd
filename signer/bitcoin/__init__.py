"""Bitcoin, BIP by BIP: pure, immutable, strict. Nothing here knows the bridge."""
