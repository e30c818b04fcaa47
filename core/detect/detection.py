"""What a detector says about a clip, and its plain-JSON form."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.audio.clip import Source, listed
from core.audio.quality import Quality, Reason
from core.detect.decision import Stance, StanceError

SCHEMA = "spoofscope.detection/3"
"""Name and version of the dictionary that `Detection.to_dict` makes."""

READABLE = ("spoofscope.detection/1", "spoofscope.detection/2", SCHEMA)
"""What `Detection.from_dict` reads; form 1 has no ``stance``, see `Stance.from_saved`, and before
form 3 no verdict was `IN_PART`."""

SEAL = "check"
"""Key of the check sum in that dictionary."""

ORIGIN = "provenance"
"""Key under which JSON that is handed out holds what the clip's file shows of its origin."""

UNDECIDED = ("near_threshold", "wide_interval")
"""Reasons that leave a score its meaning, though it does not decide."""

Verdict = Literal["synthetic", "synthetic in part", "authentic", "inconclusive", "not judged"]

IN_PART: Literal["synthetic in part"] = "synthetic in part"
"""The verdict on a clip that as a whole is not called synthetic, and a stretch of which is."""


@dataclass(frozen=True)
class Window:
    """One analysis window.

    Attributes
    ----------
    start_s, end_s : float
        Position in seconds; ``end_s`` stops at the end of the clip.
    llr : float or None
        Calibrated natural-log likelihood ratio, positive towards synthetic; None where the window
        holds too little speech to be scored.
    p_spoof : float or None
        Posterior probability of synthetic speech under the Detection's stance.
    speech_s : float
        Seconds of speech in the window.
    """

    start_s: float
    end_s: float
    llr: float | None
    p_spoof: float | None
    speech_s: float


@dataclass(frozen=True)
class Trace:
    """Scores of windows shorter than those of the verdict, by which stretches are found.

    Attributes
    ----------
    window_s, hop_s : float
        Window length and hop in seconds.
    llrs : tuple of float or None
        Calibrated as the others are, of the windows that start every hop from the clip's start;
        None where a window was not scored.
    unlike : tuple of float or None
        How unlike the rest of the clip each of these windows is, towards synthetic, as of
        `core.detect.contrast`; empty where the detector does not say so.
    """

    window_s: float
    hop_s: float
    llrs: tuple[float | None, ...]
    unlike: tuple[float | None, ...] = ()

    @property
    def windows(self) -> list[Window]:
        """The same as windows, without chances; their speech was not kept."""
        return [
            Window(i * self.hop_s, i * self.hop_s + self.window_s, llr, None, 0.0)
            for i, llr in enumerate(self.llrs)
        ]


@dataclass(frozen=True)
class Stretch:
    """A stretch of a clip that scores unlike the rest.

    Attributes
    ----------
    start_s, end_s : float
        In seconds of the clip.
    llr, rest_llr : float
        Mean log-likelihood ratio of its windows, and of those in no stretch that stands out.
    score : float
        Their difference in standard errors, or the sum of what goes beyond a shift; positive
        towards synthetic.
    called_synthetic : bool
        Whether the clip is called synthetic in part for it; else there is no verdict on it.
    bandwidth_hz, clipped_share : float or None
        Of its own sound, as in `core.audio.quality.Quality`; None where only whole windows were
        compared, which earn no verdict.
    """

    start_s: float
    end_s: float
    llr: float
    rest_llr: float
    score: float
    called_synthetic: bool = False
    bandwidth_hz: float | None = None
    clipped_share: float | None = None


