"""What the API is, for programs (OpenAPI 3.1) and for people (one page without scripts)."""

from __future__ import annotations

from html import escape
from typing import Any, get_args

from core.api import query
from core.api.body import PART
from core.detect.detection import Verdict
from core.detect.registry import PRECISIONS, list_detectors
from core.settings import settings

ERRORS = {
    400: "the query, or the form of the body, cannot be used",
    401: "no token, or none that is known",
    403: "without tokens only programs of the server's own machine are answered",
    408: "it, or its body, came too slowly",
    413: "larger or longer than the server takes",
    415: "no audio, or a body that is encoded",
    422: "audio that cannot be used",
    429: "as many requests of yours are under way as are answered at a time",
    500: "a fault of the server",
    503: "the queue is full, or the server lacks something",
}

POSTS = {
    "/detect": (
        "Judge audio files",
        "One JSON list, as of `python -m core detect --json`: an item per file, or channel where "
        "channels are judged apart. A file of several that cannot be read is an item with `error`. "
        "With `Accept: text/event-stream`, events of progress and then the list.",
        query.DETECT,
    ),
    "/inspect": (
        "Say what files themselves show of their origin",
        "One JSON list, as of `python -m core inspect --json`.",
        query.INSPECT,
    ),
    "/report": (
        "Write an evidence report",
        "One HTML or PDF file, as of `python -m core report`.",
        query.REPORT,
    ),
}
GETS = {
    "/detectors": ("List the detectors", "A JSON list; those that are `ready` can be asked."),
    "/health": ("Say whether the server answers", "`status` is `ok`."),
    "/openapi.json": ("Describe the API for programs", "OpenAPI 3.1."),
    "/docs": ("Describe the API for people", "A page without scripts."),
    "/metrics": ("Tell counts", "For Prometheus, where it is switched on."),
}
PUBLIC = ("/health", "/openapi.json", "/docs")
"""Need no token."""

MIN_HOP_S, MAX_HOP_S = 0.05, 4.0
COUNTED = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
SWITCH = {"type": "string", "enum": ["0", "1", "true", "false"]}

TYPES: dict[str, dict[str, Any]] = {
    "prior": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "cost_missed_fake": {"type": "number", "minimum": 1e-6, "maximum": 1e6},
    "cost_false_accusation": {"type": "number", "minimum": 1e-6, "maximum": 1e6},
    "hop": {"type": "number", "minimum": MIN_HOP_S, "maximum": MAX_HOP_S},
    "track": COUNTED,
    "channel": COUNTED,
    "stress": SWITCH,
    "span": {"type": "string", "pattern": r"^\d+(\.\d+)?-\d+(\.\d+)?$"},
    "personal": SWITCH,
    "watermark": SWITCH,
    "format": {"type": "string", "enum": ["html", "pdf"]},
}

STYLE = """
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
pre{white-space:pre-wrap}
table{border-collapse:collapse}
th,td{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}
@media(max-width:40rem){
thead{display:none}
td{display:block;padding:0}
td:first-child{margin-top:.8rem}
td:nth-child(3){opacity:.8}
}"""


