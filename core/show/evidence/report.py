"""The evidence report: everything that was found about clips, in one file that needs nothing else.

Made from Detections and stress tests alone, so that the page and the command line give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.audio.parts import came_through, in_words
from core.detect import outlier
from core.detect.agreement import agreement
from core.detect.detection import SEAL, Detection
from core.detect.own import PREFIX
from core.detect.saved import CHANGED, UNSEALED
from core.evaluate.tables import load
from core.show.clip import charts, words
from core.show.documents.chart import image, make_spec
from core.show.documents.report import Report, as_html
from core.show.evidence.case import Case, Filing
from core.show.evidence.commands import commands, versions
from core.show.evidence.pictures import pictures
from core.show.evidence.tables import few_windows, spans_table, stress_table
from core.show.figures.known_detectors import name_of
from core.show.figures.track_record import in_part_rate
from core.show.provenance.history import history
from core.show.provenance.signed import contradiction, facts, line
from core.version import in_words as this_version

if TYPE_CHECKING:
    from core.audio.clip import Source
    from core.provenance.found import Provenance


FOOTER = (
    "Made by Spoofscope. One piece of evidence, not proof: a detector says how sound resembles "
    "what it was trained on, and nothing about who speaks, or whether what is said is true."
)


FROM_FILE = "From a saved file, not judged here."


NO_FILING = Filing()


def evidence_html(
    cases: Sequence[Case],
    unread: Sequence[tuple[str, str]] = (),
    made: datetime | None = None,
    filing: Filing = NO_FILING,
) -> bytes:
    """The report as one HTML file without scripts or outside resources; see `evidence`."""
    return as_html(evidence(cases, unread, made, filing))


def evidence_pdf(
    cases: Sequence[Case],
    unread: Sequence[tuple[str, str]] = (),
    made: datetime | None = None,
    filing: Filing = NO_FILING,
) -> bytes:
    """The same report as PDF; see `evidence`."""
    from core.show.documents.pdf import as_pdf

    return as_pdf(evidence(cases, unread, made, filing))


def evidence(
    cases: Sequence[Case],
    unread: Sequence[tuple[str, str]] = (),
    made: datetime | None = None,
    filing: Filing = NO_FILING,
) -> Report:
    """What a report says, before its form.

    Parameters
    ----------
    cases : sequence of Case
        Of one clip or several; those of one clip together.
    unread : sequence of (name, sentence)
        Files that could not be read, and why.
    made : datetime, optional
        The time stamp; now by default. All else depends on the cases and the filing alone.
    filing : Filing, optional
        Case number and notes.

    Returns
    -------
    Report
        For `as_html` or `as_pdf`.
    """
    import pandas as pd

    clips = {case.detection.source.sha256: case.detection.source.name for case in cases}
    one = len(clips) == 1 and not unread
    title = f"Evidence report: {next(iter(clips.values())) if one else f'{len(clips)} clips'}"
    saved = [case.saved for case in cases]
    lines = [line.strip() for line in filing.notes.splitlines() if line.strip()]
    label = _labels(cases)
    named = any(case.origin is not None and case.origin.personal for case in cases)
    again = commands(cases, filing.personal and named)
    facts = [
        ("Case", filing.case),
        *_labelled("Notes", lines),
        ("Made", (made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S UTC")),
        *_labelled("To judge the recording" if any(saved) else "To make it again", again),
        ("Code", _code(cases)),
    ]
    if not any(saved):  # what computed the figures is not what writes them down
        facts += [("By", this_version()), ("With", versions())]
    report = Report(
        title,
        first=FROM_FILE if any(saved) else "",
        facts=[(name, said) for name, said in facts if said],
        problems=[f"{name}: {why}" for name, why in unread],
        trouble="Files that could not be read",
        footer=FOOTER,
        data={
            "detections": [_for_programs(case) for case in cases],
            "stress_tests": [
                replace(test, elapsed_ms=0.0).to_dict() for case in cases for test in case.tests
            ],
        },
    )
    if len(cases) > 1:
        report.sections.append(
            (
                "At a glance",
                " ".join(
                    [
                        *agreements(cases, label),
                        *_records(cases),
                        "Scores of different detectors have no common unit and are never averaged.",
                    ]
                ),
                pd.DataFrame([_glance(case, label(case.detection.source)) for case in cases]),
                None,
            )
        )
    shown: set[str] = set()
    for case in cases:
        sha256 = case.detection.source.sha256
        if case.origin is not None and sha256 not in shown:
            shown.add(sha256)
            of = [other for other in cases if other.detection.source.sha256 == sha256]
            _add_origin(report, of, case.origin, filing.personal, label)
        _add(report, case, label(case.detection.source))
    return report


def _labels(cases: Sequence[Case]) -> Callable[[Source], str]:
    """What a report calls a file, or a part of it: its name, and what tells it from its likes."""
    files: dict[str, set[str]] = {}
    for case in cases:
        files.setdefault(case.detection.source.name, set()).add(case.detection.source.sha256)

    def label(source: Source) -> str:
        several = len(files[source.name]) > 1
        return source.label + (f" (SHA-256 {source.sha256[:8]}…)" if several else "")

    return label


def _for_programs(case: Case) -> dict[str, Any]:
    """The detection as JSON; one that was changed, or may have been, gets no check sum."""
    data = replace(case.detection, elapsed_ms=0.0).to_dict()
    if {CHANGED, UNSEALED} & set(case.doubts):
        del data[SEAL]
    return data


def _code(cases: Sequence[Case]) -> str:
    """That a command needs more than a name where a detector is somebody's own code."""
    own = {case.detection.detector for case in cases if case.detection.detector.startswith(PREFIX)}
    if not own:
        return ""
    return (
        f"{', '.join(sorted(own))}: code of whoever made this. Where a command does not know the "
        "name, give its file instead, --detector=FILE.py:object; its hash stands below."
    )


