"""HTML from text: the only place where a policy's words become markup.

1. Text is escaped in every place, `<>&"'` alike; only a Markup is markup, and only this file makes one.
   Names and texts of a policy are hostile input.
2. Tags and styles are the source's own, never a policy's. There are no links, no scripts and no address of
   anything outside the page; its content security policy forbids them once more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from policies.analysis.report_style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Markup:
    """Text that is markup already."""

    html: str


Part = str | Markup
"""What stands in an element: text, or markup."""
NOTHING = Markup("")


def element(tag: str, *parts: Part, style: str = "") -> Markup:
    """`<tag class="style">parts</tag>`."""
    start = f'{tag} class="{style}"' if style else tag
    return Markup(f"<{start}>{joined(*parts).html}</{tag}>")


def joined(*parts: Part) -> Markup:
    """One after the other."""
    return Markup(
        "".join(part.html if isinstance(part, Markup) else escape(part) for part in parts)
    )


def items(tag: str, parts: Iterable[Part]) -> Markup:
    """A list, `ol` or `ul`, of these items; nothing for none."""
    made = [element("li", part) for part in parts]
    return element(tag, *made) if made else NOTHING


def table(head: Sequence[str], rows: Iterable[Sequence[Part]]) -> Markup:
    """A table; on a telephone each row is a card, each cell labelled by its column."""
    top = element("tr", *(element("th", cell) for cell in head))
    body = [
        element("tr", *(_cell(name, cell) for name, cell in zip(head, row, strict=True)))
        for row in rows
    ]
    return element("table", element("thead", top), element("tbody", *body))


def _cell(name: str, part: Part) -> Markup:
    return Markup(f'<td data-label="{escape(name)}">{joined(part).html}</td>')


def facts(pairs: Iterable[tuple[str, Part]]) -> Markup:
    """What is what."""
    made = (joined(element("dt", name), element("dd", value)) for name, value in pairs)
    return element("dl", *made)


def page(title: str, body: Iterable[Markup]) -> str:
    """The whole document."""
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    main = element("main", *body).html
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{main}</body></html>\n'
