"""What a reader takes away: JSON and CSV of Detections, and spans as CSV, Audacity labels, RTTM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

from core.detect.agreement import AGREED, Agreement
from core.detect.decision import STANCE
from core.detect.detection import ORIGIN, Detection
from core.detect.outlier import time_ranges
from core.detect.spans import Span
from core.detect.stress import StressTest
from core.plain import csv_text, json_text, printable
from core.provenance.found import Provenance


def detection_json(
    detections: Detection | Sequence[Detection], origins: Mapping[str, Provenance] | None = None
) -> str:
    """One Detection as a JSON object, several as a list; indented, schema named in each.

    Beside each stands what its file shows of its origin, where that is among ``origins`` (by
    SHA-256); tags that may name people are left out.
    """

    def one(d: Detection) -> dict[str, Any]:
        origin = (origins or {}).get(d.source.sha256)
        return d.to_dict() | ({} if origin is None else {ORIGIN: origin.to_dict()})

    if isinstance(detections, Detection):
        return json_text(one(detections))
    return json_text([one(d) for d in detections])


def opinions_json(detections: Iterable[Detection], together: Agreement) -> str:
    """Detections of one clip by several detectors, each with what they say together."""
    agreed = {AGREED: together.to_dict()}
    return json_text([d.to_dict() | agreed for d in detections])


def windows_csv(detection: Detection) -> str:
    """One row per window: number from 1, times in seconds, scores; empty where not scored."""
    return csv_text(
        [
            *("file", "track", "channel", "window", "start_s", "end_s", "speech_s", "missing_s"),
            *("llr", "p_spoof", "prior"),
        ],
        (
            [
                detection.source.name,
                *_part(detection),
                number,
                round(w.start_s, 3),
                round(w.end_s, 3),
                round(w.speech_s, 3),
                round(detection.source.missing_s(w.start_s, w.end_s), 3),
                _number(w.llr),
                _number(w.p_spoof),
                detection.stance.prior,
            ]
            for number, w in enumerate(detection.windows, 1)
        ),
    )


def clips_csv(detections: Iterable[Detection], errors: Iterable[tuple[str, str]] = ()) -> str:
    """One row per clip, then one per file that could not be read, with the reason."""
    rows: list[list[object]] = [
        [
            d.source.name,
            *_part(d),
            d.verdict,
            _number(d.p_spoof),
            _number(d.llr),
            *astuple(d.stance),
            d.calibrated,
            round(d.quality.duration_s, 3),
            round(d.quality.speech_s, 3),
            round(d.source.missing_s(), 3),
            len(d.windows),
            round(d.elapsed_ms),
            " ".join(r.text for r in d.reasons),
            d.detector,
            d.weights_sha256,
            d.source.sha256,
            time_ranges(d.stands_out),
            time_ranges(d.parts),
            max(1, len(d.source.tracks)),
            " ".join(d.source.notes),
        ]
        for d in detections
    ]
    rows += [
        [name, None, None, "not read", *[None] * 11, text, *[None] * 7] for name, text in errors
    ]
    return csv_text(
        [
            *("file", "track", "channel", "verdict", "p_spoof", "llr", *STANCE, "calibrated"),
            *(
                "duration_s",
                "speech_s",
                "missing_s",
                "windows",
                "elapsed_ms",
                "reasons",
                "detector",
                "weights_sha256",
            ),
            "sha256",
            *("stands_out", "parts", "tracks", "notes"),
        ],
        rows,
    )


def stress_csv(test: StressTest) -> str:
    """One row per condition, beside the clip's own score and verdict; empty where not scored."""
    return csv_text(
        [
            *("file", "condition", "label", "kind", "verdict", "outcome", "llr", "p_spoof"),
            *(
                "own_verdict",
                "own_llr",
                *STANCE,
                "from_s",
                "to_s",
                "reason",
                "note",
            ),
            *("detector", "weights_sha256", "sha256"),
        ],
        (
            [
                test.name,
                row.condition,
                row.label,
                row.kind,
                row.verdict or "",
                row.outcome or "",
                _number(row.llr),
                _number(row.p_spoof),
                test.verdict,
                _number(test.llr),
                *astuple(test.stance),
                round(test.from_s, 3),
                round(test.to_s, 3),
                row.reason or "",
                row.note,
                test.detector,
                test.weights_sha256,
                test.sha256,
            ]
            for row in test.rows
        ),
    )


def spans_csv(spans: Sequence[Span], name: str) -> str:
    """One row per span, times in seconds."""
    return csv_text(
        ["file", "start_s", "end_s", "duration_s", "peak_p_spoof", "mean_p_spoof", "peak_llr"],
        (
            [
                name,
                round(s.start_s, 3),
                round(s.end_s, 3),
                round(s.duration_s, 3),
                _number(s.peak_p),
                _number(s.mean_p),
                _number(s.peak_llr),
            ]
            for s in spans
        ),
    )


def audacity_labels(spans: Sequence[Span]) -> str:
    """A label track as Audacity imports it: start, end and text, separated by tabs.

    Source: Audacity manual, "Importing and Exporting Labels".
    """

    def share(p: float) -> str:  # as everywhere, never a certain 0 % or 100 %
        return "<1%" if p < 0.01 else ">99%" if p > 0.99 else f"{p:.0%}"

    return "".join(f"{s.start_s:.6f}\t{s.end_s:.6f}\tsynthetic? {share(s.peak_p)}\n" for s in spans)


def rttm(spans: Sequence[Span], name: str, channel: int = 1) -> str:
    """Rich Transcription Time Marked records with the mean posterior as confidence.

    The ten fields are type, file, channel, onset, duration, orthography, subtype, speaker name,
    confidence and lookahead. Source: NIST, "2009 (RT-09) Rich Transcription Meeting Recognition
    Evaluation Plan", appendix A.
    """
    file = re.sub(r"\s+", "_", printable(name.rsplit(".", 1)[0])) or "clip"
    return "".join(
        f"SPEAKER {file} {channel} {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> synthetic "
        f"{s.mean_p:.4f} <NA>\n"
        for s in spans
    )


def _part(detection: Detection) -> tuple[int, int | None]:
    """Track and channel, from 1; no channel where the channels were averaged."""
    source = detection.source
    return source.track, source.channel


def safe_stem(name: str, part: str = "") -> str:
    """A file name's stem reduced to letters, digits, dot, dash and underscore, for downloads.

    The part of the file that it is about, such as ``channel 1``, follows it.
    """
    stem = re.sub(r"[^\w.-]+", "_", name.rsplit(".", 1)[0]).strip("._") or "clip"
    return "-".join([stem, *re.findall(r"\w+", part)])


def _number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