def _records(cases: Sequence[Case]) -> list[str]:
    """How often several detectors err, as far as is known, a sentence per detector."""
    records = {name_of(case.detection.detector): case.record for case in cases}
    if len(records) < 2:
        return []
    return [
        f"Equal error rates known of {name}: {'; '.join(record.split('; ')[:2])}."
        for name, record in records.items()
    ]


def agreements(cases: Sequence[Case], label: Callable[[Source], str]) -> list[str]:
    """What several detectors say of one clip together, a sentence per clip.

    What a file says that is doubtful has no voice in it, and what was said under another stance is
    counted apart.
    """
    of: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        source, stance = case.detection.source, case.detection.stance
        if not case.doubts:
            of.setdefault((source.sha256, source.track, source.channel, stance), []).append(case)
    said = []
    for group in of.values():
        asked = {name_of(case.detection.detector): case for case in group}
        if len(asked) > 1:
            together = agreement(
                {name: case.detection for name, case in asked.items()},
                {name: case.band for name, case in asked.items()},
            )
            said.append(f"{label(group[0].detection.source)}: {together.to_dict()['in_words']}")
    return said


def _add_origin(
    report: Report,
    of: Sequence[Case],
    origin: Provenance,
    personal: bool,
    label: Callable[[Source], str],
) -> None:
    """What the file of some cases itself shows, before what was heard in it."""
    import pandas as pd

    said = line(origin)
    source = of[0].detection.source
    rows = facts(origin.credentials) if origin.credentials is not None else []
    rows += [(t.heading, f"{t.found_at} {t.meaning} {t.seen}") for t in history(origin)]
    rows += [(f"Tag {name}", value) for name, value in origin.personal if personal]
    rows += [("Note", note) for note in origin.notes]
    report.data.setdefault("provenance", {})[source.sha256] = origin.to_dict(personal)
    if rows or said is not None:
        spoken = [said.text if said else ""]
        for case in of:
            d = case.detection
            against = contradiction(origin, d.verdict)
            whose = f"{label(d.source)}, {name_of(d.detector)}: " if len(of) > 1 else ""
            spoken += [f"{whose}{against}"] * bool(against)
        whole = label(replace(source, tracks=(), channel=None))
        report.sections.append(
            (
                f"{whole}: what the file itself says",
                " ".join(filter(None, spoken)),
                pd.DataFrame(rows, columns=["what", "found"]),
                None,
            )
        )


