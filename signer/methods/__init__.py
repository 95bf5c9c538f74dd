"""The RPCs, one file per group: decode, ask the core or the kernel, answer."""
