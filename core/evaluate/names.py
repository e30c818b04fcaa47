"""Names for people of what the result tables call by short keys: the same on every page."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

METRICS: dict[str, tuple[str, str, float | None]] = {
    "eer": ("EER", "%", 100),
    "eer_percent": ("EER", "%", 100),
    "min_dcf": ("min DCF", "", 1),
    "act_dcf": ("actual DCF", "", None),
    "min_dcf_own": ("min DCF, your costs", "", 1),
    "act_dcf_own": ("actual DCF, your costs", "", None),
    "cllr": ("Cllr", "bits", None),
    "min_cllr": ("min Cllr", "bits", 1),
    "auc": ("AUC", "", 1),
    "min_tdcf": ("min t-DCF", "", 1),
    "min_tdcf_2019": ("min t-DCF (2019 form)", "", 1),
    "min_adcf": ("min a-DCF", "", 1),
    "sasv_eer": ("SASV-EER", "%", 100),
    "sv_eer": ("SV-EER", "%", 100),
    "spf_eer": ("SPF-EER", "%", 100),
    "teer": ("concurrent t-EER", "%", 100),
    "min_adcf_tandem": ("min a-DCF, tandem", "", 1),
    "sv_eer_asv": ("SV-EER, verification alone", "%", 100),
    "spf_eer_asv": ("SPF-EER, verification alone", "%", 100),
    "cm_eer": ("EER, countermeasure alone", "%", 100),
    "eer_threshold": ("threshold at the EER", "P(spoof)", 1),
    "eer_difference_percent": ("difference of EERs", "points", 100),
    "share_percent": ("share of clips", "%", 100),
    "wrong_percent": ("wrong verdicts", "%", 100),
    "balanced_error_percent": ("wrong verdicts, both classes alike", "%", 100),
    "observed_percent": ("share that are fakes", "%", 100),
    "auc_within_clip": ("AUC within a clip", "", 1),
    "right_half_percent": ("clips whose synthetic half scores higher", "%", 100),
    "with_span_percent": ("clips with a marked span", "%", 100),
    "span_right_percent": ("clips marked mostly in their synthetic half", "%", 100),
    "span_of_synthetic_percent": ("synthetic time that is marked", "%", 100),
    "span_of_human_percent": ("human time that is marked", "%", 100),
    "named_percent": ("clips of which a stretch is named", "%", 100),
    "found_percent": ("clips whose other part is named", "%", 100),
    "in_part_percent": ("clips called synthetic in part", "%", 100),
    "in_part_right_percent": ("clips called synthetic in part, for the right stretch", "%", 100),
}
"""Metric -> name, unit, and the largest possible value."""

COMPARED = ("eer", "auc", "min_dcf", "act_dcf", "cllr", "min_cllr", "min_tdcf", "min_tdcf_2019")
"""Metrics by which systems are compared."""

OF_SCORES = ("eer", "min_dcf", "act_dcf", "cllr", "auc")
"""Metrics that any score file has, whatever was assumed."""

EER = ("eer", "eer_percent")
"""Keys of the equal error rate in the tables; both hold percent there."""

BENCHMARKS = {"public_samples": "Public samples", "today_samples": "Voices of today"}

SYSTEMS = {
    "embedded": "Embedded detector",
    "embedded-fp32": "Embedded detector, single precision",
    "embedded, light": "Embedded detector, trained briefly",
    "embedded, last leg": "Embedded detector, last leg alone",
    "aasist": "AASIST",
    "aasist-l": "AASIST-L",
    "surface only": "Trees that hear nothing",
}

BREAKDOWNS = {
    "overall": "all trials",
    "pooled": "all clips",
    "within": "within a source, mean",
    "attack-codec": "attack and codec",
    "codec_within": "codec, within a source",
    "material_within": "material, within a source",
    "repository": "source of the clips",
    "material": "kind of material",
    "quality": "predicted quality",
    "family": "family of generators",
    "leave_one_family_out": "family left out of training",
    "family_in_training": "family in training",
    "other_system": "against another system",
    "coverage": "clips judged",
    "abstention": "verdicts given",
    "abstention_measure": "what to abstain by",
    "risk_coverage": "errors by share judged",
    "reliability": "stated chance",
    "shortcut_audit": "shortcuts",
    "spliced": "spliced clips",
    "stands_out": "stretch that stands out",
    "in_part": "verdict synthetic in part",
    "kind": "kind of voice",
    "accused": "humans called synthetic",
}

CONDITIONS = {
    "all": "all",
    "none": "no codec",
    "8k": "8 kHz",
    "alaw": "G.711 A-law",
    "ulaw": "G.711 mu-law",
    "g711-alaw": "G.711 A-law",
    "g711-mulaw": "G.711 mu-law",
    "g722": "G.722",
    "gsm": "GSM",
    "pstn": "telephone network",
    "amr-nb": "AMR narrow-band",
    "opus": "Opus",
    "aac": "AAC",
    "mp3": "MP3",
    "1 window": "one window per clip",
    "ita_tx": "sent to Italy",
    "loc_tx": "sent within a site",
    "mad_tx": "sent to Madrid",
    "sin_tx": "sent to Singapore",
    "noise-20db": "noise 20 dB below",
    "level-20db": "20 dB softer",
    "speed-1.05": "5 % faster",
    "cut-1s": "cut to a second",
}

COLUMNS = {
    "n_bonafide": "bona fide",
    "n_spoof": "spoofed",
    "p_value": "p",
    "p_holm": "p, adjusted",
    "p_fa": "missed fakes",
    "p_miss": "false accusations",
    "trained_on": "trained on",
}


def metric_name(metric: str, unit: bool = True) -> str:
    """A metric's name, with its unit unless that is not wanted."""
    name, of, _ = METRICS.get(metric, (spelt(metric), "", None))
    return f"{name} ({of})" if unit and of else name


