"""Run a detector over a benchmark: every clip a trial, then the figures with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.evaluate import influence
from core.evaluate.influence import Metric
from core.evaluate.intervals import intervals, of_mean
from core.evaluate.metrics import Costs, Tally
from core.files import ROOT, whole
from training.kinds import accused, kind_groups, kinds_of

if TYPE_CHECKING:
    from core.detect.detector import Detector

COLUMNS = (
    "system", "benchmark", "subset", "breakdown", "condition", "metric", "value", "low", "high",
    "n_bonafide", "n_spoof", "kind", "source", "note",
)  # fmt: skip
"""Columns of a table of results."""

TRIAL_COLUMNS = (
    "trial", "label", "score", "raw", "windows", "source", "family", "system", "material",
    "speaker", "pair", "codec", "verdict", "familiarity", "bandwidth_hz", "duration_s",
    "speech_s", "level_dbfs", "zero_share", "lead_s", "tail_s", "mos", "spread",
)  # fmt: skip
"""Columns of a table of trials; ``score`` is the LLR, higher = spoof, empty if not judged;
``spread`` the standard deviation of the windows' raw scores."""


def score_trials(
    detector: Detector,
    index: pd.DataFrame,
    split: str = "test",
    codec: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    embeddings: list[np.ndarray] | None = None,
    prepare: Callable[[np.ndarray], np.ndarray] | None = None,
    windows: int | None = None,
) -> pd.DataFrame:
    """Judge every clip of a split, exactly as `Detector.detect` does.

    Parameters
    ----------
    detector : Detector
        The system.
    index : pandas.DataFrame
        From `training.clips.read_index`.
    split : str
        Which rows.
    codec : str, optional
        Send every clip through this codec first (see `core.audio.codecs`).
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    embeddings : list, optional
        Collects the mean embedding ``[d]`` of every clip (zeros where it was not judged).
    prepare : callable, optional
        Changes the samples ``[n]`` of every clip before it is judged.
    windows : int, optional
        Score at most this many windows of a clip, from its middle outwards, to save time.

    Returns
    -------
    pandas.DataFrame
        `TRIAL_COLUMNS`, one row per clip, in the order of the index.
    """
    from core.audio.clip import Clip
    from core.audio.codecs import encode_decode
    from core.audio.decoding import decode

    rows = index[index["split"] == split]
    out = []
    for done, row in enumerate(rows.to_dict("records"), 1):
        clip = decode(row["file"])
        samples = clip.samples if prepare is None else prepare(clip.samples)
        # The detector is told of the codec, as a file that arrives in it would tell.
        source = replace(clip.source, codec=codec) if codec else clip.source
        clip = Clip(encode_decode(samples, codec) if codec else samples, source)
        evidence = detector.listen(clip, most=windows)
        detection = detector.judge(clip, evidence)
        quality = evidence.quality
        trial: dict[str, Any] = {
            "trial": row["clip"],
            "label": row["label"],
            "codec": codec or "none",
            "bandwidth_hz": quality.bandwidth_hz,
            "duration_s": quality.duration_s,
            "speech_s": quality.speech_s,
            "level_dbfs": quality.level_dbfs,
            "zero_share": quality.zero_share,
            "lead_s": quality.speech[0][0] if quality.speech else np.nan,
            "tail_s": quality.duration_s - quality.speech[-1][1] if quality.speech else np.nan,
            "mos": row.get("mos", np.nan),
            "verdict": detection.verdict,
            **{k: row[k] for k in ("source", "family", "system", "material", "speaker", "pair")},
        }
        mean = np.zeros(0, np.float32)
        if evidence.scored:
            mean = evidence.embeddings.mean(axis=0)
            trial |= {"raw": float(evidence.raw.mean()), "score": detection.llr}
            trial["windows"] = len(evidence.scored)
            trial["spread"] = float(evidence.raw.std())
        if detection.familiarity is not None:
            trial["familiarity"] = detection.familiarity.distance
        out.append(trial)
        if embeddings is not None:
            embeddings.append(mean)
        if progress is not None:
            progress(done, len(rows), str(row["clip"]))
    if embeddings is not None:
        size = max((len(e) for e in embeddings), default=0)
        embeddings[:] = [e if len(e) else np.zeros(size, np.float32) for e in embeddings]
    return pd.DataFrame(out, columns=list(TRIAL_COLUMNS))


