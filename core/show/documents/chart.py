"""A chart as Vega-Lite, and as a picture to take away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from core.show.theme import DARK, LIGHT

if TYPE_CHECKING:
    from core.show.figures.charts import AnyChart


def make_spec(
    build: Callable[..., AnyChart], *arguments: Any, alt: str = "", **options: Any
) -> dict[str, Any]:
    """Build a chart; nothing is kept of it, where other sessions could meet it.

    ``alt`` is its description, unless it is given to Streamlit.
    """
    import altair
    from altair.utils import schemapi

    altair.data_transformers.disable_max_rows()  # three hours have more windows
    # The tests validate every builder against the schema; here that would take most of the time.
    with schemapi.debug_mode(False):
        spec = build(*arguments, **options).to_dict(validate=False)
    return {**spec, "description": alt} if alt else spec


def image(spec: dict[str, Any], format: Literal["png", "svg"]) -> bytes:
    """A chart as PNG or SVG at a fixed width, on the background it was coloured for."""
    import vl_convert

    dark = spec.get("usermeta", {}).get("dark", False)
    palette = DARK if dark else LIGHT
    steps = isinstance(spec.get("width"), dict)  # cells of a fixed size
    fixed = {
        **spec,
        "width": spec["width"] if steps else 640,
        "background": palette.background,
        "padding": 16,
    }
    if format == "png":
        return vl_convert.vegalite_to_png(fixed, scale=2)
    return vl_convert.vegalite_to_svg(fixed).encode()