def bare(metric: str) -> str:
    """A metric's name without its unit."""
    return metric_name(metric, unit=False)


def condition_name(condition: str) -> str:
    """A condition such as ``opus-16, 1 window`` or ``A07/alaw`` in words."""
    return ", ".join(
        " through ".join(_one(half) for half in part.split("/")) if _is_cell(part) else _one(part)
        for part in condition.split(", ")
    )


def system_name(system: str) -> str:
    """A system's name; that of a difference names both."""
    return " minus ".join(SYSTEMS.get(one, one) for one in system.split(" minus "))


def benchmark_name(benchmark: str) -> str:
    """A benchmark's name."""
    return BENCHMARKS.get(benchmark, spelt(benchmark))


def breakdown_name(breakdown: str) -> str:
    """By what a figure is broken down."""
    kind, *rest = breakdown.split(", ")
    return ", ".join([BREAKDOWNS.get(kind, spelt(kind)), *map(_one, rest)])


def spelt(key: str) -> str:
    """A key that no table here knows, without its underscores."""
    return key.replace("_", " ")


_NAMED = {
    "metric": metric_name,
    "condition": condition_name,
    "breakdown": breakdown_name,
    "system": system_name,
    "benchmark": benchmark_name,
}


def readable(frame: pd.DataFrame, columns: Collection[str] = tuple(_NAMED)) -> pd.DataFrame:
    """A table with names for keys in its heads and in the cells of these columns.

    What a visitor's own file calls its conditions is left as it is by leaving the column out.
    """
    shown = frame.copy()
    for column in columns:
        if column in shown:
            shown[column] = shown[column].map(_NAMED[column])
    return shown.rename(columns=lambda c: COLUMNS.get(c, spelt(str(c))))


def _is_cell(part: str) -> bool:
    """Whether a condition is an attack through a codec, and not a repository."""
    return bool(re.fullmatch(r"[AX]\d+/[a-z0-9-]+", part))


def _one(part: str) -> str:
    if part in CONDITIONS:
        return CONDITIONS[part]
    kind, _, rate = part.rpartition("-")
    if kind in CONDITIONS and re.fullmatch(r"[\d.]+", rate):
        return f"{CONDITIONS[kind]} at {rate} kbit/s"
    return spelt(part)
