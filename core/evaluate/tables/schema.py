"""What the columns of the tables in data/results mean."""

from __future__ import annotations

from core.evaluate.tables.column import Column, Table
from core.evaluate.tables.figures import FIGURES, KINDS

REPORTED_KINDS = ("published", "reported by others")
"""Of figures that are taken over: from the system's authors, or from somebody else who ran it."""


FRONT_ENDS = (
    "raw waveform",
    "cepstral features",
    "wav2vec 2.0, English",
    "wav2vec 2.0, multilingual",
    "HuBERT",
    "WavLM",
    "other self-supervised",
    "audio language model",
)
"""What a detector hears through, roughly."""


_TEXT = Column()


_OPTIONAL = Column(required=False)


_SHARE = Column("number", low=0, high=1)


ARENA = Table(
    {
        **FIGURES.columns,
        "breakdown": Column(choices=("overall",)),
        "condition": Column(choices=("all",)),
        "metric": Column(choices=("eer",)),
        "kind": Column(choices=REPORTED_KINDS),
        "reported_by": _TEXT,
        "crop": _OPTIONAL,
        "pooling": _OPTIONAL,
        "n_trials": Column("count", required=False),
    },
    (*FIGURES.key, "reported_by"),
)
"""Figures of many systems on many corpora, as others print them.

One row per figure and reporter, since reporters contradict each other. ``crop`` is what was used of
a clip, ``pooling`` how its parts became one score, ``n_trials`` both classes together.
"""


_HELD = {
    "percent": Column("number", low=0, high=100),
    "truth_below_percent": Column("number", required=False, low=0, high=100),
    "truth_above_percent": Column("number", required=False, low=0, high=100),
    "runs": Column("count"),
    "kind": Column(choices=("measured",)),
    "source": _TEXT,
}
"""How often something holds."""

