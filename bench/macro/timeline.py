"""Curves over one time axis as SVG text, one panel below the other. Pure."""

from __future__ import annotations

from html import escape

from bench.macro.chart import INK, OURS, RULE, THEIRS
from bench.macro.sample import Value

WIDTH, LEFT, RIGHT, HEIGHT, HEAD, GAP = 760, 64, 16, 110, 44, 40


class Curve(Value):
    """Points (seconds, value); with `steps` a value holds until the next one."""

    name: str
    points: tuple[tuple[float, float], ...]
    steps: bool = False
    ours: bool = True


class Chart(Value):
    """One panel: its title, curves with a common scale up to `top`, and lines across it (value, what it is)."""

    title: str
    curves: tuple[Curve, ...]
    top: float
    marks: tuple[tuple[float, str], ...] = ()


def svg(title: str, seconds: float, charts: list[Chart]) -> str:
    """All panels over 0..`seconds`."""
    drawn, top = [], HEAD
    for chart in charts:
        drawn.append(_panel(chart, seconds, top))
        top += HEIGHT + GAP
    for at in range(0, int(seconds) + 1, _tick(seconds)):
        x = _x(at, seconds)
        drawn.append(f'<text x="{x:.1f}" y="{top - 8}" text-anchor="middle" fill="{THEIRS}">{at} s</text>\n')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="white"/>\n'
        f'<text x="12" y="24" font-size="15" font-weight="600">{escape(title)}</text>\n{"".join(drawn)}</svg>\n'
    )


def _tick(seconds: float) -> int:
    return next(each for each in (10, 20, 30, 60, 120, 300, 600) if seconds / each <= 12 or each == 600)


def _x(at: float, seconds: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / seconds


def _panel(chart: Chart, seconds: float, top: int) -> str:
    low = top + 22 + HEIGHT - 30

    def y(value: float) -> float:
        return low - (HEIGHT - 30) * min(value, chart.top) / chart.top

    lines = [f'<text x="12" y="{top + 12}" font-weight="600">{escape(chart.title)}</text>\n']
    for value, text in ((0.0, "0"), (chart.top, f"{chart.top:g}"), *chart.marks):
        dashed = ' stroke-dasharray="4 3"' if value not in (0.0, chart.top) else ""
        lines.append(
            f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}" stroke="{RULE}"{dashed}/>'
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{escape(text)}</text>\n'
        )
    for curve in chart.curves:
        path = _path(curve, seconds, y)
        lines.append(f'<path d="{path}" fill="none" stroke="{OURS if curve.ours else THEIRS}" stroke-width="1.8"/>\n')
    return "".join(lines)


def _path(curve: Curve, seconds: float, y) -> str:
    drawn: list[str] = []
    for at, value in curve.points:
        x = _x(at, seconds)
        if curve.steps and drawn:
            drawn.append(f"H{x:.1f}")
        drawn.append(f"{'L' if drawn else 'M'}{x:.1f} {y(value):.1f}")
    return " ".join(drawn)