def figures(
    trials: pd.DataFrame,
    system: str,
    benchmark: str,
    subset: str,
    source: str,
    condition: str = "none",
) -> pd.DataFrame:
    """The figures of one system on one set of trials.

    Pooled EER, minimum DCF, Cllr and its minimum; the mean over repositories of the EER within a
    repository; EER by material, repository and family (each family against the human clips of
    the repositories it occurs in). Clips that were not judged are left out and counted.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `score_trials`.
    system, benchmark, subset, source : str
        Who, on what, which part, and the command that makes the figures again.
    condition : str
        The codec, or another change made to all clips.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; EERs in percent.
    """
    judged = trials[trials["score"].notna()]
    rows: list[dict[str, Any]] = []

    def add(breakdown: str, where: str, metric: str, part: pd.DataFrame, found: Any) -> None:
        n = part["label"].value_counts()
        value, low, high = found
        rows.append(
            {
                "system": system,
                "benchmark": benchmark,
                "subset": subset,
                "breakdown": breakdown,
                "condition": where,
                "metric": metric,
                "value": value,
                "low": low,
                "high": high,
                "n_bonafide": int(n.get("bonafide", 0)),
                "n_spoof": int(n.get("spoof", 0)),
                "kind": "measured",
                "source": source,
                "note": "",
            }
        )

    def eer(breakdown: str, where: str, part: pd.DataFrame) -> None:
        if part["label"].nunique() == 2:
            found = _intervals(part, {"eer": influence.percent_eer})["eer"]
            add(breakdown, where, "eer_percent", part, found)

    overall = _intervals(
        judged,
        {
            "eer_percent": influence.percent_eer,
            "min_dcf": influence.min_dcf(Costs()),
            "act_dcf": influence.act_dcf(Costs()),
            "cllr": influence.cllr(),
            "min_cllr": influence.min_cllr,
            "auc": influence.auc,
        },
    )
    for metric, found in overall.items():
        add("pooled" if condition == "none" else "codec", condition, metric, judged, found)
    add(
        "within" if condition == "none" else "codec_within",
        condition,
        "eer_percent",
        judged,
        within_source(judged),
    )
    if condition.split(", ")[0] == "none":  # as they are, by all windows or by one
        by_family = ", ".join(["family", *condition.split(", ")[1:]])
        human = judged["label"] == "bonafide"
        for family, part in judged[~human].groupby("family"):
            near = judged["source"].isin(set(part["source"]))
            eer(by_family, str(family), judged[(human & near) | judged.index.isin(part.index)])
    if condition == "none":
        for repository, part in judged.groupby("source"):
            eer("repository", str(repository), part)
        for material in ("synthesis", "copy-synthesis"):
            of = judged[judged["material"] == material]
            eer("material", material, judged[human | (judged["material"] == material)])
            near = judged["source"].isin(set(of["source"]))
            eer(
                "material_within",
                material,
                judged[(human & near) | (judged["material"] == material)],
            )
        for name, low, high in (("below 4.3 kHz", 0.0, 4300.0), ("4.3 to 7 kHz", 4300.0, 7000.0),
                                ("above 7 kHz", 7000.0, 9000.0)):  # fmt: skip
            part = judged[judged["bandwidth_hz"].between(low, high, inclusive="left")]
            eer("bandwidth", name, part)
        for name, low, high in QUALITY:
            eer("quality", name, judged[judged["mos"].between(low, high, inclusive="left")])
        groups = speaker_groups(benchmark)
        for column in ("language", "sex"):
            known = judged["speaker"].map(groups.get(column, {}))
            for name in sorted(set(known.dropna())):
                eer(column, str(name), judged[known == name])
        names = (system, benchmark, subset, source)
        kinds = kinds_of(benchmark)
        if kinds is not None:
            for name, part in kind_groups(judged, kinds).items():
                eer("kind", name, part)
            for name, part, share in accused(trials, kinds):
                told = {"breakdown": "accused", "condition": name, "metric": "wrong_percent"}
                rows.append(_row(names, part, {**told, "value": share}))
        rows.append(_share(trials, add_to=names))
        rows += _abstention(trials, names)
        rows += _reliability(judged, names)
        rows += _risk(trials, names)
        rows += _abstention_measures(judged, names)
    return pd.DataFrame(rows, columns=list(COLUMNS))


