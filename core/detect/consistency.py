"""Whether what a Detection says follows from itself: its sound, its windows, its verdict."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from core.audio.clip import MAX_CHANNELS, MAX_RATE, MIN_RATE, MOST_TRACKS, SAMPLE_RATE, Source
from core.audio.quality import gate
from core.audio.windows import window_ranges
from core.detect.decision import decide
from core.detect.detection import (
    IN_PART,
    Detection,
    Stretch,
    Trace,
    Verdict,
)
from core.detect.detector import MIN_HOP_S, due_windows
from core.detect.familiarity import FamiliarityMeasure
from core.detect.finer import due_shorter
from core.detect.outlier import FEWEST_SHORT, MOST
from core.detect.part_sound import unjudged
from core.detect.spans import cells
from core.plain import printable

if TYPE_CHECKING:
    from core.detect.detector import Detector

CLOSE = 1e-6
"""How far two numbers may lie apart that are computed from the same ones."""

CLOSE_S = 0.02
"""Seconds by which sums of times may be off and still count as equal."""

CLOSE_DB = 0.1
"""Decibels by which a level in single precision may lie above a peak that it equals."""

LONGEST_S = 1e6
"""Seconds (eleven days) beyond which no clip was decoded, and no judgement waited for."""

MOST_GAPS = 2_000_000
"""Missing stretches over all windows: more would be counted for minutes."""


def problem_of(d: Detection) -> str:
    """What in a Detection cannot have been measured; empty where nothing."""
    source = d.source
    texts = [d.detector, d.weights_sha256, source.name, source.sha256]
    texts += [source.container, source.codec, source.decoder, *source.notes]
    texts += [
        text for track in source.tracks for text in (track.codec, track.language, track.title)
    ]
    texts += [text for r in d.reasons for text in (r.code, r.text, r.effect)]
    texts += d.familiarity.nearest if d.familiarity is not None else ()
    if not all(isinstance(text, str) and len(text) < 5_000 for text in texts):
        return "a text is missing or too long"
    if not all(re.fullmatch(r"[0-9a-f]{64}", h) for h in (source.sha256, d.weights_sha256)):
        return "a hash is not a SHA-256"
    if d.verdict not in get_args(Verdict):
        return "its verdict is none of those that exist"
    if any(r.effect not in ("not judged", "inconclusive", "caution") for r in d.reasons):
        return "a reason has an effect that does not exist"
    if not 0 < _number(d.window_s) < 3600 or not 0 < _number(d.hop_s) <= d.window_s:
        return "its windows have no length"
    if round(d.hop_s * SAMPLE_RATE) < round(MIN_HOP_S * SAMPLE_RATE):
        return "its windows follow each other more closely than a detector's do"
    if (d.llr is None) != (d.p_spoof is None) or (d.llr is None) != (d.verdict == "not judged"):
        return "its verdict and its score contradict each other"
    if not isinstance(d.calibrated, bool):
        return "it does not say whether it is calibrated"
    scores = [d.llr, *(w.llr for w in d.windows)]
    scores += [*d.trace.llrs, *d.trace.unlike] if d.trace else []
    if not all(abs(_number(s)) < 1e6 for s in scores if s is not None):
        return "a score is out of range"
    # A certain chance has no log-odds, and no detector gives one.
    chances = [d.p_spoof, *(w.p_spoof for w in d.windows)]
    if not all(0 < _number(p) < 1 for p in chances if p is not None):
        return "a chance is not between 0 and 1"
    if d.familiarity is not None:
        if d.familiarity.level not in ("familiar", "edge", "unfamiliar"):
            return "its familiarity is none of those that exist"
        if (
            not 0 <= _number(d.familiarity.distance) < 1e6
            or not 0 <= _number(d.familiarity.percentile) <= 100
        ):
            return "its familiarity is out of range"
    if not 0 <= _number(d.elapsed_ms) <= 1000 * LONGEST_S:
        return "no analysis takes as long as it says"
    return (
        _problem_of_source(source)
        or _problem_of_sound(d)
        or _problem_of_windows(d)
        or _problem_of_stretches(d)
    )


def _problem_of_source(source: Source) -> str:
    """What no file has of rates, channels and tracks; empty where nothing."""
    tracks = source.tracks
    whole = [source.sample_rate, source.channels, source.track]
    whole += [] if source.channel is None else [source.channel]
    whole += [n for t in tracks for n in (t.number, t.sample_rate, t.channels)]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in whole):
        return "its file has no sound"
    if not MIN_RATE <= source.sample_rate <= MAX_RATE:
        return "its sampling rate is none that a recording has"
    if not 1 <= source.channels <= MAX_CHANNELS:
        return "its number of channels is none that a recording has"
    if source.channel is not None and not 1 <= source.channel <= source.channels:
        return "its file has no such channel"
    if [t.number for t in tracks] != list(range(1, len(tracks) + 1)) or len(tracks) > MOST_TRACKS:
        return "its file's tracks are not counted from 1"
    # Some formats list no tracks, and of others the first ones only.
    listed = len(tracks) if 0 < len(tracks) < MOST_TRACKS else 1_000
    if not 1 <= source.track <= listed:
        return "its file has no such track"
    for track in tracks:  # as headers have them, which say 0 of a codec that is not known
        told = (track.sample_rate, track.channels, _number(track.duration_s or 0.0))
        if not all(0 <= n < 2**63 for n in told) or abs(_number(track.level_db or 0.0)) > 1e3:
            return "what it says of its file's tracks is out of range"
        if not isinstance(track.default, bool):
            return "it does not say which track players choose"
    return ""


def _problem_of_sound(d: Detection) -> str:
    """What cannot have been measured of the sound, or of its times; empty where nothing."""
    quality, source = d.quality, d.source
    length = _number(quality.duration_s)
    if length < 0 or _number(quality.speech_s) < 0 or _number(source.duration_s) < 0:
        return "a duration is negative"
    if length > LONGEST_S:
        return "no clip is as long as it says"
    if abs(length - source.duration_s) > CLOSE_S:
        return "its durations contradict each other"
    for name, spans in (("speech", quality.speech), ("missing stretches", source.missing)):
        edges = [_number(edge) for span in spans for edge in span]
        if edges != sorted(edges) or (edges and (edges[0] < 0 or edges[-1] > length + CLOSE_S)):
            return f"its {name} do not lie within the clip in order"
    if abs(math.fsum(b - a for a, b in quality.speech) - quality.speech_s) > CLOSE_S:
        return "its seconds of speech contradict each other"
    shares = (quality.clipped_share, quality.zero_share)
    if not all(0 <= _number(share) <= 1 for share in shares):
        return "a share is not between 0 and 1"
    peak = _number(quality.peak)
    if not 0 <= peak < 1e6 or not 0 <= _number(quality.bandwidth_hz) <= SAMPLE_RATE / 2:
        return "a measurement of its sound is out of range"
    if quality.level_dbfs is not None:
        if abs(_number(quality.level_dbfs)) > 1e3:
            return "a measurement of its sound is out of range"
        if quality.level_dbfs > 20 * math.log10(max(peak, 1e-30)) + CLOSE_DB:
            return "its level lies above its peak"
    return ""


def _problem_of_windows(d: Detection) -> str:
    """What cannot have been measured in the windows; empty where nothing."""
    if not d.windows:
        return "" if d.llr is None else "it has a score and no windows"
    start = -1.0
    for window in d.windows:
        if not 0 <= _number(window.start_s) < _number(window.end_s) or window.start_s <= start:
            return "its windows are not in order"
        start = window.start_s
        hops = start / d.hop_s
        if abs(hops - round(hops)) * d.hop_s > CLOSE_S:
            return "its windows do not follow each other by its hop"
        if window.end_s > min(d.quality.duration_s, start + d.window_s) + CLOSE_S:
            return "its windows do not lie within the clip"
        if (window.llr is None) != (window.p_spoof is None):
            return "a window's score and chance contradict each other"
    starts = np.array([window.start_s for window in d.windows])
    ends = np.array([window.end_s for window in d.windows])
    length, hop, count = (
        round(seconds * SAMPLE_RATE) for seconds in (d.window_s, d.hop_s, d.quality.duration_s)
    )
    if len(d.windows) != max(0, -(-(count - length) // hop)) + 1:  # before so many are made
        return "its windows do not cover the clip"
    due = np.array(window_ranges(max(1, count), length, hop)) / SAMPLE_RATE
    if np.abs(due - np.stack([starts, ends], axis=1)).max() > CLOSE_S:
        return "its windows do not cover the clip"
    told = np.array([_number(window.speech_s) for window in d.windows])
    heard = _seconds_within(d.quality.speech, starts, ends)
    if (told < 0).any() or (told > heard + CLOSE_S).any():
        return "a window has more speech than was found"
    if (told < heard - CLOSE_S).any():
        return "a window has less speech than was found"
    gaps = [np.array([gap[edge] for gap in d.source.missing]) for edge in (0, 1)]
    if (np.searchsorted(gaps[0], ends) - np.searchsorted(gaps[1], starts)).sum() > MOST_GAPS:
        return "it names more missing stretches than can be"
    if len(gaps[0]) and d.llr is not None:
        lacks = {d.source.lacks(w.start_s, w.end_s) for w in d.windows if w.llr is not None}
        if len(lacks) > 1:  # where all that speaks lacks half of its sound, it is scored after all
            return "a window has a score where the file lacks the sound"
    if any(cell.start_s >= cell.end_s for cell in cells(d)):
        return "its windows are not in order"
    return ""


def _seconds_within(
    spans: Sequence[tuple[float, float]], starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Seconds of spans, in order and apart, between each start and its end."""
    if not spans:
        return np.zeros(len(starts))
    edges = np.array(spans, np.float64).ravel()
    lengths = np.stack([edges[1::2] - edges[::2], np.zeros(len(spans))], axis=1).ravel()
    before = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    # Between two edges the count grows by a second a second, or stands still.
    return np.interp(ends, edges, before) - np.interp(starts, edges, before)


