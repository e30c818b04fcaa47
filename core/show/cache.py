"""What is loaded once a process and shared by every session: detectors, examples, results.

Only public things live here. What a visitor uploads stays in that visitor's session
(`core.show.session`).
"""

from __future__ import annotations

import csv
import json
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.detect.decision import EVEN, Stance
from core.evaluate.tables import RESULTS, TABLES, TableError
from core.files import ROOT
from core.settings import settings
from core.show.server.queue import FairQueue, Place, QueuedTurn

if TYPE_CHECKING:
    import pandas as pd

    from core.audio.clip import Clip
    from core.detect.detection import Detection
    from core.detect.detector import Detector
    from core.detect.stream import Take

EXAMPLES = ROOT / "examples"
MODELS = ROOT / "data" / "models"


class _LoadedDetectors:
    """Loaded detectors by id, the latest last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loaded: dict[str, Detector] = {}


@st.cache_resource(show_spinner=False)
def _loaded_detectors() -> _LoadedDetectors:
    return _LoadedDetectors()


def detector(
    id: str = "embedded",
    progress: Callable[[float], None] | None = None,
    fetch: bool = False,
    labels: Mapping[str, str] | None = None,
    waiting: Callable[[], object] | None = None,
) -> Detector:
    """A detector, loaded once a process whatever the number of sessions.

    The collection is cached and not this function, because a cached function may not move a
    progress bar of the page that called it.

    Parameters
    ----------
    id : str
        As in the registry.
    progress : callable, optional
        Called with the share of a download that is done, 0-1.
    fetch : bool
        Whether weights that are not on this machine may be fetched.
    labels : mapping, optional
        What the classes of a classifier mean, where its visitor has said so.
    waiting : callable, optional
        Called twice a second while code of one's own loads; what it raises ends that.

    Raises
    ------
    DetectorError
        With a sentence for people; nothing is kept then.
    """
    from core.detect.registry import load_detector

    detectors = _loaded_detectors()
    key = id if not labels else f"{id} {sorted(labels.items())}"
    found = detectors.loaded.get(key)
    if found is not None:
        return found
    with detectors.lock:
        if key not in detectors.loaded:
            made = load_detector(id, labels=labels, progress=progress, fetch=fetch, waiting=waiting)
            surplus = len(detectors.loaded) + 1 - settings().detectors_kept
            for oldest in list(detectors.loaded)[: max(0, surplus)]:
                del detectors.loaded[oldest]
            detectors.loaded[key] = made
        return detectors.loaded[key]


def unload(id: str) -> None:
    """Drop a loaded detector; the next request loads it again."""
    detectors = _loaded_detectors()
    with detectors.lock:
        for key in [key for key in detectors.loaded if key.split(" ")[0] == id]:
            del detectors.loaded[key]


@st.cache_resource(show_spinner=False)
def _paces() -> dict[str, float]:
    return {}


def pace(shared: Detector, progress: Callable[[float], None] | None = None) -> float:
    """Seconds that a detector takes for a window on this machine, measured once on noise.

    Parameters and errors are those of `core.detect.detector.Detector.raw_scores`.
    """
    import numpy as np

    known = _paces()
    if shared.weights_sha256 not in known:
        noise = np.random.default_rng(0).normal(0, 0.01, shared.window).astype(np.float32)
        start = time.perf_counter()
        shared.raw_scores(noise, [(0, len(noise))], progress=progress)
        known[shared.weights_sha256] = time.perf_counter() - start
    return known[shared.weights_sha256]


@st.cache_resource(show_spinner=False)
def judging_queue() -> FairQueue:
    """The queue of all sessions for judging clips."""
    found = settings()
    return FairQueue(found.concurrent_inferences, found.queue_length)


@st.cache_resource(show_spinner=False)
def reading_queue() -> FairQueue:
    """The queue of all sessions for reading files."""
    found = settings()
    return FairQueue(found.decode_processes, found.queue_length, "read")


def queued_turn(
    waiting: Callable[[Place], object] | None = None,
    patient: bool = False,
    queue: FairQueue | None = None,
) -> QueuedTurn:
    """A turn of this session in a queue, as a context manager for each inference or each file.

    Parameters and errors are those of `FairQueue.turn`; the queue is that for judging
    unless another is given.
    """
    session = get_script_run_ctx(suppress_warning=True)
    owner = session.session_id if session else threading.get_ident()
    return QueuedTurn(queue or judging_queue(), owner, waiting, patient)


def read(
    data: bytes,
    name: str,
    *,
    track: int | None = None,
    progress: Callable[[float], None] | None = None,
    waiting: Callable[[Place], object] | None = None,
) -> Clip:
    """Decode a visitor's file in a process of its own, in this session's turn.

    Parameters and errors are those of `core.audio.isolated.decode_safely` and
    `core.show.server.queue.FairQueue.turn`; what ``progress`` or ``waiting`` raise stops the
    decoding.
    """
    from core.audio.isolated import decode_safely

    with queued_turn(waiting, queue=reading_queue()):
        return decode_safely(data, name=name, track=track, progress=progress)


@st.cache_resource(show_spinner=False)
def takes() -> weakref.WeakSet[Take]:
    """Live takes of all sessions; the sessions themselves keep them."""
    return weakref.WeakSet()


def detect(
    clip: Clip,
    shared: Detector,
    *,
    stance: Stance = EVEN,
    hop_s: float | None = None,
    progress: Callable[[float], None] | None = None,
    waiting: Callable[[Place], object] | None = None,
) -> Detection:
    """Judge a clip with a detector that other sessions use too, in this session's turn.

    Parameters and errors are those of `core.detect.detector.Detector.detect` and
    `core.show.server.queue.FairQueue.turn`.
    """
    with queued_turn(waiting):
        return shared.detect(clip, stance=stance, hop_s=hop_s, progress=progress)


@dataclass(frozen=True)
class Example:
    """One row of ``examples/examples.csv``.

    Attributes
    ----------
    path : pathlib.Path
        The clip.
    order : int
        From 1, easy to hard.
    label : str
        ``bona fide`` or ``spoof``: what the clip is in truth.
    title, system, licence, lesson : str
        For people; ``system`` made the speech, ``lesson`` says what to learn from it.
    """

    path: Path
    order: int
    label: str
    title: str
    system: str
    licence: str
    lesson: str


def examples() -> list[Example]:
    """The example clips in order; empty where there are none."""
    table = EXAMPLES / "examples.csv"
    try:
        return list(_examples(str(table), _stamp(table))) if table.is_file() else []
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise TableError(f"The table examples/examples.csv cannot be read: {error!r}.") from error


@st.cache_resource(show_spinner=False)
def _examples(table: str, stamp: float) -> list[Example]:
    folder = Path(table).parent
    with open(table, encoding="utf-8", newline="") as file:
        rows = [
            Example(
                path=folder / Path(row["file"]).name,
                order=int(row["order"]),
                label=row["label"],
                title=row["title"],
                system=row["system"],
                licence=row["licence"],
                lesson=row["lesson"],
            )
            for row in csv.DictReader(file)
        ]
    return sorted((row for row in rows if row.path.is_file()), key=lambda row: row.order)


def results(name: str) -> pd.DataFrame | None:
    """Figures of ``data/results/<name>.csv``, one row per figure; None without such a file.

    Errors as in `table`.
    """
    known = Path(name).name in TABLES and (RESULTS / f"{Path(name).name}.csv").is_file()
    return table(Path(name).name) if known else None


def table(name: str) -> pd.DataFrame:
    """A checked table of ``data/results``; read again when its file changes.

    Raises
    ------
    core.evaluate.tables.TableError
        With a sentence, if the file is missing or breaks its schema.
    """
    path = RESULTS / f"{name}.csv"
    return _table(name, str(RESULTS), _stamp(path) if path.is_file() else 0.0)


@st.cache_resource(show_spinner=False, max_entries=64)  # shared: callers copy before they change it
def _table(name: str, folder: str, stamp: float) -> pd.DataFrame:
    from core.evaluate.tables import load

    return load(name, Path(folder))


def figures() -> pd.DataFrame:
    """Every figure of the checked tables with what is known of its attack, codec and vocoder.

    Errors as in `table`.
    """
    names = ("published_eer", "measured", "embedded", "attacks", "codecs", "vocoders")
    files = [RESULTS / f"{name}.csv" for name in names]
    stamps = tuple(_stamp(path) if path.is_file() else 0.0 for path in files)
    return _figures(str(RESULTS), stamps)


@st.cache_resource(show_spinner=False, max_entries=4)
def _figures(folder: str, stamps: tuple[float, ...]) -> pd.DataFrame:
    from core.evaluate.tables import described, load_figures

    return described(load_figures(Path(folder)), Path(folder))


def model_config(id: str) -> dict[str, Any]:
    """The configuration in a shipped model's directory; empty where there is none."""
    path = MODELS / Path(id).name / "config.json"
    return dict(_model_config(str(path), _stamp(path))) if path.is_file() else {}


@st.cache_resource(show_spinner=False)
def _model_config(path: str, stamp: float) -> dict[str, Any]:
    return json.loads(Path(path).read_text("utf-8"))


def _stamp(path: Path) -> float:
    """Modification time, so that a file that changes on disk is read again."""
    return path.stat().st_mtime
