"""A member as several processes: the socket between them, and the parent that starts them."""