def _problem_of_stretches(d: Detection) -> str:
    """What cannot be in the stretches that stand out, or in their scores; empty where nothing."""
    if d.trace is not None and not _covers(d.trace, d):
        return "its shorter windows do not fit the clip"
    given = d.windows if d.trace is None else d.trace.windows
    scores = [w.llr for w in given if w.llr is not None]
    end = 0.0
    for s in d.stands_out:
        if not end <= _number(s.start_s) < _number(s.end_s) <= d.quality.duration_s + CLOSE_S:
            return "the stretches that it names do not lie within the clip in order"
        end = s.end_s
        means = (_number(s.llr), _number(s.rest_llr))
        if not scores or min(means) < min(scores) - CLOSE or max(means) > max(scores) + CLOSE:
            return "a stretch that it names does not follow from its windows"
        if not isinstance(s.called_synthetic, bool):
            return "a stretch that it names contradicts itself"
        if _number(s.score) * (s.llr - s.rest_llr) <= 0:
            return "a stretch that it names contradicts itself"
        own = (s.bandwidth_hz, s.clipped_share)
        if (own[0] is None) != (own[1] is None) or (d.trace is None and own != (None, None)):
            return "what it says of the sound of a stretch does not fit how it was found"
        band, clipped = (_number(0.0 if value is None else value) for value in own)
        if not 0 <= band <= SAMPLE_RATE / 2 or not 0 <= clipped <= 1:
            return "a measurement of a stretch's sound is out of range"
    if len(d.stands_out) > MOST:
        return "it names more stretches than can be"
    earned = d.calibrated and d.trace is not None and not d.withheld
    above = all(s.score > 0 and not unjudged(s) and d.stance.margin(s.llr) > 0 for s in d.parts)
    if bool(d.parts) != (d.verdict == IN_PART) or (d.parts and not (earned and above)):
        return "its verdict does not follow from the stretches that it names"
    return ""


