"""The workers by Ray Data, on this machine or on a cluster: paths go out, rows come back."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import socket
import tempfile
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.detect.own import is_code, lasting
from core.files import CODE
from core.score.judging import THREADS, failed, identity, judge, one_thread, read
from core.score.manifest import ArchiveError, Item
from core.score.pool import DIED
from core.settings import PREFIX, variable

SHIPPED = ("core", "data", "pyproject.toml")
"""What a cluster is sent of this project: the code and the detector."""

TASK = 16
"""Most files in one task. Their rows come back one by one all the same."""

PART = 100_000
"""Most files in one data set, since Ray keeps a note of every task."""

STORE_BYTES = 100_000_000
"""Ray's shared memory on this machine; only paths and rows pass through it."""

MISSING = (
    "Ray is not installed. Install it with: pip install -r requirements-ray.txt. Without it, "
    "--executor processes scores the same archive on this machine."
)


def run(
    items: Sequence[Item],
    detector: str,
    settings: dict[str, Any],
    processes: int | None,
    engine: str | None = None,
    address: str | None = None,
) -> Generator[tuple[Item, list[dict[str, Any]]], None, None]:
    """Rows of files, in the order in which they are finished.

    Parameters
    ----------
    items : sequence of Item
        What to score.
    detector, settings, engine
        As for `core.score.pool.run`.
    processes : int, optional
        Workers; one per core of this machine or of the cluster by default.
    address : str, optional
        Of a running cluster, as for ``ray.init``; a Ray of this machine's own by default.

    Yields
    ------
    (Item, list of dict)
        Each item once.

    Raises
    ------
    ArchiveError
        If Ray is missing, out of reach or gives up.
    """
    with _started(address, processes) as cores:
        workers = processes or cores
        given = (_lasting(detector), settings, engine)
        for begin in range(0, len(items), PART):
            part = list(items[begin : begin + PART])
            size = max(1, min(TASK, len(part) // (4 * workers)))
            left = dict(enumerate(part))
            # What was in hand when a worker died comes back alone; what then kills another is bad.
            for files in (size, 1):
                for place, rows in _rows(left, files, workers, given):
                    yield left.pop(place), rows
            for item in left.values():
                yield item, failed(settings, DIED)


class Judge:
    """One worker: loads the detector once, then scores files in one thread.

    Parameters
    ----------
    detector : str
    settings : dict
    engine : str or None
        As for `run`.
    """

    def __init__(self, detector: str, settings: dict[str, Any], engine: str | None) -> None:
        one_thread()
        from core.detect.registry import load_detector

        self._settings = settings
        self._detector = load_detector(detector, engine=engine, code=True)
        own = identity(self._detector)
        wrong = sorted(k for k, v in own.items() if v != settings[k])
        if wrong:
            raise RuntimeError(
                f"The detector on {socket.gethostname()} is another one ({', '.join(wrong)})."
            )
        self._reader = ThreadPoolExecutor(1)

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, list[Any]]]:
        """Rows of one task's files, each as soon as it is there; the next is decoded meanwhile."""
        files = [str(file) for file in batch["file"]]
        clips = [self._reader.submit(read, file, self._settings) for file in files[:1]]
        for i, place in enumerate(batch["place"]):
            clip = clips.pop().result()
            clips += [
                self._reader.submit(read, file, self._settings) for file in files[i + 1 : i + 2]
            ]
            rows = judge(self._detector, clip, self._settings)
            yield {"place": [int(place)], "rows": [json.dumps(rows)]}


def _rows(
    left: dict[int, Item], files: int, workers: int, given: tuple[Any, ...]
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Rows of what is left, by place; what was in the hands of the dead is missing."""
    import ray

    if not left:
        return
    tasks = -(-len(left) // files)
    paths = [{"place": place, "file": item.file} for place, item in left.items()]
    try:
        with warnings.catch_warnings():  # Ray 2.64 will name `max_task_retries` otherwise
            warnings.simplefilter("ignore", DeprecationWarning)
            scored = ray.data.from_items(paths, override_num_blocks=tasks).map_batches(
                Judge,
                fn_constructor_args=given,
                batch_size=None,
                compute=ray.data.ActorPoolStrategy(
                    size=min(workers, tasks),
                    max_tasks_in_flight_per_actor=1 if files == 1 else 2,
                ),
                num_cpus=1,
                max_task_retries=0,  # a file that kills its worker must not be tried for ever
            )
        for batch in scored.iter_batches(batch_size=None, prefetch_batches=0):
            for place, rows in zip(batch["place"], batch["rows"], strict=True):
                yield int(place), json.loads(rows)
    except ray.exceptions.RayError as error:
        last = str(error).strip().splitlines()[-1]
        raise ArchiveError(f"Ray gave up ({last}). The same command goes on from here.") from error


@contextlib.contextmanager
def _started(address: str | None, processes: int | None) -> Iterator[int]:
    """Ray for as long as the context lasts; gives its cores."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ArchiveError(MISSING) from error
    variables = {**_environment(), **THREADS, "RAY_USAGE_STATS_ENABLED": "0"}
    folder = None
    tries = 1
    if address is None:
        tries = 3  # it gives up after half a minute, which a busy machine may need
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else it keeps a file
        # Short, since it holds sockets; and Ray's own folder would outlive the run.
        folder = tempfile.mkdtemp(prefix="spoofscope-", dir="/tmp")
        options: dict[str, Any] = {
            "address": "local",
            "num_cpus": processes or os.cpu_count() or 1,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
            "_temp_dir": folder,
            "_system_config": {"worker_niceness": 0},  # as processes without Ray
            "runtime_env": {"env_vars": {**variables, "PYTHONPATH": os.pathsep.join(_paths())}},
        }
    else:
        _reach(address)
        kept = [f"/{p.name}" for p in CODE.iterdir() if p.name not in SHIPPED]
        options = {
            "address": address,
            "runtime_env": {
                "env_vars": variables, "working_dir": str(CODE), "excludes": kept,
            },
        }  # fmt: skip
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    try:
        for attempt in range(1, tries + 1):
            try:
                ray.init(**options, log_to_driver=False, logging_level=logging.CRITICAL)
                break
            except Exception as error:  # of any kind, bare ones among them
                ray.shutdown()
                if attempt == tries:
                    where = f"at {address} did not let this run in" if address else "did not start"
                    raise ArchiveError(f"Ray {where}: {error}") from error
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.max_errored_blocks = -1  # whatever a dead worker had in hand is done again
        context.target_max_block_size = 1  # every row comes back by itself
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _reach(address: str) -> None:
    """A sentence at once where nothing listens, for which Ray itself takes minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ArchiveError(
            f"No Ray answers at {address} ({error}). Give the address that `ray start --head` "
            "printed, with its port."
        ) from error


def _lasting(detector: str) -> str:
    """A detector's path as it is named in any folder; an id stays what it is."""
    if is_code(detector):
        return lasting(detector)
    return str(Path(detector).absolute()) if os.path.exists(detector) else detector


def _paths() -> list[str]:
    """Where this program and code that it was given are looked for."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(CODE), *(os.path.abspath(path) for path in given if path)]


def _environment() -> dict[str, str]:
    """What is set here for this program, with paths that hold in any folder."""
    own = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    if code := own.get(variable("detectors")):
        own[variable("detectors")] = ",".join(lasting(spec.strip()) for spec in code.split(","))
    if models := own.get(variable("models")):
        own[variable("models")] = os.path.abspath(models)
    return own