QUALITY = (
    ("predicted MOS below 2.5", 0.0, 2.5),
    ("predicted MOS 2.5 to 3.5", 2.5, 3.5),
    ("predicted MOS 3.5 to 4.2", 3.5, 4.2),
    ("predicted MOS from 4.2", 4.2, 9.0),
)
"""Bins of sound quality as DistillMOS predicts it, where the corpus was rated."""


def speaker_groups(benchmark: str) -> dict[str, dict[str, str]]:
    """Language and sex of the speakers of a benchmark, as far as they are known.

    Parameters
    ----------
    benchmark : str
        ``data/benchmarks/<benchmark>_speakers.csv`` tells.

    Returns
    -------
    dict
        ``language`` and ``sex``, each speaker -> group; empty if there is no such file.
    """
    file = ROOT / "data" / "benchmarks" / f"{benchmark}_speakers.csv"
    if not file.is_file():
        return {}
    table = pd.read_csv(file, dtype=str, keep_default_na=False).set_index("speaker")
    return {c: table.loc[table[c] != "", c].to_dict() for c in ("language", "sex")}


def against(
    trials: pd.DataFrame,
    other: pd.DataFrame,
    names: tuple[str, str],
    benchmark: str,
    subset: str,
    source: str,
) -> pd.DataFrame:
    """Two detectors on the trials that both have judged.

    Parameters
    ----------
    trials, other : pandas.DataFrame
        From `score_trials`, of the same clips.
    names : (str, str)
        Of the two detectors.
    benchmark, subset, source : str
        As in `figures`.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: the other's EER on these trials, pooled and within a repository, and the paired
        difference in pooled EER, other minus this one, in percent with its 95 % interval.

    Raises
    ------
    ValueError
        If no trial was judged by both.
    """
    from core.evaluate.intervals import paired

    first = trials[trials["score"].notna()].set_index("trial")
    second = other[other["score"].notna()].set_index("trial")
    common = first.index.intersection(second.index)
    if common.empty:
        raise ValueError("No clip was judged by both detectors.")
    first, second = first.loc[common], second.loc[common]
    spoof = (first["label"] == "spoof").to_numpy()
    difference = paired(second["score"], first["score"], spoof, speakers=first["speaker"])["eer"]
    part = second.reset_index()
    pooled = _intervals(part, {"eer": influence.percent_eer})["eer"]
    where = (
        (names[1], "pooled, same trials", "eer_percent", pooled),
        (names[1], "within, same trials", "eer_percent", within_source(part)),
        (
            f"{names[1]} minus {names[0]}",
            "pooled, paired",
            "eer_difference_percent",
            _known(difference.value, difference.low, difference.high, 100),
        ),
    )
    rows = [
        _row(
            (system, benchmark, subset, source),
            part,
            {
                "breakdown": "other_system",
                "condition": condition,
                "metric": metric,
                "value": found[0],
                "low": found[1],
                "high": found[2],
            },
        )
        for system, condition, metric, found in where
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def within_source(trials: pd.DataFrame) -> tuple[float, float, float]:
    """Mean over repositories of the EER within one, in percent, with its 95 % interval.

    The interval is for other repositories like these; NaN with fewer than five.
    """
    parts = [p for _, p in trials.groupby("source") if p["label"].nunique() == 2]
    return _known(*of_mean([_tally(p).eer().rate for p in parts]), 100)


def run_benchmark(
    detector: Detector,
    index: str | Path,
    benchmark: str = "public_samples",
    split: str = "test",
    codecs: Sequence[str | None] = (None,),
    trials_to: str | Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    windows: int | None = None,
) -> pd.DataFrame:
    """Score a benchmark and compute its figures.

    Parameters
    ----------
    detector : Detector
        The system.
    index : path-like
        Index of the corpus, or its folder.
    benchmark, split : str
        Name of the benchmark and the part of it.
    codecs : sequence of str or None
        Conditions; None or ``none`` is the clips as they are.
    trials_to : path-like, optional
        Folder for one CSV of trials a condition.
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    windows : int, optional
        Score at most this many windows of a clip; the condition says so.

    Returns
    -------
    pandas.DataFrame
        Rows for ``data/results`` (`COLUMNS`).

    Raises
    ------
    ValueError
        If the index or a codec is unknown, or a class is missing.
    """
    from core.audio.codecs import check
    from training.clips import read_index

    clips = read_index(index)
    wanted = [None if codec == "none" else codec for codec in codecs]
    for name in filter(None, wanted):  # before hours of work, not after
        check(name)
    tables = []
    for codec in wanted:
        trials = score_trials(detector, clips, split, codec, progress, windows=windows)
        name = condition(codec, windows)
        if trials_to is not None:
            folder = Path(trials_to)
            folder.mkdir(parents=True, exist_ok=True)
            with whole(folder / f"{detector.id}-{benchmark}-{split}-{name}.csv") as part:
                trials.to_csv(part, index=False)
        command = f"python -m training benchmark {benchmark} --detector {detector.id}"
        if codec:
            command += f" --codec {codec}"
        if windows is not None:
            command += f" --windows {windows}"
        tables.append(figures(trials, detector.id, benchmark, split, command, name))
    return pd.concat(tables, ignore_index=True)


KEY = ("system", "benchmark", "subset", "breakdown", "condition", "metric")
"""What one figure of a table of results is known by."""


def update_results(path: str | Path, table: pd.DataFrame) -> None:
    """Put rows into a table of results: those of the same key are replaced, others stay.

    Parameters
    ----------
    path : path-like
        A CSV of `COLUMNS`; made if it is not there.
    table : pandas.DataFrame
        New rows. Of a breakdown that a system has of a benchmark in both, no old row stays, so that
        conditions which no longer occur go.
    """
    path, new = Path(path), table.round({"value": 4, "low": 4, "high": 4})
    if path.is_file():
        old = pd.read_csv(
            path, keep_default_na=False, na_values={"value": "", "low": "", "high": ""}
        )
        apart = ["codec", "codec_within", "pooled", "within", "other_system"]  # one run a condition
        groups = set(new[["system", "benchmark", "breakdown"]].itertuples(index=False, name=None))
        rows = set(new[list(KEY)].itertuples(index=False, name=None))
        gone = [
            key in rows or ((key[0], key[1], key[3]) in groups and key[3] not in apart)
            for key in old[list(KEY)].itertuples(index=False, name=None)
        ]
        new = pd.concat([old[~np.array(gone, bool)], new], ignore_index=True)
    with whole(path) as part:
        new.to_csv(part, index=False)


def condition(codec: str | None, windows: int | None) -> str:
    """How a codec and a limit on windows are named in tables: ``none``, ``gsm, 1 window``."""
    if windows is None:
        return codec or "none"
    return f"{codec or 'none'}, {windows} window{'s' if windows > 1 else ''}"


def _tally(part: pd.DataFrame) -> Tally:
    spoof = part["label"] == "spoof"
    return Tally.of(part["score"][~spoof], part["score"][spoof], higher="spoof")


def _intervals(
    part: pd.DataFrame, metrics: dict[str, Metric]
) -> dict[str, tuple[float, float, float]]:
    spoof = (part["label"] == "spoof").to_numpy()
    score, speaker = part["score"].to_numpy(float), part["speaker"].to_numpy()
    found = intervals(
        score[~spoof], score[spoof], metrics, speakers=(speaker[~spoof], speaker[spoof])
    )
    return {k: _known(v.value, v.low, v.high) for k, v in found.items()}


def _known(
    value: float, low: float | None, high: float | None, scale: float = 1.0
) -> tuple[float, float, float]:
    """A figure and its interval in another unit, NaN where there is none."""
    ends = [np.nan if end is None else scale * end for end in (low, high)]
    return scale * value, ends[0], ends[1]


def _share(trials: pd.DataFrame, add_to: tuple[str, str, str, str]) -> dict[str, Any]:
    system, benchmark, subset, source = add_to
    n = trials["label"].value_counts()
    return {
        "system": system,
        "benchmark": benchmark,
        "subset": subset,
        "breakdown": "coverage",
        "condition": "judged",
        "metric": "share_percent",
        "value": 100 * float(trials["score"].notna().mean()),
        "low": np.nan,
        "high": np.nan,
        "n_bonafide": int(n.get("bonafide", 0)),
        "n_spoof": int(n.get("spoof", 0)),
        "kind": "measured",
        "source": source,
        "note": "Clips with too little speech are not judged and left out of the error rates.",
    }


def _row(
    names: tuple[str, str, str, str], part: pd.DataFrame, found: dict[str, Any]
) -> dict[str, Any]:
    n = part["label"].value_counts()
    counts = {"n_bonafide": int(n.get("bonafide", 0)), "n_spoof": int(n.get("spoof", 0))}
    who = dict(zip(("system", "benchmark", "subset", "source"), names, strict=True))
    return {**who, "low": np.nan, "high": np.nan, "kind": "measured", "note": "", **counts, **found}


def _balanced_error(wrong: Any, spoof: Any) -> float:
    """Percent wrong when both classes count alike; both must be there."""
    return 100 * float(np.mean([wrong[spoof].mean(), wrong[~spoof].mean()]))


def _abstention(trials: pd.DataFrame, names: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    """How many clips get a verdict, and how many of the verdicts are wrong, by class too."""
    given = trials[trials["verdict"].isin(["synthetic", "authentic"])]
    where = {"breakdown": "abstention", "condition": "verdict given"}
    share = 100 * len(given) / max(1, len(trials))
    note = "Clips that are judged, outside the inconclusive band and familiar."
    rows = [_row(names, trials, {**where, "metric": "share_percent", "value": share, "note": note})]
    spoof = given["label"] == "spoof"
    if spoof.any() and not spoof.all():
        wrong = (given["verdict"] == "synthetic") != spoof
        value = _balanced_error(wrong, spoof)
        note = "Both classes count alike."
        found = {**where, "metric": "balanced_error_percent", "value": value, "note": note}
        rows.append(_row(names, given, found))
    for condition, of in (
        ("human clips called synthetic", given[~spoof]),
        ("synthetic clips called authentic", given[spoof]),
    ):
        if of.empty:
            continue  # nothing can be said of a class without verdicts
        called = condition.rpartition(" ")[2]
        value = 100 * float((of["verdict"] == called).mean())
        note = "Share of the clips of this class that got a verdict."
        found = {"condition": condition, "metric": "wrong_percent", "value": value, "note": note}
        rows.append(_row(names, of, {"breakdown": "abstention", **found}))
    return rows


def _abstention_measures(
    judged: pd.DataFrame, names: tuple[str, str, str, str], coverage: float = 0.8
) -> list[dict[str, Any]]:
    """Error among the clips that are kept, by what decides which fifth gets no verdict.

    The measures: a LLR near zero; a large distance from the training data; windows that disagree;
    and, as what chance gives, none (all clips).
    """
    score = judged["score"].to_numpy(float)
    spoof = (judged["label"] == "spoof").to_numpy()
    wrong = (score > 0) != spoof
    doubt = {
        "all clips": None,
        "LLR near zero": -np.abs(score),
        "far from the training data": judged["familiarity"].to_numpy(float),
        "windows disagree": judged["spread"].to_numpy(float),
    }
    rows = []
    for name, measure in doubt.items():
        keep = np.ones(len(judged), bool)
        if measure is not None:
            if np.isnan(measure).all():
                continue
            order = np.argsort(np.nan_to_num(measure, nan=np.inf), kind="stable")
            keep[order[round(coverage * len(order)) :]] = False
        if not (keep & spoof).any() or not (keep & ~spoof).any():
            continue
        found = {
            "breakdown": "abstention_measure",
            "condition": name,
            "metric": "balanced_error_percent",
            "value": 100
            * float(np.mean([wrong[keep & spoof].mean(), wrong[keep & ~spoof].mean()])),
            "note": "" if measure is None else f"The {100 * coverage:.0f} % with the least of it.",
        }
        rows.append(_row(names, judged[keep], found))
    return rows


def _reliability(judged: pd.DataFrame, names: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    """Share of synthetic clips among those that were given about one chance, by tenths.

    Classes are weighted to count alike, so that the stated chance is the one under a prior of 0.5.
    """
    from scipy.special import expit

    chance = expit(judged["score"].to_numpy(float))
    spoof = (judged["label"] == "spoof").to_numpy()
    if spoof.all() or not spoof.any():
        return []
    weight = np.where(spoof, 0.5 / spoof.mean(), 0.5 / (~spoof).mean())
    rows = []
    for k in range(10):
        inside = (chance >= k / 10) & (chance < (k + 1) / 10 if k < 9 else chance <= 1)
        if not inside.any():
            continue
        stated = float(np.average(chance[inside], weights=weight[inside]))
        observed = 100 * float(np.average(spoof[inside], weights=weight[inside]))
        found = {
            "breakdown": "reliability",
            "condition": f"stated {100 * stated:.1f} %",
            "metric": "observed_percent",
            "value": observed,
            "note": "Classes weighted to count alike.",
        }
        rows.append(_row(names, judged[inside], found))
    return rows


def _risk(trials: pd.DataFrame, names: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    """Error among the clips judged with most confidence, at shares from 10 % to 100 %.

    Classes count alike, as under a prior of 0.5; confidence is the magnitude of the LLR.
    """
    system, benchmark, subset, source = names
    judged = trials[trials["score"].notna()]
    order = judged["score"].abs().sort_values(ascending=False, kind="stable").index
    rows = []
    for percent in (10, 20, 30, 40, 50, 60, 70, 80, 90, 100):
        part = judged.loc[order[: max(1, round(len(order) * percent / 100))]]
        spoof = part["label"] == "spoof"
        if spoof.all() or not spoof.any():
            continue  # nothing can be said of a class without clips
        wrong = (part["score"] > 0) != spoof
        value = _balanced_error(wrong, spoof)
        rows.append(
            {
                "system": system,
                "benchmark": benchmark,
                "subset": subset,
                "breakdown": "risk_coverage",
                "condition": f"{percent} %",
                "metric": "balanced_error_percent",
                "value": value,
                "low": np.nan,
                "high": np.nan,
                "n_bonafide": int((~spoof).sum()),
                "n_spoof": int(spoof.sum()),
                "kind": "measured",
                "source": source,
                "note": "The clips with the largest |LLR|.",
            }
        )
    return rows
