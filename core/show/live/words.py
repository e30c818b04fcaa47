"""A live take in words and HTML, without Streamlit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.detect.decision import Stance
from core.detect.detection import Detection
from core.detect.spans import kind_of
from core.detect.stream import Snapshot
from core.evaluate.names import benchmark_name
from core.settings import settings
from core.show.clip.charts import percent
from core.show.clip.words import fact_list, headline, withheld
from core.show.theme import LIGHT

LEVEL_FLOOR_DB = -60.0
"""Left end of the level meter."""

BROKEN_AFTER_S = 4.0
"""Without a frame for this long a connection counts as broken: a microphone sends silence too, and
a browser gives a connection up after about five seconds."""

OPUS_NOTE = (
    "A live take: before it came here the browser sent the sound through one pass of the Opus "
    "codec."
)


def opus_effect(figures: pd.DataFrame | None, detector: str) -> str:
    """What Opus does to a detector's error, from the table of measured figures.

    Parameters
    ----------
    figures : pandas.DataFrame or None
        Rows of the results schema, of several detectors.
    detector : str
        The id of the one that judges the take: another's error says nothing of it.
    """
    if figures is not None:
        codecs = figures[
            (figures["system"] == detector)
            & (figures["breakdown"] == "codec")
            & (figures["metric"] == "eer_percent")
        ]
        opus = codecs[codecs["condition"].str.startswith("opus-")]
        # Browsers send speech at 24 to 40 kbit/s unless told otherwise.
        near = opus[opus["condition"].str.startswith("opus-24")]
        for row in (opus if near.empty else near).itertuples():
            return f"{_effect(row, codecs)} A browser's own rate differs, so this is a guide."
    return "What that does to the detector's error has not been measured."


def _effect(row: Any, codecs: Any) -> str:
    codec, _, windows = row.condition.partition(", ")
    plain = "none" + (f", {windows}" if windows else "")
    many = ", one window per clip" if windows else ""
    same = codecs[
        (codecs["condition"] == plain)
        & (codecs["benchmark"] == row.benchmark)
        & (codecs["subset"] == row.subset)
    ]
    without = "" if same.empty else f", {same.iloc[0]['value']:.1f} % without"
    interval = "" if row.low != row.low else f" (95 % interval {row.low:.1f} to {row.high:.1f} %)"
    return (
        f"Measured with Opus at {codec.removeprefix('opus-')} kbit/s on {row.n_bonafide:,.0f} "
        f"human and {row.n_spoof:,.0f} synthetic clips of {benchmark_name(row.benchmark)}, "
        f"{row.subset}{many}: equal error rate {row.value:.1f} %"
        f"{interval}{without}."
    )


def broken(shot: Snapshot) -> str:
    """What became of a connection over which sound no longer comes; empty where it does."""
    if shot.quiet_s is None or shot.quiet_s < BROKEN_AFTER_S:
        return ""
    if shot.state == "finished":
        return (
            "The connection to the microphone broke: no sound came in the last "
            f"{shot.quiet_s:.0f} s before the take ended. What came until then is kept and judged "
            "here. Press **Start** for another take; if that breaks too, record first."
        )
    return (
        f"No sound has come for {shot.quiet_s:.0f} s: the connection to the microphone may have "
        "broken. If none comes, press **Stop**, which keeps what was heard, then **Start**."
    )


def losses(shot: Snapshot) -> list[str]:
    """Sentences on what is missing from a take and from its scores."""
    were = "was" if shot.skipped == 1 else "were"
    skipped = f"{_windows(shot.skipped)} {were} not scored, because the machine could not keep up."
    return [*lost_sound(shot), *[skipped] * bool(shot.skipped)]


def lost_sound(shot: Snapshot) -> list[str]:
    """The same of its sound alone, which is missing too where all of it is judged as a file."""
    found = []
    if shot.lost:
        found.append(
            f"{shot.lost:,} of {shot.frames + shot.lost:,} frames of sound were lost on the way; "
            "silence stands in for them."
        )
    if shot.kept_from_s > 0:
        found.append(
            f"Only the last {settings().live_keep_s / 60:g} minutes are kept: the first "
            f"{clock(shot.kept_from_s)} are gone, and play no part in the verdict."
        )
    return found


def channels(shot: Snapshot) -> list[str]:
    """A sentence on what was heard where the two channels differ."""
    heard = [w.channel for w in shot.windows if w.channel and w.llr is not None]
    if not heard:
        return []
    counts = " and ".join(f"channel {n} in {heard.count(n):,}" for n in (1, 2) if n in heard)
    unheard = [f" Channel {n} was not scored at all." for n in (1, 2) if n not in heard]
    return [
        "The two channels differ, and an average could hide a voice: each window was scored on "
        f"the louder one that speaks ({counts}).{''.join(unheard)} Open the take in Detect for a "
        "verdict on each."
    ]


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def level_meter(level_dbfs: float | None, paused: bool = False) -> str:
    """The level of the last moments as a labelled meter (HTML)."""
    level = LEVEL_FLOOR_DB if level_dbfs is None else max(LEVEL_FLOOR_DB, min(0.0, level_dbfs))
    share = 100 * (1 - level / LEVEL_FLOOR_DB)
    words = "silence" if level_dbfs is None or level <= LEVEL_FLOOR_DB else f"{level:.0f} dB"
    words = "paused" if paused else words
    hint = " · very loud" if level > -6 else " · faint" if -60 < level < -45 else ""
    return (
        '<div style="display:grid;grid-template-columns:3rem 1fr 8.5rem;gap:.6rem;'
        'align-items:center"><span>Level</span>'
        '<span role="meter" aria-label="Level of the microphone" '
        f'aria-valuemin="{LEVEL_FLOOR_DB:g}" aria-valuemax="0" '
        f'aria-valuenow="{level:.0f}" aria-valuetext="{words}{hint}" '
        'style="height:.8rem;border-radius:.4rem;overflow:hidden;display:block;'
        'background:rgba(128,140,155,.22)">'
        f'<span style="display:block;height:100%;width:{share:.1f}%;background:{LIGHT.series[2]}">'
        '</span></span><span style="font-variant-numeric:tabular-nums;white-space:nowrap">'
        f"{words}{hint}</span></div>"
    )


def facts(shot: Snapshot) -> str:
    """Time, speech, latency and losses as a list (HTML)."""
    latency = "not yet" if shot.latency_s is None else f"{shot.latency_s:.1f} s"
    pairs = [
        ("Since the start", clock(shot.seconds)),
        ("Speech", f"{shot.speech_s:.0f} s"),
        ("Sound to score", latency),
        ("Windows scored", f"{sum(w.llr is not None for w in shot.windows):,}"),
        ("Frames lost", f"{shot.lost:,}"),
    ]
    return fact_list(pairs, "font-variant-numeric:tabular-nums")


def status(shot: Snapshot, detection: Detection | None) -> str:
    """What the running verdict means, in one sentence that changes only when the verdict does."""
    if shot.error:
        return shot.error
    if shot.listening or detection is None:
        if shot.state == "finished":
            return "This take holds too little speech for a verdict."
        if not shot.frames:
            return "Waiting for the microphone."
        if not shot.ready:
            return "Loading the detector. The sound is kept meanwhile."
        return "Listening: there is not enough speech for a verdict yet."
    return headline(detection)


def spread(shot: Snapshot, detection: Detection) -> str:
    """The interval of the mean score, as what it is; empty where there is none."""
    if shot.spread is None or detection.llr is None or withheld(detection):
        return ""
    low, high = shot.spread
    text = f"Log-likelihood ratio {detection.llr:+.2f}, interval {low:+.2f} to {high:+.2f}"
    if detection.calibrated:
        ends = (percent(detection.stance.posterior(edge)) for edge in (low, high))
        text += f", which is {' to '.join(ends)} synthetic"
    return (
        f"{text}. It comes from how much the windows differ **over this take**, not from how often "
        "the detector errs."
    )


def in_words(shot: Snapshot, stance: Stance, band: tuple[float, float]) -> str:
    """What the timeline shows, for readers who do not see it."""
    kinds = [kind_of(w.llr, stance, band) for w in shot.windows]
    return (
        f"{_windows(len(kinds))} so far: {kinds.count('synthetic'):,} towards synthetic, "
        f"{kinds.count('authentic'):,} towards human, {kinds.count('inconclusive'):,} undecided, "
        f"{kinds.count('no speech'):,} with too little speech."
    )


def _windows(n: int) -> str:
    return f"{n:,} window{'s' * (n != 1)}"
