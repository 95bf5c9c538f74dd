"""Milliseconds of a SignPsbt over the number of entries in the journal, in SVG; flat is the goal."""

import math
from collections.abc import Sequence

from bench.house import POSTGRES, SQLITE
from bench.long import Long

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 560, 260, 60, 40, 36
COLOURS = {SQLITE: "#c1121f", POSTGRES: "#2a6f97"}


def plot_lengths(found: Sequence[Long]) -> str:
    """Entries logarithmic, milliseconds from zero."""
    most = max(each.new for each in found) * 1.2
    sizes = sorted({each.entries for each in found})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="16">SignPsbt of a new withdrawal, p50, over entries in the journal</text>',
    ]
    for part in range(5):
        y = _y(most * part / 4, most)
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - 12}" y2="{y:.1f}" stroke="#dddddd"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{most * part / 4:.1f} ms</text>'
        )
    for size in sizes:
        x = _x(size, sizes)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{size:,}</text>')
    for place, store in enumerate(COLOURS):
        parts += _line(store, place, [each for each in found if each.store == store], (sizes, most))
    return "\n".join((*parts, "</svg>", ""))


def _line(
    store: str, place: int, rows: Sequence[Long], scale: tuple[Sequence[int], float]
) -> list[str]:
    sizes, most = scale
    colour = COLOURS[store]
    points = [(_x(each.entries, sizes), _y(each.new, most)) for each in rows]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<text x="{LEFT + place * 90}" y="32" fill="{colour}">{store}</text>',
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points),
    ]


def _x(entries: int, sizes: Sequence[int]) -> float:
    least, most = math.log(sizes[0]), math.log(max(sizes[-1], sizes[0] + 1))
    return LEFT + 24 + (WIDTH - LEFT - 72) * (math.log(entries) - least) / (most - least)


def _y(ms: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * ms / most
