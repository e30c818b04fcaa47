"""More training speech from software packages: recordings they carry, engines they bring.

Debian's telephone prompts, games and drawing programs hold short recordings of many human voices;
the engines of `training.engines` speak the sentences of ``sentences.txt``. Everything is
optional: what is not installed is named with the package that brings it, and the rest goes on.

Both classes are treated alike: one rate, mono, quiet edges kept, and short pieces joined with
pauses made of their own background, so that neither joints nor digital silence tell them apart.
"""

from __future__ import annotations

import csv
import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.files import atomic_path
from training.engines import voices
from training.joining import join_pieces, trim_edges
from training.recordings import Recordings, files_of, read_recording, recordings
from training.voice import Voice

KINDS = ("human", "synthetic")
"""The two kinds of material `build_packaged` knows."""

SHORTEST_S, LONGEST_S = 2.0, 10.5
"""Clips outside this range of seconds are not kept."""

_SENTENCES = Path(__file__).with_name("sentences.txt")


@dataclass(frozen=True)
class Row:
    """One line of ``index.csv``; ``path`` is relative to it, ``split`` is train or example."""

    clip: str
    path: str
    label: str
    family: str
    system: str
    speaker: str
    pair: str
    split: str
    licence: str
    source: str
    duration_s: float
    sha256: str


@dataclass(frozen=True)
class Planned:
    """A clip that can be made: what it will be, and how."""

    name: str
    label: str
    family: str
    system: str
    speaker: str
    split: str
    licence: str
    source: str
    make: Callable[[], np.ndarray]


def build_packaged(
    out: Path,
    kinds: Sequence[str] | None = None,
    *,
    report: Callable[[str], None] | None = None,
) -> None:
    """Write the packaged clips and their index into a folder.

    Clips that a former run left are kept, so an interrupted run goes on where it stopped; the index
    is written again every few clips.

    Parameters
    ----------
    out : pathlib.Path
        Folder for ``index.csv`` and the 16 kHz mono FLAC files.
    kinds : sequence of str, optional
        Some of `KINDS`; both by default.
    report : callable, optional
        Receives one line of progress or explanation at a time; standard error by default.

    Raises
    ------
    ValueError
        If a kind is unknown.
    """
    report = report or partial(print, file=sys.stderr, flush=True)
    chosen = tuple(KINDS if kinds is None else kinds)
    if unknown := set(chosen) - set(KINDS):
        raise ValueError(f"unknown kind of packaged material: {', '.join(sorted(unknown))}")
    out.mkdir(parents=True, exist_ok=True)
    rows = read_index(out)
    missing: dict[str, str] = {}
    plans: dict[str, Iterator[Planned]] = {}
    for group in recordings() if "human" in chosen else ():
        if found := files_of(group):
            plans[group.name] = plan_recordings(group, found)
        else:
            missing[group.name] = f"apt-get install {group.package}"
    for voice in voices() if "synthetic" in chosen else ():
        if need := voice.missing():
            missing[voice.name] = need
        else:
            plans[voice.name] = plan_voice(voice)
    _write_index(out, rows)  # training reads it, also where nothing is installed
    for number, (name, plan) in enumerate(plans.items(), 1):
        report(f"[{number}/{len(plans)}] {name}: {_make(out, plan, rows)}")
    for name, need in missing.items():
        report(f"left out {name}: {need}")
    labels = [row.label for row in rows.values()]
    report(f"{labels.count('bonafide')} human and {labels.count('spoof')} synthetic clips in {out}")


def _make(out: Path, plan: Iterator[Planned], rows: dict[str, Row]) -> str:
    """Make what is not there yet; returns a summary of what happened."""
    made = kept = 0
    failures = []
    for planned in plan:
        if planned.name in rows and (out / rows[planned.name].path).is_file():
            kept += 1
            continue
        try:
            samples = planned.make()
        except Exception as error:  # one bad prompt or engine must not end the whole build
            failures.append(f"{planned.name} failed ({error})")
            continue
        if SHORTEST_S <= len(samples) / SAMPLE_RATE <= LONGEST_S:
            rows[planned.name] = _write_clip(out, planned, samples)
            made += 1
            if made % 20 == 0:
                _write_index(out, rows)
    _write_index(out, rows)
    return "; ".join([f"{made} made, {kept} kept", *failures[:3]])


def read_index(out: Path) -> dict[str, Row]:
    """Rows of ``index.csv`` in a folder by clip name; empty where there is none."""
    path = out / "index.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    texts = [field.name for field in fields(Row) if field.name != "duration_s"]
    return {
        line["clip"]: Row(
            **{name: line[name] for name in texts}, duration_s=float(line["duration_s"])
        )
        for line in lines
    }


