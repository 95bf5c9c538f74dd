"""The `pegwarden` command line (design section 12)."""
