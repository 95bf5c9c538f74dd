"""What the kernel needs of the world, named by the kernel; wired in `signer/compose.py`."""
