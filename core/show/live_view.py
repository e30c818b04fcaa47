"""What the Live page needs: its take, how the browser reaches it, and its parts in words."""

from __future__ import annotations

import functools
import html
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st

from core.detect import outlier
from core.detect.decision import Stance
from core.detect.detection import Detection
from core.detect.spans import kind_of
from core.detect.stream import Snapshot, Take
from core.evaluate.names import benchmark_name
from core.settings import settings
from core.show import cache, session
from core.show.cards import headline, limit, probability_bars, withheld, without_folders
from core.show.charts import percent
from core.show.theme import LIGHT, VERDICTS

MICROPHONE = "live-microphone"
"""Key of the WebRTC component."""

CONSTRAINTS = {
    "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
    "video": False,
}
"""The browser's own processing would take the signal apart that is to be judged."""

SILENT_AFTER_S = 10.0
"""Without a frame for this long, the other way to record is offered."""

LEVEL_FLOOR_DB = -60.0
"""Left end of the level meter."""

PROBLEMS = {
    "none": "Your browser finds no microphone. Plug one in, or switch it on, and start again.",
    "denied": (
        "Your browser does not allow this page to use the microphone. Allow it beside the page's "
        "address, then start again."
    ),
    "insecure": (
        "Your browser gives a microphone only to pages over https or on localhost, and this page "
        "is neither."
    ),
    "silent": (
        "No sound has come from the microphone. Another program may hold it, or a firewall may "
        "stop the connection."
    ),
}
"""What keeps the microphone away, in sentences."""

WORDS = {
    "start": "Start",
    "stop": "Stop",
    "select_device": "Choose microphone",
    "device_ask_permission": "Your browser asks for the microphone: please allow it.",
    "device_not_available": PROBLEMS["none"],
    "device_access_denied": PROBLEMS["denied"],
    "media_api_not_available": PROBLEMS["insecure"],
}
"""What the WebRTC component says."""

_TAKE = "spoofscope.live"
_SILENT = "spoofscope.live-silent"
_LEFT = "spoofscope.live-left"
_REFUSED = "spoofscope.live-refused"

_TURN_PAIRS = (
    ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"),
    ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
)


# --- the take --------------------------------------------------------------------------------


def take() -> Take | None:
    """This visitor's take, None before the first and after it was discarded."""
    return st.session_state.get(_TAKE)


def begin() -> bool:
    """Open a new take, letting go of the one before; False where too many are under way."""
    discard()
    others = sum(t.open for t in cache.takes())
    st.session_state[_REFUSED] = others >= settings().live_streams
    if st.session_state[_REFUSED]:
        return False
    detector = st.session_state.get("detector", "embedded")
    labels = st.session_state.get("spoofscope.others", {}).get(detector) or None
    made = Take(lambda: cache.detector(detector, labels=labels), cache.seat(patient=True))
    cache.takes().add(made)
    st.session_state[_TAKE] = made
    return True


def refusal() -> str:
    """The sentence for a visitor whose take was not opened; empty otherwise."""
    if not st.session_state.get(_REFUSED):
        return ""
    return (
        f"{settings().live_streams:,} live takes at a time are as many as this server bears, and "
        "so many are under way. Press Stop, and try again in a minute or record first."
    )


def discard() -> None:
    """Let go of the take: its sound, its scores, its verdict."""
    for key in (_SILENT, _LEFT, _REFUSED):
        st.session_state.pop(key, None)
    old = st.session_state.pop(_TAKE, None)
    if old is not None:
        old.discard()


def microphone_changed() -> None:
    """Follow the component: a start opens a take, a stop finishes it."""
    state = st.session_state[MICROPHONE].state
    current = take()
    if state.playing or state.signalling:
        if current is None or current.snapshot().state not in ("live", "paused"):
            begin()
    elif current is not None:
        current.finish()
        st.session_state[_SILENT] = current.snapshot().frames == 0


def leave() -> None:
    """Finish a take whose microphone went away with the page that held it."""
    st.session_state.pop(_REFUSED, None)
    current = take()
    if current is not None and current.open:
        current.finish()
        st.session_state[_LEFT] = True


def was_left() -> bool:
    """Whether the take ended because its visitor went to another page."""
    return bool(st.session_state.get(_LEFT))


@functools.cache
def _microphone() -> Any:
    script = Path(__file__).with_name("microphone.js").read_text("utf-8")
    return st.components.v2.component("spoofscope_microphone", html="<span></span>", js=script)


def problem() -> str:
    """What keeps the microphone away: a key of `PROBLEMS`, or nothing.

    The browser is asked at once, because the WebRTC component keeps its errors to itself; that
    no sound comes shows only later.
    """
    state = _microphone()(key="live-problem", on_problem_change=lambda: None)
    return state.problem or ("silent" if is_silent() else "")


def is_silent() -> bool:
    """Whether no sound came, so that the other way to record is to be shown."""
    return bool(st.session_state.get(_SILENT))


