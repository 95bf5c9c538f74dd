"""Federations of real kernels against a simulated chain: `tests.model.driver`."""
