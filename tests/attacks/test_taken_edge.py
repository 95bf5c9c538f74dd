"""A taken-over edge. Invariant: it gets what the caller may whom it names, if the configuration names that
caller too, and nothing else; whatever roles it would like to have."""

from pathlib import Path

import pytest

from signer.core.caller import Caller
from signer.core.errors import Refusal
from signer.edge.roles import EDGE, GET_STATUS, ROLES
from signer.link.client import KernelLink
from tests.link.halls import SETTING, Echo, hall


@pytest.mark.parametrize("name", [*SETTING.callers, EDGE, "officer", ""])
def test_it_is_the_caller_whom_it_names_and_no_more(tmp_path: Path, name: str) -> None:
    """Who took over the edge asks the kernel for everything, under every name. What it gets is what the
    kernel's own configuration lets a caller of that name have: the role is not the edge's to say."""
    echo = Echo()
    roles = SETTING.callers.get(name, frozenset())

    async def answered(link: KernelLink) -> set[str]:
        methods = set()
        for method in (*ROLES, "SignDigest", ""):
            try:
                await link.call(method, name, b"", 20)
            except Refusal as refusal:
                assert refusal.code in ("role-not-allowed", "caller-unknown")  # noqa: PT017
            else:
                methods.add(method)
        return methods

    with hall(tmp_path, echo) as served:
        methods = served.run(answered)
    may = {method for method, allowed in ROLES.items() if roles & allowed}
    assert methods == (may | {GET_STATUS} if name == EDGE else may)
    assert {method for method, _, _ in echo.calls} == methods
    assert {caller for _, caller, _ in echo.calls} <= {Caller(name, roles)}