def _covers(trace: Trace, d: Detection) -> bool:
    """Whether shorter windows could be of this clip, and all or none are held against it."""
    held = [None if score is None else _number(score) for score in trace.unlike]
    if held and [score is None for score in held] != [llr is None for llr in trace.llrs]:
        return False
    if not MIN_HOP_S <= _number(trace.hop_s) <= _number(trace.window_s) <= d.window_s:
        return False
    room = (d.quality.duration_s - trace.window_s) / trace.hop_s + 1
    return abs(len(trace.llrs) - room + 0.5) <= 0.5 + CLOSE_S / trace.hop_s


def with_stretches(d: Detection, detector: Detector, named: bool) -> tuple[Detection, str]:
    """The same with what stands out by its own windows, and what contradicts that; earlier
    versions named no stretches."""
    due = detector.stretches_in(d)
    if not named:
        return replace(d, stands_out=due), ""
    given = d.stands_out
    if d.trace is None and len(due) > 1:  # up to 0.2.0 the rest of one held weaker ones
        given = tuple(replace(s, rest_llr=o.rest_llr) for s, o in zip(given, due, strict=False))
    same = len(due) == len(d.stands_out) and all(map(_same, due, given))
    return d, "" if same else "the stretches that it names do not follow from its windows"


def _same(one: Stretch, other: Stretch) -> bool:
    pairs = zip(astuple(one)[:5], astuple(other)[:5], strict=True)  # but for verdict and sound
    return all(abs(a - b) <= CLOSE * max(1.0, abs(a)) for a, b in pairs)


