"""What a reader takes away: JSON and CSV of Detections, and spans as CSV, Audacity labels, RTTM."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence

from core.detect.detection import Detection
from core.detect.spans import Span
from core.detect.stress import StressTest
from core.plain import plain_cell


def detection_json(detections: Detection | Sequence[Detection]) -> str:
    """One Detection as a JSON object, several as a list; indented, schema named in each."""
    if isinstance(detections, Detection):
        return json.dumps(detections.to_dict(), indent=2, ensure_ascii=False)
    return json.dumps([d.to_dict() for d in detections], indent=2, ensure_ascii=False)


def windows_csv(detection: Detection) -> str:
    """One row a window: number from 1, times in seconds, scores; empty where not scored."""
    return _csv(
        [
            *("file", "track", "channel", "window", "start_s", "end_s", "speech_s", "missing_s"),
            *("llr", "p_spoof", "prior"),
        ],
        (
            [
                detection.source.name,
                *_part(detection),
                number,
                f"{w.start_s:.3f}",
                f"{w.end_s:.3f}",
                f"{w.speech_s:.3f}",
                f"{detection.source.missing_s(w.start_s, w.end_s):.3f}",
                _number(w.llr),
                _number(w.p_spoof),
                detection.prior,
            ]
            for number, w in enumerate(detection.windows, 1)
        ),
    )


def clips_csv(detections: Iterable[Detection], errors: Iterable[tuple[str, str]] = ()) -> str:
    """One row a clip, then one a file that could not be read, with the sentence that says why."""
    rows: list[list[object]] = [
        [
            d.source.name,
            *_part(d),
            d.verdict,
            _number(d.p_spoof),
            _number(d.llr),
            d.prior,
            d.calibrated,
            f"{d.quality.duration_s:.3f}",
            f"{d.quality.speech_s:.3f}",
            f"{d.source.missing_s():.3f}",
            len(d.windows),
            f"{d.elapsed_ms:.0f}",
            " ".join(r.text for r in d.reasons),
            d.detector,
            d.weights_sha256,
            d.source.sha256,
        ]
        for d in detections
    ]
    rows += [[name, "", "", "not read", *[""] * 9, text, "", "", ""] for name, text in errors]
    return _csv(
        [
            *("file", "track", "channel", "verdict", "p_spoof", "llr", "prior", "calibrated"),
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
        ],
        rows,
    )


def stress_csv(test: StressTest) -> str:
    """One row a condition, beside the clip's own score and verdict; empty where not scored."""
    return _csv(
        [
            *("file", "condition", "label", "kind", "verdict", "outcome", "llr", "p_spoof"),
            *(
                "own_verdict",
                "own_llr",
                "prior",
                "c_miss",
                "c_fa",
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
                test.prior,
                test.c_miss,
                test.c_fa,
                f"{test.from_s:.3f}",
                f"{test.to_s:.3f}",
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
    """One row a span, times in seconds."""
    return _csv(
        ["file", "start_s", "end_s", "duration_s", "peak_p_spoof", "mean_p_spoof", "peak_llr"],
        (
            [
                name,
                f"{s.start_s:.3f}",
                f"{s.end_s:.3f}",
                f"{s.duration_s:.3f}",
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
    return "".join(f"{s.start_s:.6f}\t{s.end_s:.6f}\tsynthetic? {s.peak_p:.0%}\n" for s in spans)


def rttm(spans: Sequence[Span], name: str) -> str:
    """Rich Transcription Time Marked records with the mean posterior as confidence.

    The ten fields are type, file, channel, onset, duration, orthography, subtype, speaker name,
    confidence and lookahead. Source: NIST, "2009 (RT-09) Rich Transcription Meeting Recognition
    Evaluation Plan", appendix A.
    """
    file = re.sub(r"\s+", "_", name.rsplit(".", 1)[0]) or "clip"
    return "".join(
        f"SPEAKER {file} 1 {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> synthetic "
        f"{s.mean_p:.4f} <NA>\n"
        for s in spans
    )


def _part(detection: Detection) -> tuple[int, object]:
    """Track and channel, from 1; no channel where the channels were averaged."""
    source = detection.source
    return source.track, "" if source.channel is None else source.channel


def safe_stem(name: str) -> str:
    """A file name's stem reduced to letters, digits, dot, dash and underscore, for downloads."""
    return re.sub(r"[^\w.-]+", "_", name.rsplit(".", 1)[0]).strip("._") or "clip"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[plain_cell(cell) for cell in row] for row in rows])
    return text.getvalue()
