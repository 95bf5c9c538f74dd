"""A relayer: asks every kernel, collects signatures, broadcasts. Trusted by nobody."""
