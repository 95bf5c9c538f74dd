"""Untrusted by design: what talks to the kernels from outside."""
