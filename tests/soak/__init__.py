"""Long campaigns: `make soak`. A short slice of each runs with the tests.

A campaign is `run(n, seed) -> violations`: n trials of one invariant, deterministic by seed.
"""
