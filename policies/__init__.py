"""Policies: what a reviewed document lets this kernel sign. Pure: no I/O, clock, randomness, logging."""
