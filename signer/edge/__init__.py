"""The network-facing edge: mTLS, callers, roles, limits. It passes raw bytes on and knows no Bitcoin."""
