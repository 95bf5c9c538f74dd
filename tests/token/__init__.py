"""Real tokens: SoftHSM 2, one of a test's own."""