def _labelled(name: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    """Several lines under one name."""
    return [(name if at == 0 else "\N{NO-BREAK SPACE}", line) for at, line in enumerate(lines)]


def _glance(case: Case, label: str) -> dict[str, str]:
    d = case.detection
    return {
        "file": label,
        "detector": name_of(d.detector),
        "verdict": words.verdict(d),
        "score": "" if d.llr is None else f"{d.llr:+.2f}",
        "chance of synthetic": _chance(d),
        "why": words.why(d),
    }


def _chance(d: Detection) -> str:
    if d.p_spoof is None:
        return ""
    return words.chance(d) or ("none" if d.calibrated else "not calibrated")


def _add(report: Report, case: Case, label: str) -> None:
    import pandas as pd

    d = case.detection
    spoken = " ".join(filter(None, [words.headline(d), _plain(words.explanation(d))]))
    report.sections.append(
        (
            f"{label}: {words.verdict(d)} ({name_of(d.detector)})",
            spoken,
            pd.DataFrame(_facts(case), columns=["what", "found"]),
            None,
        )
    )
    band = words.undecided_band(d, case.band)
    if d.llr is not None:
        few, thinned = few_windows(d)
        missing = " Dashed: missing from the file." if d.source.missing else ""
        # With the sound at hand the scores are drawn below its spectrogram.
        drawn = (
            image(make_spec(charts.window_timeline, few, band, "llr"), "svg")
            if case.clip is None
            else None
        )
        report.sections.append(
            (
                "Where the evidence lies",
                "Log-likelihood ratio of each window: above the dashed threshold towards "
                f"synthetic, below towards human; grey: no verdict.{missing}{thinned}",
                pd.DataFrame(
                    {
                        "from (s)": [f"{w.start_s:.2f}" for w in d.windows],
                        "to (s)": [f"{w.end_s:.2f}" for w in d.windows],
                        "speech (s)": [f"{w.speech_s:.2f}" for w in d.windows],
                        "missing (s)": [
                            f"{d.source.missing_s(w.start_s, w.end_s):.2f}" for w in d.windows
                        ],
                        "score": ["" if w.llr is None else f"{w.llr:+.3f}" for w in d.windows],
                    }
                ),
                drawn,
            )
        )
        if case.clip is not None:
            for stretch, drawn in pictures(case.clip, d, band):
                report.sections.append((f"Spectrogram and scores, {stretch}", "", None, drawn))
        if not words.withheld(d):
            report.sections.append(spans_table(d, band))
    report.sections += [stress_table(test) for test in case.tests]


def _facts(case: Case) -> list[tuple[str, str]]:
    d = case.detection
    source, quality = d.source, d.quality
    codec = came_through(source)
    held = f"sound that came through {codec.capitalize()}" if codec else source.codec
    rows = [
        ("File", source.name),
        ("SHA-256 of the file", source.sha256),
        ("Form", f"{source.container}, {held}, {source.sample_rate:,} Hz, "
                 f"{source.channels} channel{'s' if source.channels != 1 else ''}"),
        ("Duration, speech", f"{quality.duration_s:.2f} s, {quality.speech_s:.2f} s"),
        *[("Missing", f"{source.missing_s():.2f} s")] * bool(source.missing),
        ("Detector", f"{name_of(d.detector)} ({d.detector})"),
        ("SHA-256 of its weights", d.weights_sha256),
        ("Verdict", words.verdict(d)),
        *([("How often a part is found", rate)] if d.parts and (rate := _rate(d)) else []),
        (
            "Score" if not d.calibrated else "Calibrated log-likelihood ratio (natural)",
            "none" if d.llr is None else f"{d.llr:+.4f}",
        ),
        ("Assumed before listening", f"{100 * d.stance.prior:g} % synthetic"),
        ("Costs", f"missed fake {d.stance.cost_missed_fake:g}, false accusation "
                  f"{d.stance.cost_false_accusation:g}"),
    ]  # fmt: skip
    if d.gives_chance:
        rows.append(("Chance of synthetic afterwards", words.chance(d)))
    if words.familiarity_is_said(d):
        rows.append(("Familiarity", _plain(words.familiarity_in_words(d))))
    rows += [("Reason", reason.text) for reason in d.reasons]
    rows += [("Unlike the rest", outlier.in_words(s, d)) for s in d.stands_out]
    rows += [("Note", note) for note in (*in_words(source), *source.notes)]
    if case.saved:
        rows.append(("Where this comes from", FROM_FILE))
        rows += [("Doubt", f"This detection is doubtful: {doubt}.") for doubt in case.doubts]
    if case.again:
        rows.append(("Judged again", case.again))
    rows.append(("Equal error rates known of this detector", case.record))
    rows.append(("Limit", words.limit(d)))
    return rows


def _rate(d: Detection) -> str:
    """How often a clip is rightly called synthetic in part; empty where no table tells."""
    try:
        return in_part_rate(load("embedded"), d.detector)
    except ValueError:
        return ""


def _plain(markdown: str) -> str:
    """Text without the marks that Streamlit's Markdown needs."""
    return markdown.replace("**", "").replace("\\", "")
