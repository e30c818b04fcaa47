"""Which detectors there are, and where their weights are at home."""

from __future__ import annotations

from collections.abc import Mapping

from core.detect.model_config import DetectorError
from core.detect.own import is_code
from core.detect.registry.added import added
from core.detect.registry.entry import Entry
from core.detect.registry.field import FIELD

PUBLISHED = Entry(
    id="wav2vec2-base-asvspoof2019",
    name="wav2vec2-base, ASVspoof 2019 LA (published)",
    summary="The published wav2vec2-base detector with mean pooling and a linear head.",
    home="Sara1708/deepfake-audio-wav2vec2",
    file="stage2_best.pt",
    bytes=491_044_441,
    licence="Apache-2.0 (model card)",
    tested="Its network was tested on random weights; its published weights never ran here.",
    published="wav2vec2-base stage 2 (published)",
    arena="wav2vec2-base stage 2 (published)",
)


AASIST_COMMIT = "a04c9863f63d44471dde8a6abcb3b082b07cd1d1"

AASIST_WEIGHTS = f"https://raw.githubusercontent.com/clovaai/aasist/{AASIST_COMMIT}/models/weights/"

_RAN = (
    "Its published weights ran here: their scores are those of its authors' code, and its error "
    "rates were measured on the benchmarks of this project."
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
    revision=AASIST_COMMIT,
    licence="MIT",
    tested=_RAN,
    published="AASIST",
    arena="AASIST",
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
    revision=AASIST_COMMIT,
    licence="MIT",
    tested=_RAN,
    published="AASIST-L",
    arena="AASIST-L",
)


ENTRIES: Mapping[str, Entry] = {
    entry.id: entry
    for entry in (
        Entry(
            id="embedded",
            name="Embedded detector",
            summary="Ships with the project and needs no network.",
            licence="Apache-2.0",
            tested="Trained and measured here; its model card says on what.",
        ),
        PUBLISHED,
        AASIST,
        AASIST_L,
        *FIELD,
        *added(),
    )
}


def list_detectors() -> list[Entry]:
    """Every registered detector, the embedded one first."""
    return list(ENTRIES.values())


INT8 = "-int8"
"""How ids end of networks over an encoder in 8-bit integers, see `core.detect.eight_bit`."""


def in_8_bit(id: str) -> Entry | None:
    """The entry that an id means in 8-bit integers, None where it means none."""
    entry = ENTRIES.get(id.removesuffix(INT8)) if id.endswith(INT8) else None
    return entry if entry is not None and entry.network else None


PRECISIONS = {"embedded-int8": "int8", "embedded-fp32": "onnx"}
"""The embedded detector by the precision in which it runs -> the engine that runs it so."""


def check_engine(id: str, engine: str | None) -> None:
    """Refuse an engine that does not run a detector; model directories name their own.

    Raises
    ------
    DetectorError
        With those that do.
    """
    entry = ENTRIES.get(id)
    if is_code(entry.code if entry is not None else id):
        runs: tuple[str, ...] = ()
    elif id in PRECISIONS:
        runs = (PRECISIONS[id],)
    elif in_8_bit(id) is not None:
        runs = ("int8",)
    else:
        runs = ("torch", "int8") if entry is not None and entry.network else ("torch",)
    if engine and engine not in runs:
        what = f"runs by {' or '.join(runs)} only" if runs else "is code, which no engine runs"
        raise DetectorError(f"'{id}' {what}: leave out the engine '{engine}'.")


def is_registered(id: str) -> bool:
    """Whether an id is one of the registry, and no folder, file or address."""
    return id in ENTRIES or id in PRECISIONS or in_8_bit(id) is not None
