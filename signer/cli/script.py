"""`pegwarden script analyze`."""

import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import Context
from signer.cli.options import Emit, json_option
from signer.cli.script_facts import (
    UNKNOWN,
    Facts,
    analyzed_descriptor,
    analyzed_miniscript,
    facts_of,
    lines_of,
)

MAX_LINE = 1_100_000
"""Bytes of a line: the longest Miniscript that is read, and its JSON."""
REFUSED, FAULT = 1, 3

_FORMS = ("wsh(", "sh(", "tr(")


@click.group("script")
def command() -> None:
    """Say what a script is, and who can spend by it."""


@command.command("analyze")
@click.argument("subject", metavar="[EXPRESSION|FILE]", required=False)
@click.option(
    "--context",
    type=click.Choice([context.value for context in Context]),
    default=Context.P2WSH.value,
    show_default=True,
    help="Where a bare Miniscript stands: P2WSH or a tapscript leaf.",
)
@click.option(
    "--jsonl", is_flag=True, help="Read FILE (or standard input), a JSON object per line."
)
@json_option
def analyze_command(subject: str | None, context: str, emit: Emit, **options: bool) -> int:
    """Types, sanity, limits and spending paths of a descriptor or a Miniscript.

    EXPRESSION is a descriptor with checksum, or a Miniscript whose keys are hex or names:

      pegwarden script analyze 'and_v(v:pk(alice),older(144))'

    With --jsonl, each line of FILE is one of

    \b
      {"context": "wsh", "miniscript": "..."}      context: wsh or tr
      {"descriptor": "..."}

    and each line of the answer is a JSON object: ok (it could stand in a block), code (the first rule
    that it breaks), sane (BIP-379: it can be relied on), types, script_hex (null when keys are names),
    nonmalleable, needs_signature, timelock_mix, ops, stack, max_witness_weight, paths.

    Exit status: 0 everything is ok, 1 something is refused, 2 usage.
    """
    if options["jsonl"]:
        with _opened(subject) as stream:
            return _analyze_lines(stream)
    if subject is None:
        raise click.UsageError("name an EXPRESSION, or read lines with --jsonl")
    if subject.startswith(_FORMS):
        analyzed = analyzed_descriptor(subject)
    else:
        analyzed = analyzed_miniscript(subject, Context(context))
    emit(facts_of(analyzed), lines_of(analyzed))
    return 0 if analyzed.ok else REFUSED


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    if name is None or name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as stream:
        yield stream


def _analyze_lines(stream: BinaryIO) -> int:
    """A verdict for each line, whatever it holds; the exit status."""
    status = 0
    for line in _bounded_lines(stream):
        verdict = _verdict(line)
        if not verdict["ok"]:
            status = max(status, FAULT if verdict["code"] == "fault" else REFUSED)
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()
    return status


def _bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines; of one that is too long only the beginning is kept."""
    while line := stream.readline(MAX_LINE + 2):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(1 << 16)  # read and dropped
        yield line


def _verdict(line: bytes) -> Facts:
    try:
        return _facts_of_line(line)
    except Malformed as error:
        return {**UNKNOWN, "code": error.code, "detail": error.detail}
    except Exception as error:
        incident = f"incident {uuid.uuid4().hex[:12]}, {type(error).__name__}"
        return {**UNKNOWN, "code": "fault", "detail": incident}


def _facts_of_line(line: bytes) -> Facts:
    """Raises Malformed `script-line-malformed` and what the expression deserves."""
    if len(line) > MAX_LINE:
        raise Malformed("script-line-malformed", f"longer than {MAX_LINE} bytes")
    try:
        members = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed("script-line-malformed", "not JSON in UTF-8") from error
    match members:
        case {"descriptor": _, "miniscript": _}:
            pass
        case {"descriptor": str(text)}:
            return facts_of(analyzed_descriptor(text))
        case {"context": "wsh" | "tr" as context, "miniscript": str(text)}:
            return facts_of(analyzed_miniscript(text, Context(context)))
    raise Malformed(
        "script-line-malformed", "either `context` (wsh or tr) and `miniscript`, or `descriptor`"
    )
