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
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode
from core.files import whole
from training.engines import Voice, voices

KINDS = ("human", "synthetic")
"""The two kinds of material `build_packaged` knows."""

SHORTEST_S, LONGEST_S = 2.0, 10.5
"""Clips outside this range of seconds are not kept."""

_SENTENCES = Path(__file__).with_name("sentences.txt")
_NO_SPEECH = re.compile(r"(^|[/_-])(beep|tone|ascending|descending|silence|monkey|screech|zip)")


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


@dataclass(frozen=True)
class Recordings:
    """Human recordings of one speaker (or one undivided group) that a package installs.

    Attributes
    ----------
    name : str
        Short name; also the speaker's.
    package : str
        Debian package that brings them.
    folder, pattern : str
        Where they lie, and a regular expression for their path within the folder.
    licence : str
        As the package's copyright file states it.
    count : int
        Most clips to make.
    raw : str or None
        FFmpeg's name of a headerless format, such as ``g722``.
    split : str
        ``train``, or ``example`` for a voice that no detector here is trained on.
    """

    name: str
    package: str
    folder: str
    pattern: str
    licence: str
    count: int
    raw: str | None = None
    split: str = "train"


def recordings() -> list[Recordings]:
    """All human recordings that Debian packages carry, installed or not."""
    return [*_prompts(), *_stamps(), *_tuberling(), *_fish(), *_references()]


def _prompts() -> Iterator[Recordings]:
    """Telephone prompts, mostly by professional voices."""
    for name, package, folder, raw, licence, count, split in (
        # Allison speaks the Spanish prompts too, which are therefore left alone.
        ("allison", "asterisk-core-sounds-en-g722", "en_US_f_Allison", "g722",
         "CC-BY-SA-3.0, Allison Smith", 24, "example"),
        ("june", "asterisk-core-sounds-fr-g722", "fr_CA_f_June", "g722",
         "CC-BY-SA-3.0, June Wallack", 60, "train"),
        ("carlo", "asterisk-core-sounds-it-g722", "it_IT_m_Carlo", "g722",
         "CC-BY-3.0, Carlo Flora", 60, "train"),
        ("ivrvoice", "asterisk-core-sounds-ru-g722", "ru_RU_f_IvrvoiceRU", "g722",
         "CC-BY-3.0, Maxim Topal", 60, "train"),
        ("menardi", "asterisk-prompt-it-menardi-wav", "it_IT_f_Menardi", None,
         "CC-BY-SA-3.0-IT, Marco Menardi and Paola Dal Zot", 36, "train"),
        ("armelle", "asterisk-prompt-fr-armelle", "fr", "gsm",
         "BSD-like, Michel Gutierrez", 24, "train"),
        ("avatar", "asterisk-prompt-es-co", "es", "gsm",
         "GPL-2, Avatar Ltda.", 24, "train"),
    ):  # fmt: skip
        pattern = rf".*\.{raw or 'wav'}"
        root = f"/usr/share/asterisk/sounds/{folder}"
        yield Recordings(name, package, root, pattern, licence, count, raw, split)


def _stamps() -> Iterator[Recordings]:
    """Names of things, read by volunteers at home: noisy, cheap microphones, many languages."""
    counts = {"be": 36, "bg": 40, "ca": 40, "da": 24, "el": 36, "es": 40, "fr": 40}
    counts |= {"lt": 12, "nl": 10, "ro": 40, "ru": 40}
    for code, count in counts.items():
        yield Recordings(
            name=f"stamps-{code}",
            package="tuxpaint-stamps-default",
            folder="/usr/share/tuxpaint/stamps",
            pattern=rf".*_desc_{code}\.ogg",
            licence="GPL-2+, Tux Paint contributors",
            count=count,
        )


def _tuberling() -> Iterator[Recordings]:
    """Single words, read by volunteers in many languages."""
    counts = {"ca": 10, "da": 10, "de": 8, "el": 8, "en": 8, "fr": 10, "lt": 10, "ru": 10}
    counts |= {"sl": 8, "uk": 10, "wa": 8}
    for code, count in counts.items():
        yield Recordings(
            name=f"tuberling-{code}",
            package="ktuberling-data",
            folder=f"/usr/share/ktuberling/sounds/{code}",
            pattern=r".*\.(ogg|opus|wav)",
            licence="GPL-2+, KDE contributors",
            count=count,
        )


def _fish() -> Iterator[Recordings]:
    """Dialogue of a puzzle game: two actors in each language."""
    for code in ("cs", "nl"):
        for part in ("m", "v"):
            yield Recordings(
                name=f"fish-{code}-{part}",
                package=f"fillets-ng-data-{code}",
                folder="/usr/share/games/fillets-ng/sound",
                pattern=rf".*/{code}/[^/]*-{part}-[^/]*\.ogg",
                licence="GPL-2, ALTAR interactive and others",
                count=40,
            )