def give_up_waiting(shot: Snapshot) -> bool:
    """Note that no frame came for too long; True the first time."""
    if shot.frames or shot.waited_s < SILENT_AFTER_S or is_silent():
        return False
    st.session_state[_SILENT] = True
    return True


def bring(current: Take, shot: Snapshot) -> None:
    """Make the take the chosen clip of Detect and Timeline."""
    name = f"Live take {datetime.now():%H.%M.%S}.wav"
    made = session.add(session.Arrival(current.wav, name, "recording"))
    for entry in made:
        clip = session.clip_of(entry)
        if clip is not None:
            notes = (*clip.source.notes, OPUS_NOTE, *losses(shot))
            source = replace(clip.source, notes=notes, codec="opus")  # what it came through
            session.describe(entry, source)
    session.choose(made)


def rtc_configuration() -> dict[str, Any] | None:
    """ICE servers: none on this machine; the component's own search where TURN is set up.

    A hub token counts only as a secret of this app: in a shell it is there for other things.
    """
    pairs = any(all(os.environ.get(name) for name in pair) for pair in _TURN_PAIRS)
    return None if pairs or _secret("HF_TOKEN") else {"iceServers": []}


def _secret(name: str) -> bool:
    try:
        return bool(st.secrets.get(name))
    except FileNotFoundError:  # there is no file of secrets
        return False


# --- its parts -------------------------------------------------------------------------------

OPUS_NOTE = (
    "A live take: before it came here the browser sent the sound through one pass of the Opus "
    "codec."
)


def opus_effect() -> str:
    """What Opus does to the detector's error, from the measured figures."""
    figures = cache.results("embedded")
    if figures is not None:
        codecs = figures[
            (figures["system"] == "embedded")  # the table holds others too, for comparison
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
    many = ", one window a clip" if windows else ""
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


def losses(shot: Snapshot) -> list[str]:
    """Sentences on what is missing from a take."""
    found = []
    if shot.lost:
        found.append(
            f"{shot.lost:,} of {shot.frames + shot.lost:,} frames of sound were lost on the way; "
            "silence stands in for them."
        )
    if shot.skipped:
        found.append(
            f"{shot.skipped:,} windows were not scored, because the machine could not keep up."
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
    return [
        "The two channels differ, and an average could hide a voice: each window was scored on "
        f"the louder one that speaks ({counts}). Open the take in Detect for a verdict on each."
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
    items = "".join(
        '<div role="listitem"><div style="font-size:.75rem;opacity:.75">'
        f'{name}</div><div style="font-weight:600;font-variant-numeric:tabular-nums">'
        f"{value}</div></div>"
        for name, value in pairs
    )
    return (
        '<div role="list" style="display:grid;gap:.7rem 1rem;margin:.4rem 0 .2rem;'
        f'grid-template-columns:repeat(auto-fit,minmax(6.8rem,1fr))">{items}</div>'
    )


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


def spread_words(shot: Snapshot, detection: Detection) -> str:
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


def verdict_card(shot: Snapshot, detection: Detection | None) -> None:
    """The running verdict: grey and "Listening" until there is enough speech."""
    with st.container(border=True, key="live-verdict"):
        if shot.listening or detection is None:
            word = "No verdict" if shot.error or shot.state == "finished" else "Listening"
            st.header(f":gray[:material/hearing: {word}]", anchor=False)
        else:
            style = VERDICTS[detection.verdict]
            st.header(f":{style.colour}[{style.icon} {style.word}]", anchor=False)
        said = html.escape(without_folders(status(shot, detection)))
        st.html(f'<div role="status">{said}</div>')
        if detection is not None and not shot.listening:
            if withheld(detection):
                st.markdown(
                    "For sound like this the detector's score is not a chance, so none is given."
                )
            else:
                st.html(probability_bars(detection))
                words = spread_words(shot, detection)
                st.markdown(words or "An interval follows once two separate windows are scored.")
        for reason in detection.reasons if detection else ():
            st.markdown(f":material/info: {reason.text}")
        if detection is not None and not shot.listening:
            for stretch in detection.stands_out:
                st.markdown(f":material/join_inner: **{outlier.in_words(stretch)}**")
        st.html(facts(shot))
        if detection is not None and not shot.listening:
            st.caption(f":material/shield: {limit(detection)}")


def grey_until_judged(
    shot: Snapshot, detection: Detection | None, band: tuple[float, float]
) -> tuple[float, float]:
    """Log-odds between which windows are grey: all of them while no verdict stands."""
    if shot.listening or detection is None or withheld(detection):
        return (-20.0, 20.0)
    return band


def in_words(shot: Snapshot, stance: Stance, band: tuple[float, float]) -> str:
    """What the timeline shows, for readers who do not see it."""
    kinds = [kind_of(w.llr, stance, band) for w in shot.windows]
    return (
        f"{len(kinds):,} windows so far: {kinds.count('synthetic'):,} towards synthetic, "
        f"{kinds.count('authentic'):,} towards human, {kinds.count('inconclusive'):,} undecided, "
        f"{kinds.count('no speech'):,} with too little speech."
    )
