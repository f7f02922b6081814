"""Pictures as SVG text: shapes, text and scales, everything escaped. What is drawn is in the modules `plot_*`."""

import unicodedata
from dataclasses import dataclass, field
from html import escape

INK = "#1b2733"
MUTED = "#5b6875"
GRID = "#d8dee4"
PAPER = "#ffffff"
WEAR = ("#eef3f8", "#c9ddef", "#98c1e2", "#5f9bcf", "#2f74b3", "#0f4c85")
SLEEP = "#7b62c9"
ACTIVITY = "#d9822b"
GAIT = "#2a8a6d"
LEFT_OUT = "#b3402f"
NOTHING = "#f4f5f6"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def shown(text: object) -> str:
    """Return text as it may be shown: control and direction characters, which could disguise a name, spelled out."""
    return "".join(c if unicodedata.category(c)[0] != "C" else f"\\u{ord(c):04x}" for c in str(text))


def safe(text: object) -> str:
    """Return text for the inside of a page or picture."""
    return escape(shown(text), quote=True)


@dataclass
class Picture:
    """An SVG in the making; coordinates are pixels at its natural size.

    Attributes:
        width: Its width.
        height: Its height.
        title: What it shows, for those who cannot see it.
        description: What it says.
    """

    width: float
    height: float
    title: str
    description: str = ""
    parts: list[str] = field(default_factory=list)

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, tip: str = "", radius: float = 0,
        stroke: str = "none",
    ) -> None:  # fmt: skip
        """Draw a rectangle; `tip` is told when it is pointed at."""
        title = f"<title>{safe(tip)}</title>" if tip else ""
        corner = f' rx="{radius:g}"' if radius else ""
        edge = f' stroke="{stroke}"' if stroke != "none" else ""
        shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
        self.parts.append(f'{shape} fill="{fill}"{corner}{edge}>{title}</rect>')

    def line(
        self, x1: float, y1: float, x2: float, y2: float, color: str = GRID, width: float = 1, dash: str = ""
    ) -> None:
        """Draw a line."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        self.parts.append(f'<line {ends} stroke="{color}" stroke-width="{width:g}"{dashes}/>')

    def path(self, points: list[tuple[float, float]], color: str, *, fill: str = "none", width: float = 1.5) -> None:
        """Draw a line through points, or an area where `fill` is given."""
        if not points:
            return
        steps = " ".join(f"{'M' if i == 0 else 'L'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
        closed = " Z" if fill != "none" else ""
        self.parts.append(f'<path d="{steps}{closed}" fill="{fill}" stroke="{color}" stroke-width="{width:g}"/>')

    def circle(self, x: float, y: float, radius: float, fill: str, *, tip: str = "", opacity: float = 1) -> None:
        """Draw a dot."""
        title = f"<title>{safe(tip)}</title>" if tip else ""
        place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"'
        self.parts.append(f'<circle {place} fill="{fill}" fill-opacity="{opacity:g}">{title}</circle>')

    def text(
        self, x: float, y: float, text: object, *, size: float = 12, color: str = INK, anchor: str = "start",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Write text with its baseline at `y`."""
        weight = ' font-weight="600"' if bold else ""
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self.parts.append(f'<text {place} font-size="{size:g}" fill="{color}"{weight}>{safe(text)}</text>')

    def hatch(self, x: float, y: float, width: float, height: float, color: str = MUTED, tip: str = "") -> None:
        """Fill a rectangle with slanted lines: it is left out, whatever its colour says in black and white."""
        self.rect(x, y, width, height, f"url(#hatch-{color.lstrip('#')})", tip=tip)

    def svg(self) -> str:
        """Return the picture, for a page or as a file of its own."""
        named = f"<title>{safe(self.title)}</title><desc>{safe(self.description)}</desc>"
        patterns = "".join(_pattern(color) for color in (MUTED, LEFT_OUT, PAPER))
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} font-family="{_FONT}" '
            f'aria-label="{safe(self.title)}">{named}<defs>{patterns}</defs>{"".join(self.parts)}</svg>'
        )


def _pattern(color: str) -> str:
    how = 'width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"'
    stripe = f'<line x1="0" y1="0" x2="0" y2="5" stroke="{color}" stroke-width="1.6"/>'
    return f'<pattern id="hatch-{color.lstrip("#")}" {how}>{stripe}</pattern>'


def ticks(largest: float, about: int = 5) -> list[float]:
    """Return round numbers from 0 up to at least `largest`."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / about
    unit = 10.0 ** _exponent(rough)
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    count = int(-(-largest // step))
    return [step * i for i in range(count + 1)]


def _exponent(value: float) -> int:
    from math import floor, log10

    return floor(log10(value))


def shade(fraction: float) -> str:
    """Return the colour of a part from 0 to 1 of a day worn."""
    return WEAR[min(len(WEAR) - 1, int(fraction * len(WEAR)))]
