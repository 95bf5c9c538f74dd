"""The journal once more: each entry derived again by this version, or decided by another policy
(docs/replay.md)."""
