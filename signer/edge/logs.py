"""JSON lines for machines: one object per event, on standard error.

Rule 1: an event has the fields that its caller names and no others: no payloads, no request texts, no
        secrets, and of an exception its type and places only, because its text could quote either.
Rule 2: with PEGWARDEN_DEBUG=1 whole tracebacks are added; not for production.
"""

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime

from signer.core.errors import Fault

_LOGGER = logging.getLogger("pegwarden")


class JsonFormatter(logging.Formatter):
    """One line of JSON per record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        return json.dumps(line, ensure_ascii=True, default=str)


def configure_logs() -> None:
    """Send our events to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def log_event(event: str, **fields: object) -> None:
    """Write one event."""
    _LOGGER.info(event, extra={"fields": fields})


def log_fault(error: BaseException, **fields: object) -> None:
    """Write what failed on our side: types and places, from the first cause on."""
    chain: list[str] = []
    each: BaseException | None = error
    while each is not None and len(chain) < 5:
        frames = traceback.extract_tb(each.__traceback__)[-4:]
        places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
        chain.append(f"{type(each).__name__} at {places or 'unknown place'}")
        each = each.__cause__ or each.__context__
    if os.environ.get("PEGWARDEN_DEBUG") == "1":
        fields["traceback"] = "".join(traceback.format_exception(error))
    if isinstance(error, Fault):
        fields["detail"] = str(error)  # a Fault's text is ours
    _LOGGER.error("fault", extra={"fields": fields | {"cause": chain}})
