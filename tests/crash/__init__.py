"""Crash certification: a kernel dies at every point between a request and its reply, and at its start."""