def contradiction(d: Detection) -> str:
    """What in a Detection does not follow from the rest of it, whoever made it."""
    scored = [w for w in d.windows if w.llr is not None]
    given = [(d.llr, d.p_spoof), *((w.llr, w.p_spoof) for w in scored)]
    for llr, chance in given:
        if llr is not None and chance is not None:
            due = d.stance.posterior(llr)
            if abs(due - chance) > CLOSE:
                return "a chance does not follow from its score under its prior"
    codes = {r.code for r in d.reasons}
    effects = {r.effect for r in d.reasons}
    if ("not judged" in effects) != (d.llr is None):
        return "its verdict does not follow from its reasons"
    said = bool({"uncalibrated", "no_threshold"} & codes)
    if said != (d.llr is not None and not d.calibrated):
        return "its reasons do not say whether it is calibrated"
    strange = d.familiarity is not None and d.familiarity.level == "unfamiliar"
    if d.llr is None and d.familiarity is not None:
        return "it says how familiar a clip is that was not judged"
    if d.llr is None:
        return "a window has a score in a clip that has none" if scored else ""
    if not scored:
        return "it has a score and no window that has one"
    if ("unfamiliar" in codes) != strange:
        return "its reasons and its familiarity contradict each other"
    if ("inconclusive" in effects) != (d.whole == "inconclusive"):
        return "its verdict does not follow from its reasons"
    if d.whole != "inconclusive" and d.whole != decide(d.llr, d.stance):
        return "its verdict does not follow from its score"
    return ""


