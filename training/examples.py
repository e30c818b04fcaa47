"""The five example clips: a pool is made from packages, a detector ranks it, five are shipped.

``python -m training.examples`` makes what the pool lacks, scores every clip with the embedded
detector and writes the five of ``examples/`` anew, from easy to hardest by the measured scores.
Every voice in the pool, human or synthetic, is one that `training.packaged` keeps out of
training. The lesson of a clip depends on whether the detector got it right, and names no figure.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode
from core.files import ROOT, atomic_path, atomic_write
from training.example_pool import Candidate, pool

EXAMPLES = ROOT / "examples"
RANKS = ("easy", "clear", "middling", "hard", "hardest")
MOST_BYTES = 2_000_000
SHORTEST_S, LONGEST_S = 4.0, 12.0

_TELEPHONE_HZ = 8_000
_CSV_COLUMNS = ("file", "order", "label", "title", "system", "licence", "lesson")


@dataclass(frozen=True)
class Scored:
    """A candidate and how a detector judged it.

    Attributes
    ----------
    candidate : Candidate
        What was judged.
    margin : float
        Log-likelihood ratio towards the truth: the larger, the easier; negative where it misleads.
    verdict : str
        As the detector gave it.
    """

    candidate: Candidate
    margin: float
    verdict: str

    @property
    def right(self) -> bool:
        """Whether the verdict is the truth."""
        return self.verdict == ("synthetic" if self.candidate.label == "spoof" else "authentic")


def make_pool(folder: Path, report: Callable[[str], None] = print) -> list[Candidate]:
    """Make the candidates that are not in a folder yet.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pool lies.
    report : callable
        Receives a line for each clip made or left out.

    Returns
    -------
    list of Candidate
        Those that lie in the folder now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = []
    for candidate in pool():
        path = folder / candidate.file
        if not path.is_file():
            try:
                write_clip(path, candidate.make(), candidate.form)
            except Exception as error:  # an engine or package that is not there
                report(f"left out {candidate.name}: {error}")
                continue
            report(f"made {candidate.name}")
        there.append(candidate)
    return there


def write_clip(path: Path, samples: np.ndarray, form: str) -> None:
    """Write a clip in one of the forms of `Candidate`; ``ulaw`` goes down to 8 kHz."""
    import soundfile
    import soxr

    if form == "ulaw":
        narrow = soxr.resample(samples, SAMPLE_RATE, _TELEPHONE_HZ)
        soundfile.write(path, narrow, _TELEPHONE_HZ, format="WAV", subtype="ULAW")
        return
    kind, subtype = {
        "wav": ("WAV", "PCM_16"),
        "flac": ("FLAC", "PCM_16"),
        "mp3": ("MP3", "MPEG_LAYER_III"),
        "ogg": ("OGG", "VORBIS"),
        "opus": ("OGG", "OPUS"),
    }[form]
    soundfile.write(path, samples, SAMPLE_RATE, format=kind, subtype=subtype)


def score_pool(folder: Path, candidates: Sequence[Candidate], detector: str) -> list[Scored]:
    """Judge every clip of the pool, easiest first; those not judged are left out.

    Parameters
    ----------
    folder : pathlib.Path
        Where the clips lie.
    candidates : sequence of Candidate
        Which of them to judge.
    detector : str
        Id or directory, as for ``core.load_detector``.

    Returns
    -------
    list of Scored
    """
    from core.detect.registry import load_detector

    loaded = load_detector(detector)
    scored = []
    for candidate in candidates:
        detection = loaded.detect(decode(folder / candidate.file))
        if detection.llr is not None:
            margin = detection.llr if candidate.label == "spoof" else -detection.llr
            scored.append(Scored(candidate, margin, detection.verdict))
    return sorted(scored, key=lambda one: -one.margin)


