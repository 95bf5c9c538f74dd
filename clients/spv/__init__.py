"""Proofs that transactions are in blocks: made here, believed by nobody, verified by the kernel."""
