"""J2 of an anchor that no statement is about: what the record says of it counts all the same."""

from signer.core.anchors import anchor_objections
from signer.core.spend import VerifiedSpend
from tests.core.model_view import ModelView
from tests.core.test_statements import anchor_case, decide, root, terms


def codes(spend: VerifiedSpend, view: ModelView, previous: bytes | None) -> list[str]:
    """Why J2 forbids it; with a statement that names this root before it, or without one."""
    anchored = None if previous is None else terms(2, root(2), previous)
    return [each.code for each in anchor_objections(spend, anchored, view)]


def test_it_says_nothing_of_the_batch_before() -> None:
    view = ModelView()
    view.record(decide(view, anchor_case(0, 1, root(1)), terms(1, root(1))))
    spend = anchor_case(1, 2, root(2)).verify()
    assert codes(spend, view, None) == []
    assert codes(spend, view, root(1)) == []
    assert codes(spend, view, root(9)) == ["previous-root-conflict"]
    again = anchor_case(1, 1, root(7)).verify()
    assert codes(again, view, None) == ["batch-root-conflict"]
