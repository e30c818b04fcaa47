"""The tables of figures in the model card and in training/README.md, made from data/results.

A document marks the place of a table by ``<!-- figures: NAME -->`` and ``<!-- end -->``; what
stands between them is replaced, so no figure is ever typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from core.evaluate.kinds import KINDS
from core.files import atomic_write

_MARK = re.compile(r"(<!-- figures: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_PERCENT = (
    *("eer_percent", "share_percent", "balanced_error_percent", "right_half_percent"),
    *("observed_percent", "eer_difference_percent", "wrong_percent"),
    *("named_percent", "found_percent", "in_part_percent", "in_part_right_percent"),
    *("with_span_percent", "span_right_percent"),
    *("span_of_synthetic_percent", "span_of_human_percent"),
)


def refresh(document: str, figures: pd.DataFrame) -> str:
    """The document with all of its tables made anew.

    Parameters
    ----------
    document : str
        Markdown with marks.
    figures : pandas.DataFrame
        Rows of ``data/results/embedded.csv``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a mark names no table.
    """

    def made(found: re.Match[str]) -> str:
        if found[2] not in TABLES:
            raise ValueError(f"There is no table {found[2]!r}. Known are {', '.join(TABLES)}.")
        return f"{found[1]}{TABLES[found[2]](figures)}{found[3]}"

    return _MARK.sub(made, document)


def refresh_files(files: list[Path], results: str | Path) -> list[Path]:
    """Write every document whose tables have changed; these are returned."""
    figures = pd.read_csv(results, keep_default_na=False, na_values=[""])
    changed = []
    for file in files:
        text = file.read_text("utf-8")
        new = refresh(text, figures)
        if new != text:
            atomic_write(file, new)
            changed.append(file)
    return changed


def _value(row: pd.Series) -> str:
    percent = row["metric"] in _PERCENT
    unit, digits = (" %", 1) if percent else ("", 3)
    text = f"{row['value']:.{digits}f}{unit}"
    if pd.notna(row["low"]):
        digits = 1 if percent else 2
        text += f" ({row['low']:.{digits}f} to {row['high']:.{digits}f})"
    return text


def _table(head: str, rows: list[tuple[str, pd.Series]]) -> str:
    if not rows:
        return "Not measured yet.\n"
    lines = [f"| {head} | value (95 % interval) | human / synthetic |", "|---|---|---|"]
    for name, row in rows:
        lines.append(f"| {name} | {_value(row)} | {row['n_bonafide']:,} / {row['n_spoof']:,} |")
    return "\n".join(lines) + "\n"


MAIN = (
    ("EER, pooled", "pooled", "none", "eer_percent"),
    ("EER within a repository, mean", "within", "none", "eer_percent"),
    ("EER, text-to-speech and voice conversion", "material", "synthesis", "eer_percent"),
    ("EER, copy-synthesis", "material", "copy-synthesis", "eer_percent"),
    ("min DCF (ASVspoof 5)", "pooled", "none", "min_dcf"),
    ("Cllr, bits", "pooled", "none", "cllr"),
    ("min Cllr, bits", "pooled", "none", "min_cllr"),
    ("AUC", "pooled", "none", "auc"),
    ("clips that get a verdict", "abstention", "verdict given", "share_percent"),
    ("errors among those", "abstention", "verdict given", "balanced_error_percent"),
    (
        "human clips called synthetic, of those with a verdict",
        "abstention",
        "human clips called synthetic",
        "wrong_percent",
    ),
    (
        "synthetic clips called authentic, of those with a verdict",
        "abstention",
        "synthetic clips called authentic",
        "wrong_percent",
    ),
)


def _main(figures: pd.DataFrame) -> str:
    rows = []
    for name, breakdown, condition, metric in MAIN:
        found = figures[
            (figures["breakdown"] == breakdown)
            & (figures["condition"] == condition)
            & (figures["metric"] == metric)
            & (figures["system"] == "embedded")
        ]
        rows += [(name, row) for _, row in found.iterrows()]
    return _table("figure", rows)


def _by(
    head: str, *breakdowns: str, metric: str = "eer_percent", ordered: bool = False
) -> Callable[[pd.DataFrame], str]:
    def made(figures: pd.DataFrame) -> str:
        found = figures[figures["breakdown"].isin(breakdowns) & (figures["metric"] == metric)]
        if ordered:
            found = found.sort_values("value", kind="stable")
        others = found["system"] != "embedded"  # beside it they come last, and by name
        if others.all():
            others = ~others
        own = [(str(row["condition"]), row) for _, row in found[~others].iterrows()]
        named = [(f"{r['system']}: {r['condition']}", r) for _, r in found[others].iterrows()]
        return _table(head, own + named)

    return made


def _spliced(figures: pd.DataFrame) -> str:
    found = figures[figures["breakdown"] == "spliced"]
    names = {
        "auc": "AUC over the windows of all clips",
        "auc_within_clip": "mean AUC within a clip",
        "right_half_percent": "clips whose synthetic half scores higher",
        "with_span_percent": "clips with a span",
        "span_right_percent": "of these, spans mostly in the synthetic half",
        "span_of_synthetic_percent": "synthetic time inside a span",
        "span_of_human_percent": "human time inside a span",
    }
    return _table("figure", [(names[row["metric"]], row) for _, row in found.iterrows()])


def _compared(figures: pd.DataFrame) -> str:
    found = figures[figures["breakdown"].isin(["shortcut_audit", "other_system"])]
    own = figures[
        (figures["system"] == "embedded")
        & (figures["condition"] == "none, 1 window")  # on which the others were measured
        & (figures["metric"] == "eer_percent")
    ]
    rows = [
        (f"embedded, {words}, 1 window per clip", row)
        for breakdown, words in (("codec", "pooled"), ("codec_within", "within"))
        for _, row in own[own["breakdown"] == breakdown].iterrows()
    ]
    rows += [(f"{row['system']}, {row['condition']}", row) for _, row in found.iterrows()]
    return _table("system", rows)


def _of(benchmark: str, table: Callable[[pd.DataFrame], str]) -> Callable[[pd.DataFrame], str]:
    """A table of the figures of one benchmark."""
    return lambda figures: table(figures[figures["benchmark"] == benchmark])


def _kinds(figures: pd.DataFrame) -> str:
    rows = []
    for kind in KINDS:
        of = (figures["system"] == "embedded") & (figures["metric"] == "eer_percent")
        for column in ("benchmark", "breakdown", "condition"):
            of &= figures[column] == getattr(kind, column)
        rows += [(kind.name, row) for _, row in figures[of].iterrows()]
    return _table("EER by kind of voice", rows)


def _seconds(condition: str) -> float:
    """Length of the part that a condition sets in; 0 without one."""
    part = re.match(r"with ([\d.]+) s of", condition)
    return float(part[1]) if part else 0.0


def _parts(breakdown: str, name: str) -> Callable[[pd.DataFrame], str]:
    def table(figures: pd.DataFrame) -> str:
        of = figures[figures["breakdown"] == breakdown]
        rows = [(str(row["condition"]), row) for _, row in of.iterrows()]
        rows.sort(key=lambda row: ("another human" in row[0], _seconds(row[0])))
        return _table(name, rows)

    return table


_PUBLIC: dict[str, Callable[[pd.DataFrame], str]] = {
    "main": _main,
    "repository": _by("repository", "repository", ordered=True),
    "family": _by("family", "family", ordered=True),
    "language": _by("language", "language"),
    "sex": _by("sex", "sex"),
    "quality": _by("sound quality (DistillMOS)", "quality"),
    "bandwidth": _by("bandwidth", "bandwidth"),
    "codec": _by("codec", "codec"),
    "parts": _parts("stands_out", "recordings in which a part is named"),
    "in_part": _parts("in_part", "recordings called synthetic in part"),
    "in_part_kind": _parts("in_part_kind", "single recordings, and joined clips, called so"),
    "holdout": _by("family", "leave_one_family_out", ordered=True),
    "known": _by("family", "family_in_training", ordered=True),
    "risk": _by("clips judged", "risk_coverage", metric="balanced_error_percent"),
    "measures": _by("clips kept", "abstention_measure", metric="balanced_error_percent"),
    "reliability": _by("chance stated", "reliability", metric="observed_percent"),
    "spliced": _spliced,
    "compared": _compared,
}
_TODAY: dict[str, Callable[[pd.DataFrame], str]] = {
    "today": _main,
    "today_kind": _by("kind of voice", "kind"),
    "today_accused": _by("human speech of", "accused", metric="wrong_percent", ordered=True),
    "today_family": _by("family", "family", ordered=True),
    "today_compared": _compared,
    "today_holdout": _by("family", "leave_one_family_out", ordered=True),
    "today_known": _by("family", "family_in_training", ordered=True),
}
TABLES = {
    "kinds": _kinds,
    **{name: _of("public_samples", table) for name, table in _PUBLIC.items()},
    **{name: _of("today_samples", table) for name, table in _TODAY.items()},
}
"""Name of a table -> function of the figures."""
