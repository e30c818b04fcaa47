"""The licences of everything that is shipped or installed: ``python -m deploy.licences``.

Prints docs/licences.md from what is installed: every package that the requirements files lead to,
and every piece of data in the repository. Run it in a full environment (``./run check`` makes one).
"""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]

PARTS = (
    ("running", "requirements.txt"),
    ("training", "requirements-train.txt"),
    ("archives by Ray", "requirements-ray.txt"),
    ("tests and checks", "requirements-dev.txt"),
    ("the audit", "requirements-audit.txt"),
)
"""What a package is needed for, by the first of these files that leads to it."""

KNOWN = {
    "pyworld": "MIT",
    "scipy": "BSD-3-Clause",
    "altair": "BSD-3-Clause",
    "pypdfium2": "BSD-3-Clause OR Apache-2.0",
}
"""Where a package's own data do not say it in a word."""

BUNDLED = {
    "av": "its wheels hold FFmpeg (LGPL-2.1-or-later, with parts under the GPL by its build)",
    "soundfile": "its wheels hold libsndfile (LGPL-2.1-or-later)",
    "soxr": "holds libsoxr (LGPL-2.1-or-later)",
    "vl-convert-python": "holds Vega, Vega-Lite (BSD-3-Clause) and V8 (BSD-3-Clause)",
    "pypdfium2": "holds PDFium (BSD-3-Clause)",
    "c2pa-python": "holds c2pa-rs (MIT OR Apache-2.0)",
    "silero-vad": "holds the weights of Silero VAD (MIT)",
}
"""What a package brings along under a licence of its own."""

CUDA = ("nvidia-*", "cuda-*", "triton")
"""Come only with PyTorch's CUDA build, where its CPU index cannot be reached."""

DATA = (
    (
        "`examples/`",
        "five clips",
        "each has its own: [examples/LICENSES.md](../examples/LICENSES.md)",
    ),
    (
        "`tests/data/speech.flac`",
        "a clip for the tests",
        "[tests/data/LICENSES.md](../tests/data/LICENSES.md)",
    ),
    (
        "`data/models/embedded/`",
        "the embedded detector",
        "Apache-2.0, as the project; [its card](../data/models/embedded/MODEL_CARD.md) names what "
        "it was trained on",
    ),
    (
        "`data/benchmarks/`",
        "lists of public clips: places, hashes, labels, the licence of each",
        "Apache-2.0 (the lists; no sound is in them)",
    ),
    (
        "`data/results/`",
        "figures, published with their source or measured here",
        "Apache-2.0",
    ),
    (
        "`core/show/assets/`, `docs/images/`",
        "icon and pictures of the dashboard",
        "Apache-2.0",
    ),
)
"""Where, what, and under which licence."""


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(file: str) -> list[str]:
    """The requirements of a file, and of those that it names."""
    found = []
    for line in (ROOT / file).read_text("utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("-r "):
            found += required(line[3:].strip())
        elif line and not line.startswith("-"):
            found.append(line)
    return found


def closure(requirements: Iterable[str]) -> set[str]:
    """Names of all packages that these lead to in this environment."""
    waiting = [(Requirement(r), frozenset[str]()) for r in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted, extras = waiting.pop()
        marker = wanted.marker
        if marker and not any(marker.evaluate({"extra": e}) for e in extras or {""}):
            continue
        key = (normal(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        try:
            needs = metadata.requires(wanted.name) or []
        except metadata.PackageNotFoundError:
            continue  # of another system or Python
        seen.add(key)
        waiting += [(Requirement(n), key[1]) for n in needs]
    return {name for name, _ in seen}


def licence(name: str) -> str:
    """A package's licence by its own data, in a few words; empty where they do not say."""
    about = metadata.metadata(name)
    if name in KNOWN:
        return KNOWN[name]
    kinds = [c for c in about.get_all("Classifier") or [] if c.startswith("License :: ")]
    said = (about.get("License") or "").strip().splitlines()
    first = said[0].strip() if said else ""
    return (
        about.get("License-Expression")
        or ", ".join(c.split(" :: ")[-1] for c in kinds if c.count("::") > 1)
        or (first if len(first) <= 40 else "")
    )


def packages() -> dict[str, tuple[str, str]]:
    """What each package is needed for and its licence, by name."""
    found: dict[str, tuple[str, str]] = {}
    for part, file in PARTS:
        for name in sorted(closure(required(file)) - set(found)):
            if not any(fnmatch.fnmatch(name, pattern) for pattern in CUDA):
                found[name] = (part, licence(name))
    return found


def page() -> str:
    """docs/licences.md."""
    lines = [
        "# Licences",
        "",
        "Of all that is in the repository, and of every package that it installs. Made by",
        "`./run python -m deploy.licences > docs/licences.md` from what the packages say of",
        "themselves; a test fails where one lacks a row.",
        "",
        "## In the repository",
        "The project itself: Apache-2.0 ([LICENSE](../LICENSE)).",
        "",
        "| where | what | licence |",
        "|---|---|---|",
        *(f"| {where} | {what} | {under} |" for where, what, under in DATA),
        "",
        "Weights that are fetched on a visitor's word keep the licence of their home, which the",
        "page names before it fetches them.",
        "",
        "## Installed",
        "| package | needed for | licence | brings along |",
        "|---|---|---|---|",
        *(
            f"| {name} | {part} | {under} | {BUNDLED.get(name, '')} |"
            for name, (part, under) in sorted(packages().items())
        ),
        f"| {', '.join(CUDA)} | PyTorch's CUDA build | by NVIDIA's terms; triton is MIT | "
        "only where PyTorch's CPU index cannot be reached |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
