"""The bridge's own rules: claims -> facts -> consent. Pure: no I/O, clock, randomness or logging."""
