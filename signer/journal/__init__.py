"""The durable record of decisions (design section 8)."""
