"""Architectures as Graphviz text in the page's own colours, and citations as BibTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import HOP, WINDOW
from core.show.theme import LIGHT, Palette

_USUAL = {"window": WINDOW, "hop": HOP}

Part = tuple[str, str, Literal["plain", "frozen", "trained", "decision"]]
"""Name, what it does, and how it is drawn."""


def published_system(palette: Palette = LIGHT) -> str:
    """The published wav2vec2-base detector, from a clip to its score."""
    return _chain(
        [
            ("Clip", "mono, 16 kHz", "plain"),
            ("Windows", "4 s every 2 s, zero-padded", "plain"),
            ("Feature encoder", "7 convolutions, one vector every 20 ms", "frozen"),
            ("Projection and positions", "512 to 768, positional convolution", "frozen"),
            ("Encoder layer norm", "before the first layer; trained in stage 2", "trained"),
            ("Transformer layers 1 to 10", "self-attention", "frozen"),
            ("Transformer layers 11 and 12", "trained in stage 2", "trained"),
            ("Mean over time", "one vector of 768 per window", "plain"),
            ("Linear head", "768 to 2; trained in both stages", "trained"),
            ("Softmax, mean over windows", "spoof above 0.5", "decision"),
        ],
        palette,
    )


def embedded_system(config: Mapping[str, Any], palette: Palette = LIGHT) -> str:
    """The embedded detector, with the calibration and decision of its configuration.

    Parameters
    ----------
    config : mapping
        Contents of the model directory's ``config.json``; may be empty.
    """
    calibration = config.get("calibration", {})
    known = "scale" in calibration and "offset" in calibration
    affine = (
        f"llr = {calibration['scale']:.3g} x score {calibration['offset']:+.3g}"
        if known
        else "score to log-likelihood ratio"
    )
    band = config.get("decision", {}).get("inconclusive_llr")
    head = "one score per window, then their mean"
    if shorter := config.get("shorter"):
        head = (
            f"one score per window and per {shorter['window'] / SAMPLE_RATE:g} s in it, their mean"
        )
    window, hop = (config.get(name, usual) / SAMPLE_RATE for name, usual in _USUAL.items())
    decide = f"inconclusive from {band[0]:+.2f} to {band[1]:+.2f}" if band else "or inconclusive"
    return _chain(
        [
            ("Clip", "mono, 16 kHz", "plain"),
            ("Speech gate", "too little speech: not judged", "decision"),
            ("Windows", f"{window:g} s every {hop:g} s, silent ones left out", "plain"),
            ("Level and spectrum", "complex, 20 ms every 10 ms, compressed", "plain"),
            ("Convolutions", "3 x 3, halving frequency", "trained"),
            ("Transformer encoder", "with sinusoidal positions", "trained"),
            ("Attentive pooling", "mean and deviation over time", "trained"),
            ("Linear head", head, "trained"),
            ("Calibration", affine, "plain"),
            ("Decision", decide, "decision"),
        ],
        palette,
    )


def _chain(parts: Sequence[Part], palette: Palette) -> str:
    """A column of boxes: Graphviz text that stays legible on 390 pixels."""
    border = {
        "plain": palette.neutral,
        "frozen": palette.authentic,
        "trained": palette.synthetic,
        "decision": palette.rule,
    }
    lines = [
        "digraph {",
        'bgcolor="transparent"; rankdir=TB; nodesep=0.2; ranksep=0.22;',
        f'node [shape=box, style="rounded,filled", fillcolor="{palette.surface}", '
        f'fontname="sans-serif", fontsize=13, fontcolor="{palette.text}", width=3.6, '
        "penwidth=1.6];",
        f'edge [color="{palette.neutral}", arrowsize=0.7];',
    ]
    for i, (name, detail, kind) in enumerate(parts):
        dash = ', style="rounded,filled,dashed"' if kind == "frozen" else ""
        label = f"{name}\\n{detail}".replace('"', "'")
        lines.append(f'n{i} [label="{label}", color="{border[kind]}"{dash}];')
    lines += [f"n{i} -> n{i + 1};" for i in range(len(parts) - 1)]
    return "\n".join([*lines, "}"])


def bibtex(citation: Mapping[str, Any]) -> str:
    """One BibTeX entry from a row of the table of citations."""
    link = str(citation["link"])
    where = (
        f"  doi = {{{link.split('doi.org/')[1]}}}" if "doi.org/" in link else f"  url = {{{link}}}"
    )
    return (
        f"@misc{{{citation['key']},\n"
        f"  author = {{{citation['authors']}}},\n"
        f"  title = {{{{{citation['title']}}}}},\n"
        f"  howpublished = {{{citation['venue']}}},\n"
        f"  year = {{{citation['year']}}},\n"
        f"{where}\n}}"
    )