def _references() -> Iterator[Recordings]:
    """Test material of speech coding (several speakers, telephone band) and of recognition."""
    speakers = "all|david4|f2400|forig|hts[12]a|m2400|morig|mmt1|cross|big_dog|vk5qi|ve9qrp"
    yield Recordings(
        name="codec2",
        package="codec2-examples",
        folder="/usr/share/codec2/wav",
        pattern=rf"({speakers})\.wav",
        licence="LGPL-2.1, David Rowe",
        count=24,
    )
    yield Recordings(
        name="austen-reader",
        package="pocketsphinx-testdata",
        folder="/usr/share/pocketsphinx/test/data/librivox",
        pattern=r".*\.wav",
        licence="public domain, LibriVox; package BSD-2",
        count=5,
        split="example",
    )


def build_packaged(
    out: Path,
    kinds: Sequence[str] | None = None,
    *,
    only: Sequence[str] | None = None,
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
    only : sequence of str, optional
        Names of recordings and voices to make; all by default.
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
        if only is None or group.name in only:
            if found := _files(group):
                plans[group.name] = plan_recordings(group, found)
            else:
                missing[group.name] = f"apt-get install {group.package}"
    for voice in voices() if "synthetic" in chosen else ():
        if only is None or voice.name in only:
            if need := voice.missing():
                missing[voice.name] = need
            else:
                plans[voice.name] = plan_voice(voice)
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
    with whole(out / "index.csv") as part, part.open("w", newline="", encoding="utf-8") as file:
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


# Joining ------------------------------------------------------------------------------------------


def trim_edges(samples: np.ndarray, keep_s: float = 0.15) -> np.ndarray:
    """Cut quiet edges down, but leave some of the recording's own background.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]`` at `SAMPLE_RATE`.
    keep_s : float
        Longest quiet edge to leave, in seconds.

    Returns
    -------
    numpy.ndarray
        A slice of ``samples``; empty if nothing rises above -60 dB full scale.
    """
    frame = SAMPLE_RATE // 100
    count = len(samples) // frame
    if count == 0:
        return samples[:0]
    level = np.sqrt((samples[: count * frame].reshape(count, frame) ** 2).mean(1))
    loud = np.flatnonzero(level > max(0.001, level.max() * 0.03))  # 30 dB below the loudest frame
    if loud.size == 0:
        return samples[:0]
    keep = int(keep_s * SAMPLE_RATE)
    return samples[max(0, loud[0] * frame - keep) : (loud[-1] + 1) * frame + keep]


def join_pieces(pieces: Sequence[np.ndarray], pauses_s: Sequence[float]) -> np.ndarray:
    """Put pieces of one speaker in a row, with pauses made of their own background.

    A pause repeats the quietest 40 ms of the two pieces beside it forwards and backwards, so it
    holds their noise and no digital silence; short cross-fades keep the joints from clicking.

    Parameters
    ----------
    pieces : sequence of numpy.ndarray
        float32, shape ``[n]`` each, at `SAMPLE_RATE`.
    pauses_s : sequence of float
        Seconds between neighbours, one fewer than there are pieces.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[m]``.

    Raises
    ------
    ValueError
        If there are no pieces, or not one pause fewer.
    """
    if not pieces or len(pauses_s) != len(pieces) - 1:
        raise ValueError("join at least one piece, with one pause fewer than pieces")
    joined = pieces[0].astype(np.float32)
    for piece, pause in zip(pieces[1:], pauses_s, strict=True):
        grain = min((_quietest(joined), _quietest(piece)), key=lambda x: float((x**2).mean()))
        loop = np.concatenate([grain, grain[::-1]])
        gap = np.resize(loop, max(1, int(pause * SAMPLE_RATE)))
        joined = _crossfade(_crossfade(joined, gap), piece.astype(np.float32))
    return joined


def _quietest(samples: np.ndarray, length: int = SAMPLE_RATE // 25) -> np.ndarray:
    if len(samples) <= length:
        return samples
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(length), "valid")
    start = int(power.argmin())
    return samples[start : start + length]


def _crossfade(left: np.ndarray, right: np.ndarray, length: int = SAMPLE_RATE // 200) -> np.ndarray:
    n = min(length, len(left), len(right))
    if n == 0:
        return np.concatenate([left, right])
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    middle = left[-n:] * (1 - ramp) + right[:n] * ramp
    return np.concatenate([left[:-n], middle, right[n:]])


# Plans --------------------------------------------------------------------------------------------


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


def _files(group: Recordings) -> list[Path]:
    folder = Path(group.folder)
    pattern = re.compile(group.pattern)
    return [
        path
        for path in sorted(folder.rglob("*"))
        if pattern.fullmatch(path.relative_to(folder).as_posix())
        and not _NO_SPEECH.search(path.stem)
    ]


def read_recording(path: Path, raw: str | None = None) -> np.ndarray:
    """Samples of a recording at `SAMPLE_RATE`.

    Parameters
    ----------
    path : pathlib.Path
        An audio file.
    raw : str, optional
        FFmpeg's name of its form where it has no header, such as ``g722``.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n]``.
    """
    if raw is None:
        return decode(path).samples
    import av
    import soxr

    with av.open(str(path), format=raw) as container:
        stream = container.streams.audio[0]
        blocks = [frame.to_ndarray() for frame in container.decode(stream)]
        rate = stream.rate
    samples = np.concatenate(blocks, axis=1)[0].astype(np.float32) / 32768
    return np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), np.float32)


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
