"""A Detection in words and HTML: free of Streamlit."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from core.audio.parts import came_through
from core.detect import outlier
from core.detect.calibration import logit
from core.detect.detection import IN_PART, Detection
from core.show.clip.charts import percent
from core.show.markdown import plain
from core.show.theme import LIGHT, VERDICTS, codec_name

DIFFICULTY = ((0.97, "clear"), (0.80, "moderate"), (0.0, "borderline"))
"""Least probability of the likelier side for each hint about a verdict."""

WEAK = 0.65
"""Below this probability of the likelier side a verdict is said to be weak."""

LIMITS = {
    "synthetic": (
        "This is a lead, not proof. Strong noise reduction, repeated compression or an unusual "
        "microphone can leave traces like those of a synthesiser. Check where the clip comes from, "
        "and ask for the original."
    ),
    "synthetic in part": (
        "This is a lead, not proof. Another speaker, room or codec, or an edit, can leave a part "
        "that scores like this. Hear that part, judge it as a clip of its own, and ask for the "
        "original."
    ),
    "authentic": (
        "The detector found no trace that it knows. A synthesiser it never met may leave none, "
        "and human speech can be cut, replayed or put in another context. This does not say who "
        "is speaking."
    ),
    "not judged": "No score was computed, so nothing is said about this clip either way.",
}
"""What a reader must not conclude, for each verdict but ``inconclusive``."""

UNKNOWN = "Treat this clip as unknown: neither side has been shown."

_WIDER = "A wide-band copy, one that never went over a telephone line, may decide it."

ADVICE = {
    "clipping": "A copy that was recorded less loudly may decide it.",
    "low_bandwidth": "A copy with the frequencies that are missing here may decide it.",
    "needs_wide_band": _WIDER,
    "narrow_band": _WIDER,
    "missing": "A copy in which nothing is missing may decide it.",
    "channels_contradict": "Stop, and open the take in Detect: there each channel gets one.",
    "unfamiliar": "A cleaner copy, or another detector, may decide it.",
}
"""Code of a reason -> what may help an inconclusive clip."""

PART_APART = (
    "A part of it scores unlike the rest, and one verdict over both says little. Hear that part, "
    "and judge the parts as clips of their own."
)

MORE = "A longer or cleaner copy of the same recording may decide it."
"""The same where the score alone does not decide."""


def verdict(detection: Detection) -> str:
    """The verdict as a headline, with its seconds where it is on a part."""
    word = VERDICTS[detection.verdict].word
    return f"{word}: {outlier.places(detection.parts)}" if detection.parts else word


def limit(detection: Detection) -> str:
    """What a reader must not conclude from this Detection, and what to do next."""
    if detection.verdict == IN_PART:
        return LIMITS[detection.verdict]
    apart = bool(detection.stands_out) and not withheld(detection)
    if detection.verdict != "inconclusive":
        return LIMITS[detection.verdict] + (f" {PART_APART}" if apart else "")
    if apart:
        return f"{UNKNOWN} {PART_APART}"
    # What forbids a verdict comes before what merely weakens one.
    reasons = sorted(detection.reasons, key=lambda r: r.effect != "inconclusive")
    advice = next((ADVICE[r.code] for r in reasons if r.code in ADVICE), MORE)
    return f"{UNKNOWN} {advice}"


def _likelier(detection: Detection) -> float:
    """Probability of the likelier side, as if the threshold lay in the middle."""
    assert detection.p_spoof is not None
    odds = logit(detection.p_spoof) - detection.stance.threshold
    return 1.0 / (1.0 + math.exp(-abs(odds)))


def difficulty(detection: Detection) -> str:
    """How far the posterior lies from the threshold: clear, moderate, borderline or uncertain."""
    if detection.p_spoof is None:
        return "not scored"
    if detection.verdict == IN_PART:
        return "in part"
    if detection.verdict == "inconclusive":
        return "uncertain"
    return next(word for least, word in DIFFICULTY if _likelier(detection) >= least)


def headline(detection: Detection) -> str:
    """One sentence that says what the verdict means, and how firmly."""
    if detection.verdict == IN_PART:
        return _of_parts(detection)
    weak = detection.p_spoof is not None and _likelier(detection) < WEAK
    if detection.stance.threshold and detection.verdict in ("synthetic", "authentic"):
        side = "machine-made" if detection.verdict == "synthetic" else "human"
        than = "not less" if detection.verdict == "synthetic" else "less"
        what = "chance of being synthetic" if detection.gives_chance else "score"
        return (
            f"With the costs you set, treat it as {side}: its {what} is {than} "
            f"than the {percent(detection.stance.threshold_chance)} from which that costs least."
            f"{_but_for(detection)}"
        )
    firmly = (", but only weakly." if weak else ".") + _but_for(detection)
    return {
        "synthetic": f"The evidence points to machine-made speech{firmly}",
        "authentic": f"The evidence points to a human voice{firmly}",
        "inconclusive": "The evidence does not decide between human and machine-made speech.",
        "not judged": "This clip gives the detector no ground for a verdict.",
    }[detection.verdict]


def _of_parts(detection: Detection) -> str:
    """What the verdict on a part means, beside what the clip as a whole scores like."""
    score = "scores" if len(detection.parts) == 1 else "score"
    where = outlier.places(detection.parts)
    against = detection.whole == "authentic" and (detection.llr or 0.0) > 0
    against = against or any(s.llr <= 0 for s in detection.parts)
    if detection.stance.threshold or against:  # the scores alone do not say so
        side = "human" if detection.whole == "authentic" else "undecided"
        return (
            f"With the prior and the costs you set, treat {where} as machine-made, and the clip as "
            f"a whole as {side}."
        )
    whole = (
        "scores like a human voice"
        if detection.whole == "authentic"
        else "does not decide between human and machine-made speech"
    )
    return f"The clip as a whole {whole}, but {where} {score} like machine-made speech."


def _but_for(detection: Detection) -> str:
    """The stretches for which a verdict over the whole clip does not hold."""
    neutral = detection.stance.threshold - logit(detection.stance.prior)
    other = [s for s in detection.stands_out if (s.llr > neutral) != (s.rest_llr > neutral)]
    if not other or not detection.calibrated:
        return ""
    score = "scores" if len(other) == 1 else "score"
    kind = "synthetic" if other[0].llr > neutral else "human"
    return f" But {outlier.places(other)} {score} more like {kind} speech."


def explanation(detection: Detection) -> str:
    """The number in plain words: what it is a chance of, under which assumption.

    Returns
    -------
    str
        Markdown of one to three sentences; empty where nothing was scored.
    """
    if detection.p_spoof is None or detection.llr is None:
        return ""
    if detection.verdict == IN_PART:
        return (
            f"The detector's {percent(detection.p_spoof)} is an average over the whole clip, over "
            "stretches that score apart: it is **not a chance** for either."
        )
    side, other = ("synthetic", "human") if detection.llr > 0 else ("human", "synthetic")
    times = _times(abs(detection.llr))
    strength = (
        f"What was heard is **{times} times** as likely from {side} as from {other} speech."
        if abs(detection.llr) >= math.log(1.05)
        else "What was heard is about as likely from human as from synthetic speech."
    )
    in_100 = _in_100(detection.p_spoof)
    prior = percent(detection.stance.prior)
    if withheld(detection):
        return (
            f"For sound like this clip's the detector's {percent(detection.p_spoof)} is **not a "
            "chance**: do not read it as so many in a hundred."
        )
    if not detection.calibrated:
        return (
            f"This detector is **not calibrated**: its {percent(detection.p_spoof)} ranks clips, "
            "but it is not a chance. Do not read it as so many in a hundred."
        )
    return (
        f"{strength} Assuming that {prior} of such clips are synthetic before anyone listens, "
        f"{in_100} clips that score like this one would be synthetic. That holds "
        "for speech like the speech it was calibrated on; a new kind of fake can break it."
    )


def _in_100(p: float) -> str:
    """A chance as a frequency, with the words of `percent` at its ends."""
    if p < 0.01:
        return "**fewer than 1 in 100**"
    return "**more than 99 in 100**" if p > 0.99 else f"about **{round(100 * p)} in 100**"


def withheld(detection: Detection) -> bool:
    """Whether the clip itself, and not only its closeness to the threshold, forbids a verdict."""
    return detection.withheld


def chance(detection: Detection) -> str:
    """The chance of synthetic speech in percent; empty where no number is one."""
    return percent(detection.p_spoof) if detection.gives_chance else ""


def why(detection: Detection) -> str:
    """The reasons and the stretches unlike the rest, as sentences in one cell of a table."""
    apart = [outlier.in_words(stretch, detection) for stretch in detection.stands_out]
    return " ".join([*(reason.text for reason in detection.reasons), *apart])


def undecided_band(detection: Detection, band: tuple[float, float]) -> tuple[float, float]:
    """Log-odds between which windows are drawn grey: all of them where the verdict is withheld."""
    return (-20.0, 20.0) if withheld(detection) else band


def _times(log_ratio: float) -> str:
    ratio = math.exp(min(log_ratio, 20.0))
    if ratio < 10:
        return f"{ratio:.1f}"
    digits = 1 - math.floor(math.log10(ratio))  # two significant digits
    return f"{round(ratio, digits):,.0f}"


FAMILIARITY = {
    "familiar": "It sounds like the speech this detector knows.",
    "edge": "It sounds unlike most speech that this detector knows: doubt the score more.",
    "unfamiliar": "It sounds unlike all speech that this detector knows, so there is no verdict.",
}
"""What each level of familiarity means."""


NAMELESS = "unknown"
"""How names of families begin whose generator nobody told: to a reader they say nothing."""


def familiarity_is_said(detection: Detection) -> bool:
    """Whether the likeness to the training data is worth a sentence: not beside a score that means
    nothing for another reason."""
    found = detection.familiarity
    return found is not None and not (withheld(detection) and found.level == "familiar")


def familiarity_in_words(detection: Detection) -> str:
    """How far the clip lies from what the detector knows, and from what (Markdown)."""
    found = detection.familiarity
    assert found is not None
    parts = [
        FAMILIARITY[found.level],
        f"Of 100 clips that it was tuned on, {min(99, math.floor(found.percentile))} are more like "
        "its training data.",
    ]
    named = [plain(name) for name in found.nearest if not name.startswith(NAMELESS)]
    if named:
        nearest = f"are {', '.join(named)}" if len(named) > 1 else f"is {named[0]}"
        parts.append(
            f"Of the generators in its training the nearest {nearest}: a likeness of sound that "
            "human clips have too, and no sign of who or what made this one."
        )
    return " ".join(parts)


def probability_bars(detection: Detection) -> str:
    """Both posteriors as labelled meters (HTML); grey where the verdict is withheld."""
    assert detection.p_spoof is not None
    decided = detection.verdict in ("synthetic", "authentic")
    rows = (
        ("Synthetic", detection.p_spoof, LIGHT.synthetic if decided else LIGHT.neutral),
        ("Human", 1.0 - detection.p_spoof, LIGHT.authentic if decided else LIGHT.neutral),
    )
    bars = "".join(
        '<div style="display:grid;grid-template-columns:5rem 1fr 4.6rem;gap:.6rem;'
        'align-items:center;margin:.35rem 0">'
        f"<span>{name}</span>"
        f'<span role="meter" aria-label="{name}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * p:.0f}" aria-valuetext="{percent(p)}" '
        'style="height:.8rem;border-radius:.4rem;overflow:hidden;display:block;'
        'background:rgba(128,140,155,.22)">'
        f'<span style="display:block;height:100%;width:{100 * p:.2f}%;background:{colour}">'
        "</span></span>"
        '<strong style="text-align:right;font-variant-numeric:tabular-nums">'
        f"{percent(p)}</strong></div>"
        for name, p, colour in rows
    )
    assumed = f"assuming {percent(detection.stance.prior)} of such clips are synthetic"
    label = f"Probability, {assumed}" if detection.gives_chance else "A score, not a chance"
    label += ", of the clip as a whole" if detection.verdict == IN_PART else ""
    return f'<div style="font-size:.8rem;opacity:.75">{label}</div>{bars}'


def duration(seconds: float) -> str:
    """Seconds for people: hundredths in short clips, hours and minutes in long ones."""
    if seconds < 120:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def facts(detection: Detection) -> str:
    """Duration, speech, windows, time taken and the rest as a list (HTML)."""
    source = detection.source
    pairs = [
        ("How clear", difficulty(detection)),
        ("Duration", duration(detection.quality.duration_s)),
        ("Speech", duration(detection.quality.speech_s)),
        ("Windows", f"{len(detection.windows):,}"),
        ("Analysis", f"{detection.elapsed_ms:,.0f} ms"),
    ]
    if detection.llr is not None:
        pairs.append(("Log-likelihood ratio", f"{detection.llr:+.2f}"))
    if detection.familiarity is not None:
        level = detection.familiarity.level
        pairs.append(("To this detector", "unusual" if level == "edge" else level))
    how = "came through " if came_through(source) else ""
    pairs.append(("File", f"{how}{codec_name(source.codec)}, {source.sample_rate / 1000:g} kHz"))
    return fact_list(pairs, "overflow-wrap:anywhere")


def fact_list(pairs: Sequence[tuple[str, str]], style: str) -> str:
    """Names over values, as many side by side as there is room for (HTML)."""
    items = "".join(
        '<div role="listitem"><div style="font-size:.75rem;opacity:.75">'
        f'{html.escape(name)}</div><div style="font-weight:600;{style}">'
        f"{html.escape(value)}</div></div>"
        for name, value in pairs
    )
    return (
        '<div role="list" style="display:grid;gap:.7rem 1rem;margin:.4rem 0 .2rem;'
        f'grid-template-columns:repeat(auto-fit,minmax(6.8rem,1fr))">{items}</div>'
    )
