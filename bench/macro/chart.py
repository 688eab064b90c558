"""Bar charts as SVG text, drawn by hand: no plotting library for twenty rectangles. Pure."""

from __future__ import annotations

from html import escape

from bench.macro.sample import Value

WIDTH, LABEL, BAR, GAP, HEAD = 760, 120, 16, 6, 44
OURS, THEIRS, INK, RULE = "#0f766e", "#94a3b8", "#1f2937", "#e2e8f0"


class Bar(Value):
    """One bar: its name, its length, what is written at its end."""

    name: str
    length: float
    text: str
    ours: bool = False


class Panel(Value):
    """One group of bars with a common scale. Shorter is better unless the title says otherwise."""

    title: str
    bars: tuple[Bar, ...]


def svg(title: str, panels: list[Panel]) -> str:
    """All panels, one below the other."""
    drawn, top = [], HEAD
    for panel in panels:
        drawn.append(_panel(panel, top))
        top += 34 + len(panel.bars) * (BAR + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="white"/>\n'
        f'<text x="12" y="24" font-size="15" font-weight="600">{escape(title)}</text>\n{"".join(drawn)}</svg>\n'
    )


def _panel(panel: Panel, top: int) -> str:
    scale = (WIDTH - LABEL - 110) / max((bar.length for bar in panel.bars), default=1.0)
    lines = [
        f'<line x1="12" y1="{top}" x2="{WIDTH - 12}" y2="{top}" stroke="{RULE}"/>\n',
        f'<text x="12" y="{top + 18}" font-weight="600">{escape(panel.title)}</text>\n',
    ]
    for number, bar in enumerate(panel.bars):
        y = top + 26 + number * (BAR + GAP)
        length = max(1.0, bar.length * scale)
        lines.append(
            f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(bar.name)}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{OURS if bar.ours else THEIRS}"/>'
            f'<text x="{LABEL + length + 6:.1f}" y="{y + 12}">{escape(bar.text)}</text>\n',
        )
    return "".join(lines)
