"""The tables in data/results: what their columns mean, loading and checking them.

Every figure that a page shows comes from one of these files. `load` makes the cheap checks each
time; `strict_schema` builds the full schema for the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.evaluate.names import METRICS, benchmark_name, condition_name, system_name
from core.files import ROOT

if TYPE_CHECKING:
    import pandas as pd

RESULTS = ROOT / "data" / "results"

KINDS = ("published", "corrected", "measured")

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


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Attributes
    ----------
    type : {"text", "number", "count"}
        Counts are whole and not negative.
    required : bool
        Whether every row has a value.
    low, high : float or None
        Range of numbers.
    choices : tuple of str
        The only values allowed, if any are given.
    """

    type: Literal["text", "number", "count"] = "text"
    required: bool = True
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Columns of a table and the ones that tell its rows apart."""

    columns: dict[str, Column]
    key: tuple[str, ...]


_TEXT = Column()
_OPTIONAL = Column(required=False)
_SHARE = Column("number", low=0, high=1)

FIGURES = Table(
    {
        "system": _TEXT,
        "benchmark": _TEXT,
        "subset": _OPTIONAL,
        "breakdown": _TEXT,
        "condition": _TEXT,
        "metric": _TEXT,
        "value": Column("number"),
        "low": Column("number", required=False),
        "high": Column("number", required=False),
        "n_bonafide": Column("count", required=False),
        "n_spoof": Column("count", required=False),
        "kind": Column(choices=KINDS),
        "source": _TEXT,
        "note": _OPTIONAL,
    },
    ("system", "benchmark", "subset", "breakdown", "condition", "metric"),
)
"""One row a figure. EERs are in percent; ``condition`` of ``attack-codec`` is ``A07/alaw``."""

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

One row a figure and reporter, since reporters contradict each other. ``crop`` is what was heard of
a clip, ``pooling`` how its parts became one score, ``n_trials`` both classes together.
"""

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
}
"""File name without suffix -> what it holds."""


class TableError(ValueError):
    """A result table that breaks its schema; the message names the file, row and column."""