def document(base: str) -> dict[str, Any]:
    """The API as an OpenAPI document.

    Parameters
    ----------
    base : str
        Path of the server under which its addresses are.
    """
    paths: dict[str, Any] = {path: {"post": _post(path)} for path in POSTS}
    for path, (summary, meaning) in GETS.items():
        if path == "/metrics" and not settings().api_metrics:
            continue
        answers = {"200": {"description": meaning}, **_errors(400, 401, 403, 500)}
        paths[path] = {"get": {"summary": summary, "responses": answers}}
        if path in PUBLIC:
            paths[path]["get"]["security"] = []
    problem = {
        "type": "object",
        "required": ["title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "A sentence for people."},
            "code": {"type": "string", "description": "A stable word for programs."},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Spoofscope", "version": "1"},
        "servers": [{"url": base or "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": problem},
        },
    }


def _post(path: str) -> dict[str, Any]:
    summary, meaning, takes = POSTS[path]
    binary = {"type": "string", "format": "binary"}
    several = {"type": "array", "minItems": 1, "items": binary}
    form = {
        "type": "object",
        "required": [PART],
        "properties": {PART: several},
        "additionalProperties": False,
    }
    properties: dict[str, Any] = {"file": {"type": "string"}}
    if path == "/detect":  # an item with an error has none
        properties["verdict"] = {"type": "string", "enum": list(get_args(Verdict))}
    items = {"type": "object", "required": ["file"], "properties": properties}
    kinds: dict[str, Any] = {
        "application/json": {"schema": {"type": "array", "items": items}},
        "text/event-stream": {},
    }
    if path == "/report":
        kinds = {"text/html": {}, "application/pdf": {}}
    return {
        "summary": summary,
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": query.PARAMETERS[name].meaning,
                "schema": _schema(name, name in takes.often),
            }
            for name in takes.names
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": binary},
                "multipart/form-data": {"schema": form},
            },
        },
        "responses": {
            "200": {"description": meaning, "content": kinds},
            **_errors(*ERRORS),
        },
    }


def _schema(name: str, often: bool) -> dict[str, Any]:
    one = TYPES.get(name, {"type": "string"})
    if name == "detector":
        ready = [entry.id for entry in list_detectors() if entry.ready]
        one = {"type": "string", "enum": [*ready, *PRECISIONS]}
    if not often:
        return one
    most = {"detector": settings().detectors_at_once, "span": query.MOST_SPANS}[name]
    return {"type": "array", "maxItems": most, "items": one}


def _errors(*statuses: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(s): {"description": ERRORS[s], "content": content} for s in statuses}


def page() -> str:
    """The API as an HTML page; it loads nothing."""
    parts = []
    for path, (summary, meaning, takes) in POSTS.items():
        rows = "".join(
            f"<tr><td><code>{name}</code></td><td>{escape(query.PARAMETERS[name].meaning)}"
            f"{' May be repeated.' if name in takes.often else ''}</td>"
            f"<td>{_values(_schema(name, often=False))}</td></tr>"
            for name in takes.names
        )
        parts.append(
            f"<h2><code>POST {path}</code></h2><p>{summary}. {_marked(meaning)}</p>"
            f"<table><thead><tr><th>query</th><th>meaning</th><th>values</th></tr></thead>{rows}</table>"
        )
    parts += [
        f"<h2><code>GET {path}</code></h2><p>{summary}. {_marked(meaning)}</p>"
        for path, (summary, meaning) in GETS.items()
    ]
    errors = "".join(
        f"<tr><td>{s}</td><td>{escape(words)}</td></tr>" for s, words in ERRORS.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Spoofscope API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><main><h1>Spoofscope API</h1>"
        "<pre>curl --data-binary @clip.wav &quot;$API/detect?prior=0.1&quot;</pre>"
        "<p><code>$API</code> is this page's address without <code>/docs</code>. "
        "Send one file as the body, or several as parts called <code>file</code> of "
        "<code>multipart/form-data</code>. Where the server has tokens, send "
        "<code>Authorization: Bearer TOKEN</code>. A verdict is one piece of evidence, not proof. "
        'For programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"{''.join(parts)}<h2>Errors</h2><p><code>application/problem+json</code>; "
        "<code>detail</code> is a sentence for people.</p>"
        "<table><thead><tr><th>status</th><th>meaning</th></tr></thead>"
        f"{errors}</table></main></body></html>"
    )


def _values(schema: dict[str, Any]) -> str:
    """What a parameter takes, in a few words."""
    if "enum" in schema:
        return " or ".join(f"<code>{escape(value)}</code>" for value in schema["enum"])
    if "pattern" in schema:
        return "such as <code>2-9.5</code>"
    if schema["type"] == "integer":
        return "a number from 1 on"
    if schema["type"] == "number":
        low, high = (next(schema[k] for k in schema if end in k) for end in ("inimum", "aximum"))
        return f"{low:f}".rstrip("0").rstrip(".") + f" to {high:,.0f}"
    return "text"


def _marked(text: str) -> str:
    """Text whose parts between backticks are code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))
