"""JSON lines for machines: one object per event, on standard output.

Rule 1: an event has the fields that its caller names and no others: no payloads, no request texts, no
        secrets, and of an exception its type and places only, because its text could quote either.
Rule 2: `log` says what a line is for: `audit`, who did what and with which keys; or `service`, how the
        process is. Audit lines go to a file of their own where one is given.
Rule 3: PRIORITY and SYSLOG_IDENTIFIER are named as journald names them. Under systemd each line begins with
        its priority, as journald reads it; PRIORITY=5 are the audit lines, and nothing else has it.
Rule 4: a line that cannot be written is lost, and nothing else: the process goes on, and opens no file to say
        so, which would kill a kernel in its room.
Rule 5: with PEGWARDEN_DEBUG=1 whole tracebacks are added; not for production, and not in a kernel's room.
"""

import json
import logging
import os
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from signer.core.errors import Fault
from signer.room.failures import causes

AUDIT = frozenset(
    {"call", "entry", "opened", "vault-key", "tls-renewed"}
    | {"edge-turned-away", "kernel-of-another-user"}
)
"""Events for whoever audits. What was decided, and why, stands in the journal; `entry` points at it."""
_LOGGER = logging.getLogger("pegwarden")
_ERROR, _NOTICE, _INFORMATIONAL = 3, 5, 6
"""Priorities of syslog."""
_STANDARD_OUTPUT = 1


class JsonFormatter(logging.Formatter):
    """One line of JSON per record, of the process with that name."""

    def __init__(self, process: str = "serve") -> None:
        super().__init__()
        self._identifier = f"pegwarden-{process}"

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "log": "audit" if _is_audit(record) else "service",
            "PRIORITY": str(_priority(record)),
            "SYSLOG_IDENTIFIER": self._identifier,
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        return json.dumps(line, ensure_ascii=True, default=str)


class Lines(logging.Handler):
    """Writes each line at once, by one call, to standard output or to the file of audit lines (2 to 4)."""

    def __init__(self, process: str, audit_file: Path | None) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter(process))
        self._prefixed = _is_journald(_STANDARD_OUTPUT)
        self._audit = None if audit_file is None else _opened(audit_file)

    def emit(self, record: logging.LogRecord) -> None:
        """Write it. Where the audit file takes no more, standard output is what is left."""
        line = self.format(record)
        if self._audit is not None and _is_audit(record):
            with suppress(OSError):
                os.write(self._audit, f"{line}\n".encode())
                return
        prefix = f"<{_priority(record)}>" if self._prefixed else ""
        with suppress(OSError):
            os.write(_STANDARD_OUTPUT, f"{prefix}{line}\n".encode())

    def close(self) -> None:
        """Close the audit file."""
        if self._audit is not None:
            os.close(self._audit)
            self._audit = None
        super().close()


def configure_logs(process: str, audit_file: Path | None = None) -> None:
    """Send our events to standard output; audit lines to that file, if any. Raises Fault."""
    _hold_standard_descriptors()
    _LOGGER.handlers = [Lines(process, audit_file)]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def _hold_standard_descriptors() -> None:
    """Where one was closed by who started us, the next file opened would get its number, and our lines."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _opened(file: Path) -> int:
    """Its descriptor: each line goes to its end, also where the file was cut meanwhile (logrotate)."""
    try:
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise Fault(f"cannot write {file}: {error.strerror}") from None


def _is_audit(record: logging.LogRecord) -> bool:
    return record.getMessage() in AUDIT


def _priority(record: logging.LogRecord) -> int:
    if record.levelno >= logging.ERROR:
        return _ERROR
    return _NOTICE if _is_audit(record) else _INFORMATIONAL


def _is_journald(descriptor: int) -> bool:
    """Whether systemd connected it to the journal: $JOURNAL_STREAM names its device and inode."""
    named = os.environ.get("JOURNAL_STREAM")
    if named is None:
        return False
    try:
        seen = os.fstat(descriptor)
    except OSError:  # it is closed
        return False
    return named == f"{seen.st_dev}:{seen.st_ino}"


def log_event(event: str, **fields: object) -> None:
    """Write one event."""
    _LOGGER.info(event, extra={"fields": fields})


def log_fault(error: BaseException, **fields: object) -> None:
    """Write what failed on our side: types and places, from the first cause on."""
    if os.environ.get("PEGWARDEN_DEBUG") == "1":
        fields["traceback"] = "".join(traceback.format_exception(error))
    if isinstance(error, Fault):
        fields["detail"] = str(error)  # a Fault's text is ours
    _LOGGER.error("fault", extra={"fields": fields | {"cause": causes(error)}})
