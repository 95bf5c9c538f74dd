"""A plot without a library: milliseconds per input over the number of inputs, both logarithmic, in SVG."""

import math
from collections.abc import Sequence
from html import escape

from bench.comparison import Row

WIDTH, HEIGHT, LEFT, TOP = 330, 260, 52, 34
COLOURS = {
    "limit": "#888888",
    "pegwarden": "#c1121f",
    "wallycore": "#2a6f97",
    "bdkpython": "#e09f3e",
    "embit": "#588157",
    "btclib": "#7b2cbf",
    "core": "#222222",
}
LEAST_MS, MOST_MS, MOST_INPUTS = 0.05, 500.0, 500


def _x(inputs: int) -> float:
    return LEFT + (WIDTH - LEFT - 12) * math.log(inputs) / math.log(MOST_INPUTS)


def _y(ms: float) -> float:
    share = math.log(ms / LEAST_MS) / math.log(MOST_MS / LEAST_MS)
    return HEIGHT - 30 - (HEIGHT - 30 - TOP) * share


def _panel(case: str, rows: Sequence[Row]) -> list[str]:
    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(case)}</text>']
    for tick in (0.1, 1, 10, 100):
        parts.append(_line((LEFT, _y(tick)), (WIDTH - 12, _y(tick)), "#dddddd"))
        parts.append(f'<text x="{LEFT - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick} ms</text>')
    for row in rows:
        parts.append(
            f'<text x="{_x(row.inputs)}" y="{HEIGHT - 12}" text-anchor="middle">{row.inputs}</text>'
        )
    for name, colour in COLOURS.items():
        points = [(_x(row.inputs), _y(ms / row.inputs)) for row in rows if (ms := row.ms(name))]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
    return parts


def _line(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return (
        f'<line x1="{start[0]}" y1="{start[1]:.1f}" x2="{end[0]}" y2="{end[1]:.1f}" '
        f'stroke="{colour}"/>'
    )


def _legend() -> list[str]:
    parts = []
    for place, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + place * 95
        parts.append(_line((x, 8), (x + 18, 8), colour))
        parts.append(f'<text x="{x + 23}" y="12">{name}</text>')
    return parts


def plot(rows: Sequence[Row]) -> str:
    """One panel per case that has figures."""
    cases = list(dict.fromkeys(row.case for row in rows if row.figures))
    wide, high = WIDTH * 2, 24 + HEIGHT * math.ceil(len(cases) / 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide + 40} {high}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{wide + 40}" height="{high}" fill="white"/>',
        *_legend(),
    ]
    for place, case in enumerate(cases):
        x, y = WIDTH * (place % 2), 24 + HEIGHT * (place // 2)
        panel = _panel(case, [row for row in rows if row.case == case])
        parts += [f'<g transform="translate({x},{y})">', *panel, "</g>"]
    return "\n".join((*parts, "</svg>", ""))
