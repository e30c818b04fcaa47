"""Human recordings that Debian packages carry: prompts, games, drawing programs, test material."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

_NO_SPEECH = re.compile(r"(^|[/_-])(beep|tone|ascending|descending|silence|monkey|screech|zip)")


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


def files_of(group: Recordings) -> list[Path]:
    """The recordings of a group that are installed, in order."""
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