def choose(scored: Sequence[Scored]) -> list[Scored]:
    """Five clips from easy to hardest.

    Two or three are human, no voice speaks twice, and one at least is judged wrongly or left
    undecided if any such is there. Among the sets that remain, the one with the most file forms is
    taken, then the one whose places in the ranking are spread most evenly, from the easiest on.

    Parameters
    ----------
    scored : sequence of Scored
        Sorted, easiest first.

    Returns
    -------
    list of Scored
        Easiest first.

    Raises
    ------
    ValueError
        If no five clips meet the conditions.
    """
    any_missed = any(not one.right for one in scored)
    best: tuple[tuple[float, ...], tuple[int, ...]] | None = None
    for places in itertools.combinations(range(len(scored)), len(RANKS)):
        chosen = [scored[place] for place in places]
        human = sum(one.candidate.label == "bona fide" for one in chosen)
        voices = [one.candidate.voice for one in chosen]
        if not 2 <= human <= 3 or len(set(voices)) < len(voices):
            continue
        if any_missed and all(one.right for one in chosen):
            continue
        forms = len({one.candidate.form for one in chosen})
        gaps = [b - a for a, b in itertools.pairwise((*places, len(scored)))]
        even = -float(np.var(gaps)) - places[0]
        merit = (float(min(forms, 4)), even)
        if best is None or merit > best[0]:
            best = (merit, places)
    if best is None:
        raise ValueError("no five clips of the pool make a set: too few of them could be judged")
    return [scored[place] for place in best[1]]


def write_examples(folder: Path, chosen: Sequence[Scored], out: Path = EXAMPLES) -> list[Path]:
    """Replace the shipped examples by five clips of the pool.

    Parameters
    ----------
    folder : pathlib.Path
        The pool.
    chosen : sequence of Scored
        From `choose`.
    out : pathlib.Path
        Gets the clips, ``examples.csv`` and ``LICENSES.md``; clips of its former table go.

    Returns
    -------
    list of pathlib.Path
        The clips.

    Raises
    ------
    ValueError
        If the clips together are too large.
    """
    sizes = [(folder / one.candidate.file).stat().st_size for one in chosen]
    if sum(sizes) > MOST_BYTES:
        raise ValueError(f"the examples would take {sum(sizes):,} bytes, more than {MOST_BYTES:,}")
    out.mkdir(parents=True, exist_ok=True)
    table = out / "examples.csv"
    if table.is_file():
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                (out / Path(row["file"]).name).unlink(missing_ok=True)
    paths, rows, notes = [], [], []
    for order, (rank, one) in enumerate(zip(RANKS, chosen, strict=True), 1):
        candidate, origin = one.candidate, one.candidate.origin
        path = out / f"{order}-{rank}-{candidate.file}"
        shutil.copyfile(folder / candidate.file, path)
        paths.append(path)
        lesson = candidate.caught if one.right else candidate.missed
        facts = (path.name, order, candidate.label, candidate.title)
        rows.append((*facts, origin.system, origin.licence, lesson))
        notes.append(
            f"## {path.name}\n\n"
            f"- Speech: {origin.system}\n- Licence: {origin.licence}\n- Origin: {origin.credit}\n"
            f"- Changes: {', '.join(filter(None, ['level set', candidate.change]))}.\n"
        )
    with atomic_path(table) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_CSV_COLUMNS)
        writer.writerows(rows)
    introduction = (
        "# Licences of the example clips\n\nThe clips are no part of the software and keep their "
        "own licences. `python -m training.examples` makes them and writes this file.\n"
    )
    atomic_write(out / "LICENSES.md", "\n".join([introduction, *notes]))
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pool, rank it and ship five; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m training.examples", description=__doc__)
    parser.add_argument("--pool", type=Path, default=Path("build/examples"), metavar="DIR")
    parser.add_argument("--detector", default="embedded", metavar="ID")
    parser.add_argument("--out", type=Path, default=EXAMPLES, metavar="DIR")
    parser.add_argument("--make-only", action="store_true", help="make the pool and stop")
    parser.add_argument("--rank-only", action="store_true", help="print the ranking and stop")
    options = parser.parse_args(arguments)
    candidates = make_pool(options.pool)
    if options.make_only:
        return 0
    scored = score_pool(options.pool, candidates, options.detector)
    for one in scored:
        truth = f"{one.candidate.label:9}"
        print(f"{one.margin:8.2f}  {truth}  {one.verdict:12}  {one.candidate.file}")
    if not options.rank_only:
        for path in write_examples(options.pool, choose(scored), options.out):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