def implausible(d: Detection, detector: Detector | None) -> str:
    """What no detector, or not this one, would have said of such windows."""
    if detector is not None and abs(detector.window / SAMPLE_RATE - d.window_s) > CLOSE:
        return "its windows are not those of its detector"
    llrs = [w.llr for w in d.windows if w.llr is not None]
    if d.llr is None:
        return ""
    if detector is None:
        limit = max(map(abs, llrs))  # it may be one, and windows there may have been cut to it
    else:
        limit = detector.calibration_of(d.source.codec).llr_limit
        shorter = [llr for llr in (d.trace.llrs if d.trace else ()) if llr is not None]
        if max(map(abs, [*llrs, *shorter, d.llr])) > limit + CLOSE:
            return "a score lies beyond what its detector gives"
        if d.calibrated != (detector.calibration is not None):
            return "it does not say whether it is calibrated"
        codes = {r.code for r in d.reasons}
        side = decide(d.llr, d.stance, detector.decision.inconclusive_llr)
        if ("near_threshold" in codes) != (side == "inconclusive"):
            return "its reasons do not follow from its score"
        if detector.decision.needs_wide_band and (
            ("narrow_band" in codes) != ("needs_wide_band" in codes)
        ):
            return "its reasons contradict each other"
    # A clip's score is that of the mean over its windows before they are cut to the limit.
    mean = float(np.mean(llrs))
    low = -math.inf if min(llrs) <= CLOSE - limit else mean
    high = math.inf if max(llrs) >= limit - CLOSE else mean
    if not low - CLOSE <= d.llr <= high + CLOSE:
        return "its score does not follow from those of its windows"
    return ""


def otherwise(d: Detection, detector: Detector) -> list[str]:
    """What this version of the detector says otherwise of the same measurements, each the end of a
    sentence. Another version may have said it; whoever changes a verdict has to."""
    found = []
    due = detector.with_stance(replace(d, reasons=gate(d.quality, d.source)), d.stance)
    given, expected = (
        {(r.code, printable(r.text), r.effect) for r in one.reasons} for one in (d, due)
    )
    if given != expected:
        found.append("its reasons are not those that this version gives for such sound")
    if d.llr is None:
        return found
    if [s.called_synthetic for s in d.stands_out] != [s.called_synthetic for s in due.stands_out]:
        found.append(f"by its stretches this version would call it {due.verdict}")
    scored = [i for i, window in enumerate(d.windows) if window.llr is not None]
    ranges = [(window.start_s, window.end_s) for window in d.windows]
    if scored != due_windows([w.speech_s for w in d.windows], ranges, d.source):
        found.append("its scored windows are not those in which somebody speaks")
    found += _shorter_otherwise(d, detector)
    if d.familiarity is None and detector.familiarity is not None:
        found.append("it does not say how familiar the clip is, as this detector does")
    measure, said = detector.familiarity, d.familiarity
    if isinstance(measure, FamiliarityMeasure) and said is not None:
        near = set(said.nearest) <= {printable(name) for name in measure.family_names}
        if not near or measure.at(said.distance, said.nearest) != said:
            found.append("how familiar it calls the clip is not what this detector says of it")
    return found


def _shorter_otherwise(d: Detection, detector: Detector) -> list[str]:
    """What this detector would not have left out of its shorter windows, or put in."""
    scored = [window for window in d.windows if window.llr is not None]
    if detector.finding is None or not detector.engine.samples_per_frame or len(scored) < 2:
        return []
    if d.trace is None:
        return ["it lacks the shorter windows by which this detector finds parts"]
    grid = detector.finding.grid
    if (d.trace.window_s, d.trace.hop_s) != (grid.window / SAMPLE_RATE, grid.hop / SAMPLE_RATE):
        return ["its shorter windows are not those of this detector"]
    ranges = [(round(w.start_s * SAMPLE_RATE), round(w.end_s * SAMPLE_RATE)) for w in scored]
    due = due_shorter(grid, ranges, round(d.quality.duration_s * SAMPLE_RATE), d.quality.speech)
    lacks = [d.source.lacks(w.start_s, w.end_s) for w in d.trace.windows]
    expected = [i in due and not lacking for i, lacking in enumerate(lacks)]
    if expected != [llr is not None for llr in d.trace.llrs]:
        return ["its scored shorter windows are not those in which somebody speaks"]
    due_held = detector.finding.contrast is not None and sum(expected) >= FEWEST_SHORT
    same = due_held == bool(d.trace.unlike)
    return [] if same else ["its shorter windows are not held against the rest as here"]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)