def load(name: str, folder: Path = RESULTS) -> pd.DataFrame:
    """Read and check ``<folder>/<name>.csv``.

    Text columns hold "" where a value is missing, number columns NaN.

    Raises
    ------
    TableError
        If the file is missing or breaks its schema.
    """
    import pandas as pd

    table = TABLES[name]
    path = folder / f"{name}.csv"
    texts = {c: str for c, column in table.columns.items() if column.type == "text"}
    try:
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=_empty(table))
    except FileNotFoundError:
        raise TableError(f"The table data/results/{name}.csv is missing.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TableError(f"The table data/results/{name}.csv cannot be read: {error}.") from error
    check(frame, name)
    return frame


def load_figures(folder: Path = RESULTS) -> pd.DataFrame:
    """Every table of figures in one, in the order published, measured, embedded.

    The embedded detector's table is left out where it does not exist yet.

    Raises
    ------
    TableError
        As in `load`.
    """
    import pandas as pd

    names = [name for name, table in TABLES.items() if table is FIGURES]
    frames = [load(n, folder) for n in names if n != "embedded" or (folder / f"{n}.csv").exists()]
    figures = pd.concat(frames, ignore_index=True)
    # The benchmark of the embedded detector has its own words for the same things.
    figures["metric"] = figures["metric"].replace("eer_percent", "eer")
    pooled = figures["breakdown"] == "pooled"
    figures.loc[pooled, ["breakdown", "condition"]] = ["overall", "all"]
    return figures


def described(figures: pd.DataFrame, folder: Path = RESULTS) -> pd.DataFrame:
    """Figures under the names that pages use, with columns for what their condition stands for.

    Added, and "" where they do not apply, are ``attack``, ``codec``, ``vocoder``, ``training``
    (whether the attack's algorithm was in the training set of ASVspoof 2019) and ``bandwidth`` (of
    the codec's audio).

    Raises
    ------
    TableError
        As in `load`.
    """
    seen = load("attacks", folder).set_index("attack")["seen"]
    rate = load("codecs", folder).set_index("codec")["sample_rate_khz"]
    out = figures.copy()
    parts = out["condition"].str.partition("/")
    grid = out["breakdown"] == "attack-codec"
    of = {name: out["breakdown"] == name for name in ("attack", "codec", "vocoder")}
    out["attack"] = parts[0].where(of["attack"] | grid, "")
    out["codec"] = parts[2].where(grid, out["condition"].where(of["codec"], ""))
    out["vocoder"] = out["condition"].where(of["vocoder"], "")
    out["training"] = out["attack"].map(seen).fillna("")
    out["bandwidth"] = out["codec"].map(rate.map("{:g} kHz audio".format)).fillna("")
    out["system"] = out["system"].map(system_name)
    out["benchmark"] = out["benchmark"].map(benchmark_name)
    # The codes of ASVspoof stay: they are names of the field, and parts of addresses.
    named = of["codec"] & ~out["codec"].isin(rate.index)
    for column in ("condition", "codec"):
        out.loc[named, column] = out.loc[named, column].map(condition_name)
    return out


def check(frame: pd.DataFrame, name: str) -> None:
    """Cheap checks of a table against its schema.

    Raises
    ------
    TableError
        At the first column that breaks it.
    """
    table = TABLES[name]

    def fail(column: str, bad: Any, what: str) -> None:
        if bad.any():
            row = int(bad.to_numpy().argmax()) + 2
            raise TableError(f"data/results/{name}.csv, line {row}: {column} {what}.")

    missing = [c for c in table.columns if c not in frame]
    if missing:
        raise TableError(f"data/results/{name}.csv lacks the columns {', '.join(missing)}.")
    for label, column in table.columns.items():
        values = frame[label]
        text = column.type == "text"
        if not text and values.dtype.kind not in "iuf":
            raise TableError(f"data/results/{name}.csv: {label} holds something that is no number.")
        absent = (values == "") if text else values.isna()
        if column.required:
            fail(label, absent, "is empty")
        if column.choices:
            fail(label, ~(values.isin(column.choices) | absent), "is not one of its values")
        if column.type == "count":
            fail(label, ~absent & ((values < 0) | (values % 1 != 0)), "is not a count")
        if column.low is not None:
            fail(label, values < column.low, f"is below {column.low:g}")
        if column.high is not None:
            fail(label, values > column.high, f"is above {column.high:g}")
    fail(" and ".join(table.key), frame.duplicated(list(table.key)), "repeat an earlier row")
    if table is FIGURES or table is ARENA:
        top = frame["metric"].map({m: high for m, (_, _, high) in METRICS.items()})
        over = frame["value"] > top + 1e-6  # a rate of 1 may come out a rounding error higher
        fail("value", (frame["value"] < 0) | over, "is out of its metric's range")
        fail("low", frame["low"] > frame["high"], "lies above high")


def strict_schema(name: str) -> Any:
    """The table as a `pandera.DataFrameSchema`: types, ranges, keys, no other column."""
    import pandera.pandas as pa

    table = TABLES[name]
    columns = {}
    for label, column in table.columns.items():
        checks = []
        if column.choices:
            checks.append(pa.Check.isin(column.choices + ("",) * (not column.required)))
        if column.type == "text" and column.required:
            checks.append(pa.Check.str_length(min_value=1))
        if column.type == "count":
            checks.append(pa.Check(lambda s: (s >= 0) & (s % 1 == 0)))
        if column.low is not None:
            checks.append(pa.Check.ge(column.low))
        if column.high is not None:
            checks.append(pa.Check.le(column.high))
        kind = str if column.type == "text" else float
        columns[label] = pa.Column(
            kind, checks, nullable=not column.required, coerce=kind is float, required=True
        )
    return pa.DataFrameSchema(columns, strict=True, unique=list(table.key))


def _empty(table: Table) -> dict[str, list[str]]:
    """In number columns alone an empty cell is a missing value; "none" is a codec's name."""
    return {c: [""] for c, column in table.columns.items() if column.type in ("number", "count")}
