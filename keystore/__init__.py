"""The only code that sees a secret (design section 9)."""
