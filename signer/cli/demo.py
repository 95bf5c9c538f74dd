"""`pegwarden demo`."""

from importlib import import_module

import click


@click.command("demo")
def command() -> int:
    """A federation of three kernels on regtest: a deposit, a withdrawal, and a hostile relayer."""
    return int(import_module("clients.demo.perform").main())
