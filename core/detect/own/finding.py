"""Where the code of a detector of one's own is: ``module:object``, ``FILE.py`` or with an object.

Code is run only where whoever runs the program names it: an installed package, a setting, an
option of a command. No name that a visitor types comes here.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from core.audio.clip import SAMPLE_RATE
from core.detect.detector import Detector
from core.detect.feeds import Feed
from core.detect.model_config import DetectorError
from core.detect.own.engine import OwnEngine
from core.detect.own.scorer import Said, made_of, why

PREFIX = "own:"
"""How ids of such detectors begin, so that none is taken for one of this project."""

_FILE = re.compile(r"(.+\.py)(?::([A-Za-z_][\w.]*))?")
_MODULE = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)")
_TAKEN = ("hub:", PREFIX)


def is_code(name: str) -> bool:
    """Whether a detector's name means Python code."""
    return not name.startswith(_TAKEN) and bool(_FILE.fullmatch(name) or _MODULE.fullmatch(name))


def id_of(name: str) -> str:
    """The id of the detector that a name means: of its object, else of its file."""
    file, module = _FILE.fullmatch(name), _MODULE.fullmatch(name)
    if file is not None:
        last = (file[2] or Path(file[1]).stem).split(".")[-1]
    else:
        last = module[2].split(".")[-1] if module is not None else name
    return PREFIX + re.sub(r"[^a-z0-9_.-]+", "-", last.lower())[:60]


def load_own(name: str, id: str = "", waiting: Callable[[], object] | None = None) -> Detector:
    """The detector that a name means; its code runs in a process of its own.

    Parameters
    ----------
    name : str
        ``module:object``, ``FILE.py:object`` or ``FILE.py``, whose object ``detector`` is taken,
        else the module itself.
    id : str, optional
        In the registry; by default `id_of` the name.
    waiting : callable, optional
        Called twice a second while it loads; what it raises ends that.

    Raises
    ------
    DetectorError
        With a sentence that says what is wrong and what to do.
    """
    engine = OwnEngine(lasting(name), id_of(name).removeprefix(PREFIX), waiting)
    said = engine.said
    hop = max(said.window // 2, SAMPLE_RATE // 20)
    return Detector(
        id=id or id_of(name),
        name=said.name,
        network=engine,
        weights_sha256=said.sha256,
        feed=Feed(said.window, hop=hop, short=said.short),
        log_odds=said.log_odds,
    )


def lasting(name: str) -> str:
    """The same name with the whole path of its file, so that it holds in any folder."""
    file = _FILE.fullmatch(name) if is_code(name) else None
    if file is None:
        return name
    return os.path.abspath(file[1]) + (f":{file[2]}" if file[2] else "")


def run_code(name: str) -> tuple[Said, Any]:
    """Run the code that a name means, here: what its scorer says of itself, and what scores.

    Parameters and errors are those of `load_own`.
    """
    file, module = _FILE.fullmatch(name), _MODULE.fullmatch(name)
    if file is not None:
        made, wanted = _from_file(Path(file[1])), file[2] or ""
    elif module is not None:
        made, wanted = _imported(module[1]), module[2]
    else:
        raise DetectorError(f"'{name}' is neither FILE.py nor module:object.")
    found: Any = made
    if not wanted:
        found = getattr(made, "detector", made)
    for part in filter(None, wanted.split(".")):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise DetectorError(f"There is no '{part}' in {_short(name)}.") from error
    source = getattr(made, "__file__", None)
    label = id_of(name).removeprefix(PREFIX)
    return made_of(found, label, wanted or "detector", [Path(source)] if source else [])


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BaseException as error:  # what others wrote may raise anything
        raise DetectorError(
            f"The module {name} cannot be loaded: {why(error)} "
            "Install its package, or name a file: FILE.py:object."
        ) from error


def _from_file(path: Path) -> ModuleType:
    if not os.path.isfile(path):  # no error for a name too long
        raise DetectorError(f"There is no file {path}.")
    path = path.resolve()
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    name = f"spoofscope_own_{digest}"
    if str(path.parent) not in sys.path:  # as for a script, whose neighbours it may import
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DetectorError(f"{path.name} is no Python file.")
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made  # dataclasses and pickles look there
    try:
        spec.loader.exec_module(made)
    except BaseException as error:
        del sys.modules[name]
        raise DetectorError(f"{path.name} cannot be loaded: {why(error)}") from error
    return made


def _short(name: str) -> str:
    """A detector's name without the folders before its file."""
    return name.rsplit("/", 1)[-1]