@dataclass(frozen=True)
class Familiarity:
    """How far a clip lies from the training data.

    Attributes
    ----------
    distance : float
        Distance in the detector's embedding space.
    percentile : float
        Share (0-100) of development clips that lie closer.
    level : str
        ``familiar``, ``edge`` or ``unfamiliar``.
    nearest : tuple of str
        Generator families of the training data that lie nearest; no attribution.
    """

    distance: float
    percentile: float
    level: Literal["familiar", "edge", "unfamiliar"]
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detection:
    """The judgement of one clip by one detector.

    Attributes
    ----------
    detector : str
        Id in the registry, or the directory's name.
    weights_sha256 : str
        Hash of the weights file.
    calibrated : bool
        Whether the scores were calibrated; if not, ``llr`` is the network's own log-odds.
    source : Source
        The clip's origin.
    quality : Quality
        Measurements of the sound.
    windows : tuple of Window
        In order of time.
    window_s, hop_s : float
        Window length and hop in seconds.
    llr : float or None
        The clip's log-likelihood ratio (natural log, positive towards synthetic), None if not
        judged.
    p_spoof : float or None
        Posterior probability of synthetic speech under the stance's prior.
    stance : Stance
        Assumed prior, and costs of the two errors.
    verdict : str
        ``synthetic``, ``synthetic in part``, ``authentic``, ``inconclusive`` or ``not judged``.
    reasons : tuple of Reason
        Why not, or what weakens it.
    familiarity : Familiarity or None
        None where the detector has no such measure or the clip was not judged.
    elapsed_ms : float
        Wall-clock milliseconds of the analysis, decoding excluded.
    stands_out : tuple of Stretch
        Stretches that score unlike the rest, which no score of the whole clip shows.
    trace : Trace or None
        What they follow from; None where it is ``windows``.
    """

    detector: str
    weights_sha256: str
    calibrated: bool
    source: Source
    quality: Quality
    windows: tuple[Window, ...]
    window_s: float
    hop_s: float
    llr: float | None
    p_spoof: float | None
    stance: Stance
    verdict: Verdict
    reasons: tuple[Reason, ...]
    familiarity: Familiarity | None
    elapsed_ms: float
    stands_out: tuple[Stretch, ...] = ()
    trace: Trace | None = None

    @property
    def withheld(self) -> bool:
        """Whether the clip itself, and not only its closeness to the threshold, forbids a
        verdict."""
        return any(r.effect == "inconclusive" and r.code not in UNDECIDED for r in self.reasons)

    @property
    def gives_chance(self) -> bool:
        """Whether ``p_spoof`` is a chance: scored, calibrated, and for sound like that; the mean
        over two kinds of speech is none."""
        meant = self.calibrated and not self.withheld and self.verdict != IN_PART
        return self.p_spoof is not None and meant

    @property
    def whole(self) -> Verdict:
        """The verdict on the clip as a whole, whatever stands out in it."""
        if self.verdict != IN_PART:
            return self.verdict
        near = any(reason.effect == "inconclusive" for reason in self.reasons)
        return "inconclusive" if near else "authentic"

    @property
    def parts(self) -> tuple[Stretch, ...]:
        """The stretches for which the verdict is `IN_PART`; none under another."""
        return tuple(s for s in self.stands_out if s.called_synthetic)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only, with the schema's name and version, and the `seal`."""
        data = {"schema": SCHEMA, **_plain(asdict(self))}
        return {**data, SEAL: seal(data)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Detection:
        """Rebuild a Detection from `to_dict`'s output.

        Raises
        ------
        ValueError
            If the schema is none of `READABLE`, or a field is missing or unknown.
        StanceError
            If the prior or a cost is out of range.
        """
        if not isinstance(data, dict) or data.get("schema") not in READABLE:
            raise ValueError(f"This is not a saved detection of the form {SCHEMA}.")
        fields = {key: value for key, value in data.items() if key not in ("schema", SEAL, ORIGIN)}
        try:
            fields["stance"] = Stance.from_saved(fields)
            fields["source"] = Source.from_dict(fields["source"])
            speech = tuple((float(a), float(b)) for a, b in listed(fields["quality"]["speech"]))
            fields["quality"] = Quality(**{**fields["quality"], "speech": speech})
            fields["windows"] = tuple(Window(**w) for w in listed(fields["windows"]))
            fields["stands_out"] = tuple(Stretch(**s) for s in listed(fields.get("stands_out", ())))
            if fields.get("trace") is not None:
                trace = fields["trace"]
                series = {k: tuple(listed(trace[k])) for k in ("llrs", "unlike") if k in trace}
                fields["trace"] = Trace(**{**trace, "llrs": (), **series})
            fields["reasons"] = tuple(Reason(**r) for r in listed(fields["reasons"]))
            if fields["familiarity"] is not None:
                familiarity = fields["familiarity"]
                nearest = tuple(str(name) for name in listed(familiarity.get("nearest", ())))
                fields["familiarity"] = Familiarity(**{**familiarity, "nearest": nearest})
            return cls(**fields)
        except StanceError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"This saved detection is damaged: {error}.") from error


def seal(data: dict[str, Any]) -> str:
    """Check sum of a detection's dictionary: SHA-256 over all of its fields but this one.

    It shows that a field was changed, by accident or by hand. It is no signature: anyone can
    compute it anew.

    Raises
    ------
    OverflowError, TypeError, ValueError
        If a number has no place in a float, or a value no place in JSON.
    """
    rest = {key: value for key, value in data.items() if key != SEAL}
    # Programs write whole numbers with a point or without one.
    text = json.dumps(_as_floats(rest), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # numpy scalars
        return value.item()
    return value
