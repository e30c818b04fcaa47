"""How often each sign of a file's history is met in human and in synthetic clips, as published.

The signs are looked for in the files as their makers put them up, straight from git, since any
copy of the corpus has another history.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from scipy.stats import beta

from core.evaluate.tables import TABLES
from core.provenance.look import look_into
from core.provenance.tags import PROGRAMS
from training.corpus import blobs, read_manifest

IN_SOUND_AND_TAGS = (
    "declares-source",
    "declares-aigc",
    "times",
    "ends-4k",
    "ends-8k",
    "ends-11k",
    "ends-12k",
    "codec-mp3",
    "codec-aac",
    "codec-vorbis",
    "codec-g711",
    "codec-cut",
    "length-256",
    "zeros",
    "repeats",
    "clicks",
    "floor-steps",
    "bits-unused",
    "dc-offset",
    "clipped",
    "hum",
    "hum-line",
    "hum-jumps",
)

CODES = (*PROGRAMS, *IN_SOUND_AND_TAGS)
"""Codes of all signs; the watermark, which is asked for, is none of them."""

COLUMNS = tuple(TABLES["provenance"].columns)
ANY = "any"
"""The row that counts clips and repositories, of which every sign is a share."""


def signs_of_clips(
    manifests: Iterable[str | Path],
    sources: str | Path,
    split: str = "test",
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """The signs of every clip of a split.

    Parameters
    ----------
    manifests : iterable of path-like
        As of `training.corpus.read_manifest`.
    sources : path-like
        Folder of git directories, as for `training.corpus.build_corpus`.
    split : str
        Which clips.
    progress : callable, optional
        Called with (clips done, clips in all, repository).

    Returns
    -------
    pandas.DataFrame
        One row per clip: ``clip``, ``repository``, ``label``, ``signs`` (their codes, apart by
        spaces).

    Raises
    ------
    ValueError
        If a manifest is none, or a clip cannot be had: a share of what happens to be there would
        be another figure.
    """
    clips = pd.concat([read_manifest(m) for m in manifests], ignore_index=True)
    clips = clips[clips["split"] == split].drop_duplicates("blob")
    rows = []
    for repository, part in clips.groupby("repository", sort=True):
        held = part.to_dict("records")
        for clip, data in zip(held, blobs(repository, held, Path(sources), False), strict=True):
            if isinstance(data, ValueError):
                raise data
            codes = [sign.code for sign in look_into(io.BytesIO(data)).signs]
            rows.append((clip["clip"], repository, clip["label"], " ".join(codes)))
            if progress is not None:
                progress(len(rows), len(clips), str(repository))
    return pd.DataFrame(rows, columns=["clip", "repository", "label", "signs"])


def rates(found: pd.DataFrame, source: str) -> pd.DataFrame:
    """Shares of clips with each sign, with exact 95 % intervals.

    Clips are counted as independent, which those of one repository are not: in how many
    repositories a sign was met stands beside.

    Parameters
    ----------
    found : pandas.DataFrame
        From `signs_of_clips`.
    source : str
        The command that makes the table again.

    Returns
    -------
    pandas.DataFrame
        By `COLUMNS`, in the order of the codes, of which some may be met nowhere; the first row
        is `ANY`.
    """
    lists = found["signs"].str.split()
    codes = sorted(CODES)
    rows = []
    for code in (ANY, *codes):
        row: dict[str, object] = {"sign": code, "kind": "measured", "source": source}
        has = lists.map(lambda codes, code=code: code in codes or code == ANY)
        for label in ("bonafide", "spoof"):
            of = found["label"] == label
            n, k = int(of.sum()), int((of & has).sum())
            low, high = exact_interval(k, n)
            row |= {
                f"n_{label}": n,
                f"seen_{label}": k,
                f"share_{label}": round(k / n, 4) if n else 0.0,
                f"low_{label}": round(low, 4),
                f"high_{label}": round(high, 4),
                f"sources_{label}": found.loc[of & has, "repository"].nunique(),
            }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def exact_interval(seen: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated
    in the case of the binomial", Biometrika 26, 1934.
    """
    if not of:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, seen, of - seen + 1)) if seen else 0.0
    high = float(beta.ppf(1 - tail, seen + 1, of - seen)) if seen < of else 1.0
    return low, high
