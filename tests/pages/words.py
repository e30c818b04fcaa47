"""Everything that a visitor reads on a page, and what of it is no word of theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

TECHNICAL = {
    "id",
    "key",
    "url",
    "form_id",
    "element_id",
    "icon",
    "type",
    "file_name",
    "mime_type",
    "query_param_key",
}
"""Fields of an element that are not shown."""

CODE = (
    r"```.*?```|`[^`]*`",
    r"\]\([^)]*\)|https?://\S+",  # where a link leads
    r"python -m [^;\n]*",  # commands
    r"<style>.*</style>|<[^>]*>",  # HTML's own words
    r":(material|small|gray|orange|blue)[/\w]*",
    r"\S*[/\\]\S+|\S+\.(csv|py|json|pt|ckpt|wav|txt|md|toml|safetensors|onnx)\b",  # files
)
"""What may hold such names: code, links, files."""

RAW = re.compile(r"\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b|\bNone\b|\bnan\b|\bNaN\b|\bNaT\b|<NA>")


FIELD = re.compile(r"false alarm|cost of a miss\b|\bmisses\b(?! them)", re.IGNORECASE)
"""The field's words for the errors that pages call missed fakes and false accusations."""


def assert_plain(page: AppTest, least: int = 20) -> None:
    """No name of a column, of a key, or of a missing value is read on the page."""
    assert not page.exception
    texts = list(read(page))
    assert len(texts) >= least
    found = {(kind, *raw(text), text[:160]) for kind, text in texts if raw(text)}
    assert not found, "\n".join(map(str, sorted(found)))
    assert not [text for _, text in texts if FIELD.search(text)]


def raw(text: str) -> list[str]:
    """Names of columns and keys, and missing values, in a text for people."""
    for code in CODE:
        text = re.sub(code, " ", text.replace("\\_", "_"), flags=re.S)
    return RAW.findall(text)


def read(page: AppTest) -> Iterator[tuple[str, str]]:
    """Kind of element and text, for everything on a page that people read."""
    for node in _nodes(page._tree):
        proto = getattr(node, "proto", None)
        kind = getattr(node, "type", "")
        if proto is None or not hasattr(proto, "ListFields"):
            continue
        if kind in ("dataframe", "arrow_data_frame"):
            yield from _table(node.value, proto)
        elif "vega" in kind:
            yield from _chart(proto)
        elif kind not in ("component_instance", "bidi_component"):
            for text in _strings(proto):
                yield kind, text


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _nodes(child)


def _strings(proto: Any) -> Iterator[str]:
    for field, value in proto.ListFields():
        if field.name in TECHNICAL:
            continue
        if isinstance(value, str):
            yield value
        elif hasattr(value, "ListFields"):
            yield from _strings(value)
        elif field.message_type is None and not isinstance(value, (int, float, bool, bytes)):
            yield from (v for v in value if isinstance(v, str))


def _table(frame: pd.DataFrame, proto: Any) -> Iterator[tuple[str, str]]:
    columns = json.loads(proto.columns or "{}")
    hidden = columns.get("_index", {}).get("hidden")
    for name in frame.columns:
        about = columns.get(str(name)) or {}
        yield "head", str(about.get("label") or name)
        yield "help", str(about.get("help") or "")
        for cell in frame[name]:
            if isinstance(cell, str):
                yield "cell", cell
            elif not proto.HasField("placeholder") and pd.isna(cell):  # Streamlit writes "None"
                yield "cell", f"None under {name}"
    if not hidden:
        yield from (("index", cell) for cell in frame.index if isinstance(cell, str))


def _chart(proto: Any) -> Iterator[tuple[str, str]]:
    spec = json.loads(proto.spec)
    fields = set()
    for key, value in _walk(spec):
        if key in ("title", "text", "subtitle", "description") and isinstance(value, str):
            yield "chart", value
        elif key in ("title", "text") and isinstance(value, list):
            yield from (("chart", line) for line in value if isinstance(line, str))
        elif isinstance(value, dict) and value.get("type") == "nominal" and "field" in value:
            fields.add(value["field"])
            if key == "tooltip" and "title" not in value:
                yield "chart", value["field"]
    for rows in _rows(spec, proto):
        for row in rows:
            yield from (("mark", row[f]) for f in fields if isinstance(row.get(f), str))


def _rows(spec: dict[str, Any], proto: Any) -> Iterator[list[dict[str, Any]]]:
    for data in spec.get("datasets", {}).values():
        if isinstance(data, list):
            yield data
    for data in getattr(proto, "datasets", []):
        from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df

        yield convert_arrow_bytes_to_pandas_df(data.data.data).to_dict("records")


def _walk(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    yield key, node
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _walk(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, key)