TABLES: dict[str, Table] = {
    "published_eer": FIGURES,
    "measured": FIGURES,
    "embedded": FIGURES,
    "arena": ARENA,
    "arena_systems": Table(
        {
            "system": _TEXT,
            "family": Column(required=False, choices=FRONT_ENDS),
            "front_end": _OPTIONAL,
            "parameters": Column("count", required=False),
            "trained_on": _OPTIONAL,
            "licence": _OPTIONAL,
            "year": Column("count", required=False),
            "link": _OPTIONAL,
            "weights": Column(required=False, choices=("public", "not public")),
            "source": _TEXT,
        },
        ("system",),
    ),
    # What is made from a corpus in training is not new to a system.
    "arena_corpora": Table(
        {"benchmark": _TEXT, "made_from": _TEXT, "source": _TEXT}, ("benchmark", "made_from")
    ),
    "corrections": Table(
        {
            "id": _TEXT,
            "topic": _TEXT,
            "claim": _TEXT,
            "right": _TEXT,
            "evidence": _TEXT,
            "system": _OPTIONAL,
            "benchmark": _OPTIONAL,
            "claimed": Column("number", required=False),
            "value": Column("number", required=False),
            "kind": Column(choices=("corrected",)),
            "source": _TEXT,
        },
        ("id",),
    ),
    "systems": Table(
        {
            "system": _TEXT,
            "family": _TEXT,
            "parameters": Column("count", required=False),
            "trained_on": _TEXT,
            "paper": _TEXT,
            "link": _TEXT,
            "licence": _TEXT,
            "weights": _OPTIONAL,
            "scores": _OPTIONAL,
            "source": _TEXT,
        },
        ("system",),
    ),
    "benchmarks": Table(
        {
            "benchmark": _TEXT,
            "contents": _TEXT,
            "n_bonafide": Column("count"),
            "n_spoof": Column("count"),
            "novelty": _TEXT,
            "step": Column("count", required=False),
            "licence": _TEXT,
            "link": _TEXT,
            "source": _TEXT,
        },
        ("benchmark",),
    ),
    "attacks": Table(
        {
            "attack": _TEXT,
            "partition": Column(choices=("train and dev", "eval")),
            "type": Column(choices=("TTS", "VC", "TTS+VC")),
            "acoustic_model": _TEXT,
            "waveform": _TEXT,
            "same_as": _OPTIONAL,
            "seen": Column(choices=("seen", "same algorithm as a seen one", "unseen")),
            "in_words": _TEXT,
            "source": _TEXT,
        },
        ("attack",),
    ),
    "codecs": Table(
        {
            "codec": _TEXT,
            "name": _TEXT,
            "condition": _TEXT,
            "bandwidth_khz": Column("number", low=4, high=24),
            "sample_rate_khz": Column("number", low=8, high=48),
            "bit_rate_kbps": Column("number", required=False, low=1, high=1000),
            "transport": _TEXT,
            "n_trials": Column("count"),
            "source": _TEXT,
        },
        ("codec",),
    ),
    "vocoders": Table(
        {
            "vocoder": _TEXT,
            "name": _TEXT,
            "corpus": _TEXT,
            "language": _TEXT,
            "kind_of_model": _TEXT,
            "caveat": _OPTIONAL,
            "source": _TEXT,
        },
        ("vocoder",),
    ),
    "training_history": Table(
        {
            "system": _TEXT,
            "stage": Column("count"),
            "epoch": Column("count"),
            "train_loss": Column("number", low=0),
            "dev_eer": Column("number", low=0, high=100),
            "dev_auc": _SHARE,
            "dev_accuracy": Column("number", low=0, high=100),
            "kind": Column(choices=KINDS),
            "source": _TEXT,
        },
        ("system", "stage", "epoch"),
    ),
    "embedded_training": Table(
        {
            "leg": Column("count"),
            "recipe": _TEXT,
            "step": Column("count"),
            "thousand_pairs": Column("number", low=0),
            "pooled_eer": Column("number", low=0, high=100),
            "within_eer": Column("number", low=0, high=100),
            "dev": _TEXT,
            "kind": Column(choices=KINDS),
            "source": _TEXT,
        },
        ("leg", "step"),
    ),
    "training_recipe": Table(
        {"system": _TEXT, "setting": _TEXT, "stage_1": _TEXT, "stage_2": _TEXT, "source": _TEXT},
        ("system", "setting"),
    ),
    "citations": Table(
        {
            "key": _TEXT,
            "topic": _TEXT,
            "authors": _TEXT,
            "title": _TEXT,
            "venue": _TEXT,
            "year": Column("count"),
            "link": _TEXT,
            "used_for": _TEXT,
        },
        ("key",),
    ),
    "provenance": Table(
        {
            "sign": _TEXT,
            "n_bonafide": Column("count"),
            "n_spoof": Column("count"),
            "seen_bonafide": Column("count"),
            "seen_spoof": Column("count"),
            "share_bonafide": _SHARE,
            "low_bonafide": _SHARE,
            "high_bonafide": _SHARE,
            "share_spoof": _SHARE,
            "low_spoof": _SHARE,
            "high_spoof": _SHARE,
            "sources_bonafide": Column("count"),
            "sources_spoof": Column("count"),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
        },
        ("sign",),
    ),
    "watermark": Table(
        {
            "clips": Column(choices=("Resemble", "marked here", "human", "other synthetic")),
            "condition": _TEXT,
            "n": Column("count"),
            "found": Column("count"),
            "share": _SHARE,
            "low": _SHARE,
            "high": _SHARE,
            "sources": Column("count"),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
        },
        ("clips", "condition"),
    ),
    "det": Table(
        {
            "system": _TEXT,
            "benchmark": _TEXT,
            "curve": Column(choices=("band", "hull")),
            "p_fa": _SHARE,
            "p_miss": _SHARE,
            "low": Column("number", required=False, low=0, high=1),
            "high": Column("number", required=False, low=0, high=1),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
        },
        ("system", "benchmark", "curve", "p_fa", "p_miss"),
    ),
    "network_parity": Table(
        {
            "network": _TEXT,
            "naming": _TEXT,
            "encoder": _TEXT,
            "parameters": Column("count"),
            "waves": Column("count"),
            "largest_difference": Column("number", low=0),
            "largest_logit": Column("number", low=0),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
            "note": _OPTIONAL,
        },
        ("network", "naming", "encoder"),
    ),
    "encoder_speed": Table(
        {
            "encoder": _TEXT,
            "head": _TEXT,
            "parameters": Column("count"),
            "window_s": Column("number", low=0),
            "cores": Column("count"),
            "plain_s": Column("number", low=0),
            "int8_s": Column("number", low=0),
            "ratio": Column("number", low=0),
            "largest_difference": _SHARE,
            "peak_mb": Column("count"),
            "file_mb": Column("count"),
            "weights": Column(choices=("random", "published")),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
            "note": _OPTIONAL,
        },
        ("encoder", "head"),
    ),
    "calibration_counts": Table(
        {
            "eer_percent": Column("number", low=0, high=100),
            "clips": Column("count"),
            "true_bits": Column("number", low=0),
            "excess_bits": Column("number"),
            "excess_bits_95": Column("number"),
            "runs": Column("count"),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
        },
        ("eer_percent", "clips"),
    ),
    "paired": Table(
        {
            "first": _TEXT,
            "second": _TEXT,
            "benchmark": _TEXT,
            "breakdown": _TEXT,
            "condition": _TEXT,
            "metric": _TEXT,
            "difference": Column("number", low=-100, high=100),
            "low": Column("number", low=-100, high=100),
            "high": Column("number", low=-100, high=100),
            "p_value": _SHARE,
            "p_holm": _SHARE,
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
        },
        ("first", "second", "benchmark", "breakdown", "condition", "metric"),
    ),
    "coverage": Table(
        {
            **dict.fromkeys(("what", "metric"), _TEXT),
            "eer_percent": Column("number", low=0, high=100),
            **dict.fromkeys(("speakers", "n_bonafide", "n_spoof"), Column("count")),
            "dependence": _TEXT,
            **_HELD,
            "percent": Column("number", required=False, low=0, high=100),
            "width": Column("number", required=False, low=0),
        },
        ("what", "metric", *("eer_percent", "speakers", "n_bonafide", "n_spoof", "dependence")),
    ),
    "coverage_kinds": Table(
        {"what": _TEXT, "metric": _TEXT, "units": Column("count"), "trials": _TEXT, **_HELD},
        ("what", "metric", "units", "trials"),
    ),
    "serving": Table(
        {
            "clip_s": Column("number"),
            "clips": Column("count"),
            "processor_s": Column("number"),
            "clips_a_minute": Column("count"),
            "load": Column("number"),
            "kind": Column(choices=("measured",)),
            "source": _TEXT,
        },
        ("clip_s",),
    ),
    "several": Table(
        {
            "what": _TEXT,
            "metric": _TEXT,
            **dict.fromkeys(("speakers", "n_bonafide", "n_spoof"), Column("count")),
            **{name: column for name, column in _HELD.items() if "truth" not in name},
        },
        ("what", "metric", "speakers", "n_bonafide", "n_spoof"),
    ),
}
"""File name without suffix -> what it holds."""
