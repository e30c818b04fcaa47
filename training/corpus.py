"""Public clips named in a manifest -> 16 kHz mono FLAC files and one index.

A manifest pins every clip to a commit of a public repository; git object ids make sure that the
bytes are the ones that were meant. The audio itself is never part of this repository.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE, AudioError
from core.files import atomic_path
from training.clips import INDEX_COLUMNS

MANIFEST_COLUMNS = (
    "clip",
    "repository",
    "commit",
    "path",
    "label",
    "family",
    "system",
    "material",
    "speaker",
    "pair",
    "split",
    "licence",
    "duration_s",
    "sample_rate",
    "blob",
    "notes",
)
"""Columns of a benchmark manifest; ``blob`` is the git object id of the file's bytes."""


MAX_SECONDS = 400.0
"""Longer clips are cut: none of the benchmark's is."""


@dataclass
class BuildReport:
    """What `build_corpus` did.

    Attributes
    ----------
    index : pathlib.Path
        The index that was written.
    built, reused : int
        Clips converted now, and found ready from an earlier run.
    failed : list of (str, str)
        Clip and the sentence that says why it is missing.
    """

    index: Path
    built: int = 0
    reused: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def read_manifest(path: str | Path) -> pd.DataFrame:
    """Load a benchmark manifest.

    Parameters
    ----------
    path : path-like
        CSV file with `MANIFEST_COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        All columns as text; empty cells are empty strings.

    Raises
    ------
    ValueError
        If a column is missing, or a label or split is none of those known.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [c for c in MANIFEST_COLUMNS if c not in table.columns]
    if missing:
        raise ValueError(f"{path} is no benchmark manifest: it lacks {', '.join(missing)}.")
    for column, known in (
        ("label", {"bonafide", "spoof"}),
        ("split", {"train", "dev", "test", "heldout", "unused"}),
    ):
        odd = set(table[column]) - known
        if odd:
            raise ValueError(f"{path}: unknown {column} {', '.join(sorted(odd))}.")
    return table


def build_corpus(
    manifest: str | Path,
    sources: str | Path,
    out: str | Path,
    splits: Iterable[str] = ("train", "dev", "test"),
    clone: bool = True,
    progress: Callable[[int, int, str], None] | None = None,
) -> BuildReport:
    """Extract, decode and store every clip of a manifest.

    Clips that are already in ``out``, with the bytes that its index names, are kept, so an
    interrupted build continues; others are made anew. Clips that
    cannot be had are listed in the report and in ``failed.csv``; they never stop the build.

    Parameters
    ----------
    manifest : path-like
        CSV file with `MANIFEST_COLUMNS`.
    sources : path-like
        Folder of git directories, bare or not, named ``owner+name``, ``owner/name`` or ``name``.
        Repositories that are not there are cloned into it if ``clone``.
    out : path-like
        Folder for ``index.csv``, ``failed.csv`` and ``clips/``.
    splits : iterable of str
        Which splits to build.
    clone : bool
        Whether to clone repositories that are missing.
    progress : callable, optional
        Called with (clips done, clips in all, repository).

    Returns
    -------
    BuildReport

    Raises
    ------
    ValueError
        If the manifest is none.
    """
    table = read_manifest(manifest)
    table = table[table["split"].isin(set(splits))]
    out, sources = Path(out), Path(sources)
    out.mkdir(parents=True, exist_ok=True)
    report = BuildReport(out / "index.csv")
    ready = _ready(report.index)
    rows: list[dict[str, object]] = []
    done = 0
    for repository, part in table.groupby("repository", sort=True):
        wanted = []
        for clip in part.to_dict("records"):
            old = ready.get(str(clip["clip"]))
            if old is not None and _is_intact(out / str(old["path"]), str(old["sha256"])):
                rows.append(_index_row(clip, str(old["path"]), old["duration_s"], old["sha256"]))
                report.reused += 1
                done += 1
            else:
                wanted.append(clip)
        if not wanted:
            continue
        try:
            found = blobs(repository, wanted, sources, clone)
            for clip, data in zip(wanted, found, strict=True):
                try:
                    row = _store(clip, data, out)
                    rows.append(row)
                    report.built += 1
                except (AudioError, OSError, ValueError) as error:
                    report.failed.append((str(clip["clip"]), str(error)))
                done += 1
                if progress is not None:
                    progress(done, len(table), str(repository))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            handled = {str(r["clip"]) for r in rows} | {c for c, _ in report.failed}
            lost = [str(c["clip"]) for c in wanted if str(c["clip"]) not in handled]
            report.failed += [(clip, f"{repository}: {error}") for clip in lost]
            done += len(lost)
        _write(rows, INDEX_COLUMNS, report.index)
    _write(rows, INDEX_COLUMNS, report.index)
    failed: list[dict[str, object]] = [{"clip": c, "reason": r} for c, r in report.failed]
    _write(failed, ("clip", "reason"), out / "failed.csv")
    return report


def git_directory(repository: str, sources: Path, clone: bool = True) -> Path:
    """Find, or clone, the git directory of a public repository.

    Parameters
    ----------
    repository : str
        ``owner/name``.
    sources : pathlib.Path
        Folder that holds git directories.
    clone : bool
        Whether to clone it when it is missing.

    Returns
    -------
    pathlib.Path
        A directory that ``git --git-dir`` accepts.

    Raises
    ------
    ValueError
        If it is not there and cannot be cloned; the message says how to put it in place.
    """
    owner, name = repository.split("/", 1)
    for stem in (f"{owner}+{name}", f"{owner}/{name}", name):
        for tail in ("", ".git", "/.git", "/repo", "/repo/.git", "/repo.git"):
            path = Path(f"{sources / stem}{tail}")
            if (path / "HEAD").is_file() and (path / "objects").is_dir():
                return path
    target = sources / f"{owner}+{name}"
    if clone:
        run = subprocess.run(
            ["git", "clone", "--bare", "--quiet", f"https://github.com/{repository}", str(target)],
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )
        if run.returncode == 0:
            return target
        why = (run.stderr.strip().splitlines() or ["git clone failed"])[-1]
        raise ValueError(f"{repository} could not be cloned ({why}).")
    raise ValueError(f"{repository} is not in {sources}: put a clone of it at {target}.")


def decode_16k(data: bytes) -> np.ndarray:
    """Decode an audio file to mono float32 at 16 kHz.

    Parameters
    ----------
    data : bytes
        A whole audio file.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n]``.

    Raises
    ------
    AudioError
        If it is no audio.
    """
    from core.audio.decoding import decode

    return decode(io.BytesIO(data)).samples


def blobs(
    repository: str, clips: list[dict[str, object]], sources: Path, clone: bool
) -> Iterable[bytes | ValueError]:
    """Bytes of every clip, or the reason why there are none, in order."""
    directory = git_directory(repository, sources, clone)
    names = [str(c["blob"]) or f"{c['commit']}:{c['path']}" for c in clips]
    with subprocess.Popen(
        ["git", f"--git-dir={directory}", "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for name in names:
            process.stdin.write(name.encode() + b"\n")
            process.stdin.flush()
            head = process.stdout.readline().split()
            if len(head) != 3 or head[1] != b"blob":
                yield ValueError(f"{repository} does not hold {name}")
                continue
            data = process.stdout.read(int(head[2]))
            process.stdout.read(1)
            # git does not check loose objects when it reads them, so their id is checked here.
            if _blob_id(data) != head[0].decode():
                yield ValueError(f"{repository}: {name} is damaged")
            elif data.startswith(b"version https://git-lfs"):
                yield ValueError(f"{repository}: {name} is a Git LFS pointer without its audio")
            else:
                yield data
        process.stdin.close()


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _store(clip: dict[str, object], data: bytes | ValueError, out: Path) -> dict[str, object]:
    import soundfile

    if isinstance(data, ValueError):
        raise data
    samples = decode_16k(data)[: int(MAX_SECONDS * SAMPLE_RATE)]
    if len(samples) < SAMPLE_RATE // 10:
        raise AudioError("The clip is shorter than a tenth of a second.", "no_samples")
    path = Path("clips") / f"{clip['clip']}.flac"
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    soundfile.write(partial, np.clip(samples, -1, 1), SAMPLE_RATE, "PCM_16", format="FLAC")
    digest = hashlib.sha256(partial.read_bytes()).hexdigest()
    partial.replace(target)
    return _index_row(clip, str(path), round(len(samples) / SAMPLE_RATE, 3), digest)


def _index_row(
    clip: dict[str, object], path: str, duration_s: object, sha256: object
) -> dict[str, object]:
    row = {c: clip.get(c, "") for c in INDEX_COLUMNS}
    return {
        **row,
        "path": path,
        "source": clip["repository"],
        "duration_s": duration_s,
        "sha256": sha256,
    }


def _ready(index: Path) -> dict[str, dict[str, object]]:
    if not index.is_file():
        return {}
    table = pd.read_csv(index, dtype=str, keep_default_na=False)
    return {str(r["clip"]): r for r in table.to_dict("records")}


def _is_intact(file: Path, sha256: str) -> bool:
    """Whether a clip has the bytes that the index says; without a hash nobody can tell."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def _write(rows: list[dict[str, object]], columns: tuple[str, ...], path: Path) -> None:
    table = pd.DataFrame(rows, columns=list(columns))
    with atomic_path(path) as part:
        table.sort_values("clip", kind="stable").to_csv(part, index=False)


def print_progress(every_s: float = 5.0) -> Callable[[int, int, str], None]:
    """A progress callback that prints a line every few seconds."""
    started = last = time.monotonic()

    def report(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every_s or done == total:
            last = now
            print(f"{done}/{total} clips, {now - started:.0f} s, {what}", flush=True)

    return report
