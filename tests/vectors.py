"""Where the public test vectors are, and what happens when they are not there.

Rule 1: vectors are read from `$PEGWARDEN_VECTORS`, default `../shared/vectors`; never copied here.
Rule 2: an absent suite skips loudly, with the reason; under `CI=true` it fails.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
VECTORS = Path(os.environ.get("PEGWARDEN_VECTORS", ROOT.parent / "shared" / "vectors"))


def vector_path(relative: str) -> Path:
    """The path of a vector file, or a loud skip (a failure under CI=true)."""
    path = VECTORS / relative
    if not path.exists():
        reason = f"vectors absent: {path} (set PEGWARDEN_VECTORS)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def load_json(relative: str) -> Any:
    """The JSON content of a vector file."""
    return json.loads(vector_path(relative).read_text())