def _write_index(out: Path, rows: dict[str, Row]) -> None:
    with (
        atomic_path(out / "index.csv") as part,
        part.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rows[name]) for name in sorted(rows))


def _write_clip(out: Path, planned: Planned, samples: np.ndarray) -> Row:
    import soundfile

    path = Path(planned.label) / f"{planned.name}.flac"
    target = out / path
    target.parent.mkdir(exist_ok=True)
    peak = float(np.abs(samples).max())
    if peak > 0.98:  # resampling overshoots; never clip
        samples = samples * (0.98 / peak)
    soundfile.write(target, samples, SAMPLE_RATE, subtype="PCM_16")
    facts = {key: value for key, value in vars(planned).items() if key not in ("name", "make")}
    return Row(
        clip=planned.name,
        path=path.as_posix(),
        pair="",
        duration_s=round(len(samples) / SAMPLE_RATE, 3),
        sha256=hashlib.sha256(target.read_bytes()).hexdigest(),
        **facts,
    )


def plan_recordings(group: Recordings, found: Sequence[Path]) -> Iterator[Planned]:
    """Clips of 3 to 10 s from the files of one group, the same ones on every run."""
    draw = random.Random(f"recordings {group.name}")
    shuffled = sorted(found)
    draw.shuffle(shuffled)
    for number, pieces in enumerate(_pieces(shuffled, group.raw, draw)):
        if number == group.count:
            return
        yield Planned(
            name=f"{group.name}-{number:03d}",
            label="bonafide",
            family="human",
            system="human",
            speaker=group.name,
            split=group.split,
            licence=group.licence,
            source=f"Debian package {group.package}",
            make=partial(join_pieces, pieces, [draw.uniform(0.1, 0.45) for _ in pieces[1:]]),
        )


def _pieces(
    paths: Sequence[Path], raw: str | None, draw: random.Random
) -> Iterator[list[np.ndarray]]:
    """Pieces for one clip at a time: 3 to 8 s of prompts, or a stretch of a longer recording."""
    group: list[np.ndarray] = []
    target = draw.uniform(3, 8)
    for path in paths:
        try:
            piece = trim_edges(read_recording(path, raw))
        except Exception:  # an unreadable prompt is one prompt fewer
            continue
        while len(piece) > 10 * SAMPLE_RATE:
            length = int(draw.uniform(4, 9) * SAMPLE_RATE)
            yield [piece[:length]]
            piece = piece[length:]
        if len(piece) < 0.35 * SAMPLE_RATE:
            continue
        if group and sum(map(len, group)) + len(piece) > 9.5 * SAMPLE_RATE:
            yield group
            group = []
        group.append(piece)
        if sum(map(len, group)) >= target * SAMPLE_RATE:
            yield group
            group, target = [], draw.uniform(3, 8)
    if sum(map(len, group)) >= SHORTEST_S * SAMPLE_RATE:
        yield group


def sentences(language: str) -> list[str]:
    """The project's own sentences in a language, in the order of ``sentences.txt``."""
    lines = _SENTENCES.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t", 1) for line in lines if line and not line.startswith("#")]
    return [text for code, text in pairs if code == language]


def plan_voice(voice: Voice) -> Iterator[Planned]:
    """Clips of one voice that speaks the sentences of its language."""
    draw = random.Random(f"voice {voice.name}")
    for number, texts in enumerate(_scripts(voice.language, voice.count, draw)):
        yield Planned(
            name=f"{voice.name}-{number:03d}",
            label="spoof",
            family=voice.family,
            system=voice.system,
            speaker=voice.name,
            split=voice.split,
            licence=voice.licence,
            source=voice.source,
            make=partial(_speak, voice, texts, [draw.uniform(0.1, 0.45) for _ in texts[1:]]),
        )


def _speak(voice: Voice, texts: Sequence[str], pauses_s: Sequence[float]) -> np.ndarray:
    return join_pieces([trim_edges(voice.speak(text)) for text in texts], pauses_s)


def _scripts(language: str, count: int, draw: random.Random) -> list[list[str]]:
    """What each clip says: one sentence, two, or a few short ones, as long as the human clips."""
    long = sentences(language)
    short = sentences(f"{language}-short")
    scripts: list[list[str]] = []
    while len(scripts) < count:
        draw.shuffle(long)
        for text in long:
            kind = len(scripts) % 4
            if kind == 0 and short:
                scripts.append(draw.sample(short, draw.randint(3, 5)))
            elif kind < 3:
                scripts.append([text, draw.choice([other for other in long if other != text])])
            else:
                scripts.append([text])
    return scripts[:count]
