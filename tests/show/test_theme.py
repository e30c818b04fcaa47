"""The palette keeps its promises, and Streamlit's theme file says the same."""

import tomllib
from pathlib import Path
from typing import get_args

import pytest

from core.detect.detection import Verdict
from core.show.theme import DARK, LIGHT, VERDICTS

CONFIG = tomllib.loads(
    (Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml").read_text("utf-8")
)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_and_text_stand_out(palette):
    for mark in (palette.synthetic, palette.authentic, palette.neutral, *palette.series):
        assert contrast(mark, palette.background) >= 3.0
    for text in (palette.synthetic_text, palette.authentic_text, palette.neutral_text):
        assert contrast(text, palette.background) >= 4.5
        assert contrast(text, palette.surface) >= 4.5
    assert contrast(palette.text, palette.background) >= 7.0


def test_light_marks_serve_on_the_dark_page_too():
    """The result card's bars keep one colour while a visitor switches the theme."""
    for mark in (LIGHT.synthetic, LIGHT.authentic, LIGHT.neutral):
        assert contrast(mark, DARK.background) >= 3.0


@pytest.mark.parametrize(("name", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_streamlit_has_the_same_colours(name, palette):
    theme = CONFIG["theme"][name]
    assert theme["backgroundColor"] == palette.background
    assert theme["secondaryBackgroundColor"] == palette.surface
    assert theme["textColor"] == theme["codeTextColor"] == palette.text  # captions fade code too
    for family, mark, text in (
        ("orange", palette.synthetic, palette.synthetic_text),
        ("blue", palette.authentic, palette.authentic_text),
        ("gray", palette.neutral, palette.neutral_text),
    ):
        assert theme[f"{family}Color"] == mark
        assert theme[f"{family}TextColor"] == text
    assert tuple(theme["chartCategoricalColors"]) == palette.series
    assert tuple(theme["chartSequentialColors"]) == palette.sequential
    assert tuple(theme["chartDivergingColors"]) == palette.diverging
    assert contrast(theme["primaryColor"], "#FFFFFF") >= 4.3  # the label of a primary button


def test_every_verdict_has_words_and_marks_of_its_own():
    assert set(VERDICTS) == set(get_args(Verdict))
    for field in ("word", "icon", "mark"):
        assert len({getattr(style, field) for style in VERDICTS.values()}) == len(VERDICTS)


def test_limits_and_privacy_are_set():
    assert CONFIG["server"]["maxUploadSize"] == 200
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"]["toolbarMode"] == "minimal"
