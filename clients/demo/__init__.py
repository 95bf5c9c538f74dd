"""The demo: everything that this project promises today, shown on real Bitcoin (regtest)."""

from clients.demo.perform import main

__all__ = ["main"]
