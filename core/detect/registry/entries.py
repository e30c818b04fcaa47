"""Which detectors there are, and where their weights are at home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.files import ROOT
from core.settings import settings

EMBEDDED = ROOT / "data" / "models" / "embedded"


@dataclass(frozen=True)
class Entry:
    """A detector that can be loaded by id.

    Attributes
    ----------
    id, name : str
        For programs and for people.
    summary : str
        One sentence.
    home : str
        Where the weights are published; empty where they ship with the project.
    file : str
        Name of the weights file.
    bytes : int
        Its published size.
    url, sha256 : str
        Address and hash of the weights file, where both are known beforehand.
    licence : str
        Of the weights, as their publisher states it.
    published : str
        Its name in the tables of published results; empty where it has none.
    """

    id: str
    name: str
    summary: str
    home: str = ""
    file: str = ""
    bytes: int = 0
    url: str = ""
    sha256: str = ""
    licence: str = ""
    published: str = ""

    @property
    def path(self) -> Path:
        """Where the weights lie once fetched or put in place."""
        return EMBEDDED if self.id == "embedded" else models_home() / self.id / self.file

    @property
    def ready(self) -> bool:
        """Whether the weights are on this machine, by name and size; what they hold comes later."""
        if not self.file:
            return (self.path / "config.json").is_file()
        return self.path.is_file() and self.path.stat().st_size == self.bytes

    @property
    def size(self) -> str:
        """Size of the weights file for people."""
        megabytes = self.bytes / 1e6
        return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"


PUBLISHED = Entry(
    id="wav2vec2-base-asvspoof2019",
    name="wav2vec2-base, ASVspoof 2019 LA (published)",
    summary="The published wav2vec2-base detector with mean pooling and a linear head.",
    home="Sara1708/deepfake-audio-wav2vec2",
    file="stage2_best.pt",
    bytes=491_044_441,
    licence="Apache-2.0 (model card)",
    published="wav2vec2-base stage 2 (published)",
)


AASIST_WEIGHTS = (
    "https://raw.githubusercontent.com/clovaai/aasist/"
    "a04c9863f63d44471dde8a6abcb3b082b07cd1d1/models/weights/"
)


AASIST = Entry(
    id="aasist",
    name="AASIST, ASVspoof 2019 LA (published)",
    summary="The published AASIST detector: graph attention over a raw-waveform encoder.",
    home="clovaai/aasist",
    file="AASIST.pth",
    bytes=1_281_532,
    url=f"{AASIST_WEIGHTS}AASIST.pth",
    sha256="51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0",
    licence="MIT",
    published="AASIST",
)


AASIST_L = Entry(
    id="aasist-l",
    name="AASIST-L, ASVspoof 2019 LA (published)",
    summary="The published light variant of AASIST, with 85,306 parameters.",
    home="clovaai/aasist",
    file="AASIST-L.pth",
    bytes=426_428,
    url=f"{AASIST_WEIGHTS}AASIST-L.pth",
    sha256="814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a",
    licence="MIT",
    published="AASIST-L",
)


ENTRIES: Mapping[str, Entry] = {
    entry.id: entry
    for entry in (
        Entry(
            id="embedded",
            name="Embedded detector",
            summary="Ships with the project and needs no network.",
            licence="Apache-2.0",
        ),
        PUBLISHED,
        AASIST,
        AASIST_L,
    )
}


def models_home() -> Path:
    """Folder of fetched weights: ``$SPOOFSCOPE_MODELS``, or a cache folder of the user."""
    given = settings().models
    return Path(given) if given else Path.home() / ".cache" / "spoofscope" / "models"


def list_detectors() -> list[Entry]:
    """Every registered detector, the embedded one first."""
    return list(ENTRIES.values())


def is_named(id: str) -> bool:
    """Whether an id is one that this project gave, and no folder, file or address."""
    return id in ENTRIES or id in ("embedded-int8", "embedded-fp32")
