"""Where a kernel can die between the first byte of a request and its reply, listed once.

1. A step is a function: a kernel dies before it begins, and after it is done and before anything else.
2. In the writer's transaction it dies after each statement that writes, by table.
3. Around each commit, by what was recorded last in it: before, after, and `torn`, when only some of what
   the commit writes has reached the file.
4. Nothing here is known to the kernel: the functions are replaced while tests run (`tests.crash.hooks`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from keystore.file_keystore import FileKeystore
from signer import heard_grants, importing, kernel, start, witness
from signer.journal import writer
from signer.journal.head_file import HeadFile
from signer.journal.journal import Journal
from signer.journal.settlements import Settlements


class Step(NamedTuple):
    """A function that a kernel can die beside."""

    name: str
    owner: object
    """Where it is looked up when it is called."""
    attribute: str


CALLER_STEPS = (
    Step("head confirmed", Journal, "confirm_head"),
    Step("parsed", kernel, "parse_psbt"),
    Step("evidence verified", kernel, "authorize"),
    Step("facts proven", kernel, "verify"),
    Step("writer asked", Journal, "record"),
    Step("refusal handed in", Journal, "record_refusal"),
    Step("signed", FileKeystore, "sign"),
)
"""In the thread that serves SignPsbt, in their order."""
WRITER_STEPS = (
    Step("record read", writer, "read_checkpoint"),
    Step("overdue voided", writer, "void_overdue"),
    Step("ticket served", writer, "decide_work"),
    Step("head signed", writer, "signed_note"),
    Step("checkpoint written", writer, "write_checkpoint"),
    Step("head file written", HeadFile, "write"),
    Step("waiters told", Settlements, "tell"),
    Step("answer released", writer, "_release"),
)
"""In the writer's turn, in their order."""
MEMBER_STEPS = (
    Step("grants waited for", Journal, "wait_settled"),
    Step("message read", witness, "read_message"),
    Step("log followed", witness, "follow"),
    Step("grants counted", heard_grants, "settle"),
    Step("lost entries appended", witness, "roll_forward"),
    Step("message signed", witness, "signed_message"),
    Step("start advanced", start.Start, "advance"),
    Step("start completed", importing, "complete"),
)
"""Where members agree (J6): SignPsbt of a vault with witnesses, Witness, the start."""
STEPS = (*CALLER_STEPS, *WRITER_STEPS, *MEMBER_STEPS)
CALL = "call"
"""A request has arrived (before), its reply has not left (after)."""
BEGIN = "transaction begun"


def beside(steps: Iterable[Step]) -> frozenset[str]:
    """The points beside these steps."""
    return frozenset(f"{when} {each.name}" for each in steps for when in ("before", "after"))


def commit_points(kind: str) -> tuple[str, str, str]:
    """Around the commit of an entry of that kind; `counts` where there is none."""
    return (f"before commit of {kind}", f"torn commit of {kind}", f"after commit of {kind}")


def statement_point(sql: str) -> str:
    """After that statement; empty for one that changes no table."""
    verb, *words = sql.split(None, 3)
    if verb not in ("INSERT", "UPDATE", "DELETE"):
        return ""
    return f"after {verb} {words[0] if verb == 'UPDATE' else words[1]}"
