"""Colours and words that mean the same on every page, in the light and the dark theme."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.detect.detection import Verdict


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, as CSS hex strings.

    Vermilion and blue are the pair of Okabe and Ito (2008) that stays apart for every common kind
    of colour blindness; lighter relatives serve on the dark background. Each has a contrast of at
    least 3:1 against its background, and the ``*_text`` forms at least 4.5:1 (WCAG 2.2).
    ``.streamlit/config.toml`` holds the same colours for Streamlit's own elements.

    Attributes
    ----------
    synthetic, authentic, neutral : str
        Marks for synthetic speech, human speech, and whatever carries no verdict.
    synthetic_text, authentic_text, neutral_text : str
        The same for text.
    band : str
        Fill of the inconclusive band; draw it at about half opacity.
    rule : str
        Threshold lines and the selected mark's outline.
    grid : str
        Axis lines.
    text, background, surface : str
        Page text, page background, and the background of cards.
    series : tuple of str
        Colours for a few things side by side, in order.
    systems : tuple of str
        One colour per system, for `system_colours`; no two alike.
    sequential : tuple of str
        Ten steps from little to much.
    diverging : tuple of str
        Ten steps from authentic over neutral to synthetic.
    """

    synthetic: str
    authentic: str
    neutral: str
    synthetic_text: str
    authentic_text: str
    neutral_text: str
    band: str
    rule: str
    grid: str
    text: str
    background: str
    surface: str
    series: tuple[str, ...]
    systems: tuple[str, ...]
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]


_BLUES = [
    "#E8F1F8",
    "#CFE2F0",
    "#B2D0E6",
    "#92BDDA",
    "#70A8CD",
    "#4F93BF",
    "#337DAE",
    "#1D6798",
    "#0F517D",
    "#083A5C",
]

LIGHT = Palette(
    synthetic="#D55E00",
    authentic="#0072B2",
    neutral="#7A8694",
    synthetic_text="#A84600",
    authentic_text="#005C91",
    neutral_text="#55606D",
    band="#D5DBE1",
    rule="#0E1621",
    grid="#E3E7EC",
    text="#0E1621",
    background="#FFFFFF",
    surface="#F4F6F8",
    series=("#0072B2", "#D55E00", "#00805D", "#B85C90", "#9A6C00", "#5B4FC7", "#6B7280", "#2A94C9"),
    systems=(
        "#0072B2",
        "#D55E00",
        "#00805D",
        "#B85C90",
        "#9A6C00",
        "#5B4FC7",
        "#2A94C9",
        "#780F3C",
        "#004B00",
        "#003C78",
        "#9678FF",
        "#B40F0F",
        "#690087",
        "#0FA52D",
        "#A50F78",
        "#694B1E",
        "#694B78",
        "#F05A78",
        "#A54BC3",
        "#0F5A5A",
        "#3C1EA5",
        "#3C78F0",
        "#1E6900",
        "#D22D5A",
    ),
    sequential=tuple(_BLUES),
    diverging=tuple(
        [
            "#004C78",
            "#0072B2",
            "#4A9BCB",
            "#93C3E0",
            "#D3E4EF",
            "#F6DFD0",
            "#F2B48C",
            "#E68A50",
            "#D55E00",
            "#8F3F00",
        ]
    ),
)

DARK = Palette(
    synthetic="#F58A4B",
    authentic="#56AEE8",
    neutral="#8793A1",
    synthetic_text="#FFA168",
    authentic_text="#7CC4F5",
    neutral_text="#A9B4C0",
    band="#3A4552",
    rule="#E8EDF3",
    grid="#2A333F",
    text="#E8EDF3",
    background="#0F141B",
    surface="#1A212B",
    series=("#56AEE8", "#F58A4B", "#2FC79A", "#E39BC4", "#E8BD4A", "#A99CFF", "#A3AEBB", "#7FD3F7"),
    systems=(
        "#56AEE8",
        "#F58A4B",
        "#2FC79A",
        "#E39BC4",
        "#E8BD4A",
        "#A99CFF",
        "#7FD3F7",
        "#008700",
        "#C32D69",
        "#5A5AE1",
        "#A56900",
        "#B45AD2",
        "#007887",
        "#96A500",
        "#F05A96",
        "#96D21E",
        "#E14B2D",
        "#0087D2",
        "#875A96",
        "#00A569",
        "#F087FF",
        "#8778FF",
        "#B4B496",
        "#C37878",
    ),
    sequential=tuple(reversed(_BLUES)),
    diverging=tuple(
        [
            "#8FD0FA",
            "#56AEE8",
            "#3A86B8",
            "#2B5F83",
            "#28404F",
            "#4A3A31",
            "#7D4E30",
            "#B86A3B",
            "#F58A4B",
            "#FFBE94",
        ]
    ),
)


