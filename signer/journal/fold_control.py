"""What officers and reorganisations said about the kernel as a whole, as `signer.core.control` folds it."""

from signer.core.acts import ControlAct
from signer.core.control import ControlState, apply_control, reorganised
from signer.core.control_codec import decode_control, encode_control
from signer.core.notices import OfficerNotice
from signer.journal.database import Tables


def control_state(tables: Tables) -> ControlState:
    """Where it stands."""
    row = tables.execute("SELECT state FROM control").fetchone()
    return ControlState() if row is None else decode_control(row[0])


def apply_control_act(number: int, notice: OfficerNotice, act: ControlAct, tables: Tables) -> None:
    """Bring the state from before that act to after it."""
    before = control_state(tables)
    _keep(apply_control(before, number, notice.clock, notice.signed.officer, act), tables)


def apply_reorganisation(number: int, tables: Tables) -> None:
    """What entries relied on is undone."""
    _keep(reorganised(control_state(tables), number), tables)


def _keep(state: ControlState, tables: Tables) -> None:
    tables.execute(
        "INSERT INTO control VALUES (1,?) ON CONFLICT (one) DO UPDATE SET state = excluded.state",
        (encode_control(state),),
    )