INKS = ("#000000", "#FFFFFF")
"""For figures on coloured cells: one of the two is always readable."""


def system_colours(systems: Sequence[str], palette: Palette = LIGHT) -> dict[str, str]:
    """One colour per system, in order.

    Whoever passes the same list gets the same colours, and no two are alike while there are no more
    systems than `Palette.systems` has.
    """
    return {s: palette.systems[i % len(palette.systems)] for i, s in enumerate(systems)}


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, as WCAG 2.2 defines it; 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(background: str) -> str:
    """The one of `INKS` that stands out more from a colour; always at 4.5:1 at least."""
    return max(INKS, key=lambda one: contrast(one, background))


def faded(colour: str, background: str, share: float) -> str:
    """A colour of which a share is left on a background."""
    mixed = (
        round(share * top + (1 - share) * below)
        for top, below in zip(_parts(colour), _parts(background), strict=True)
    )
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def _parts(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in _parts(colour))
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def palette() -> Palette:
    """The palette of the theme in which the reader sees the page (light where unknown)."""
    import streamlit as st

    try:
        return DARK if st.context.theme.type == "dark" else LIGHT
    except (AttributeError, KeyError):  # no browser: tests and plain scripts
        return LIGHT


_CODECS = {
    "aac": "AAC", "ac3": "AC-3", "alac": "ALAC", "amr_nb": "AMR narrow-band",
    "amr_wb": "AMR wide-band", "flac": "FLAC", "gsm": "GSM", "mp2": "MP2", "mp3": "MP3",
    "opus": "Opus", "pcm_alaw": "G.711 A-law", "pcm_mulaw": "G.711 mu-law", "speex": "Speex",
    "vorbis": "Vorbis", "wmav1": "WMA 1", "wmav2": "WMA 2",
}  # fmt: skip


def codec_name(codec: str) -> str:
    """A codec as people call it, from the name that decoders use."""
    found = re.fullmatch(r"pcm_[suf](\d+)(le|be)?", codec)
    if found:
        return f"{found[1]}-bit PCM"
    return _CODECS.get(codec) or codec.replace("_", " ").replace("adpcm", "ADPCM")


def chart_config(palette: Palette) -> dict[str, dict[str, str]]:
    """Vega-Lite configuration whose words can be read: Streamlit's own grey is too light."""
    words = {"labelColor": palette.neutral_text, "titleColor": palette.neutral_text}
    title = {"color": palette.text, "subtitleColor": palette.neutral_text}
    return {"axis": words, "legend": words, "header": words, "title": title}


@dataclass(frozen=True)
class VerdictStyle:
    """How one verdict is put to a reader: never by colour alone.

    Attributes
    ----------
    word : str
        Headline.
    icon : str
        Material symbol in Streamlit's notation.
    mark : str
        One plain character for tables and exports.
    colour : str
        Streamlit colour name, which the theme maps to this project's palette.
    """

    word: str
    icon: str
    mark: str
    colour: Literal["orange", "blue", "gray"]


VERDICTS: dict[Verdict, VerdictStyle] = {
    "synthetic": VerdictStyle("Likely synthetic", ":material/graphic_eq:", "▲", "orange"),
    "synthetic in part": VerdictStyle(
        "Likely synthetic in part", ":material/join_inner:", "△", "orange"
    ),
    "authentic": VerdictStyle("Likely authentic", ":material/record_voice_over:", "●", "blue"),
    "inconclusive": VerdictStyle("Inconclusive", ":material/balance:", "◆", "gray"),
    "not judged": VerdictStyle("Not judged", ":material/block:", "–", "gray"),
}
"""Headline, icon and colour of each verdict."""
