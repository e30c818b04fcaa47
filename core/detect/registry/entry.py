"""What is known of a detector before it is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.files import ROOT
from core.settings import settings

EMBEDDED = ROOT / "data" / "models" / "embedded"


def models_home() -> Path:
    """Folder of fetched weights: ``$SPOOFSCOPE_MODELS``, or a cache folder of the user."""
    given = settings().models
    return Path(given) if given else Path.home() / ".cache" / "spoofscope" / "models"


@dataclass(frozen=True)
class Entry:
    """A detector that is known by its id.

    Attributes
    ----------
    id, name : str
        For programs and for people.
    summary : str
        One sentence.
    home : str
        Where the weights are published: the model hub's OWNER/NAME, or an address; empty where they
        ship with the project.
    file : str
        Name of the weights file; here too, where its publisher's is not known.
    bytes : int
        Its published size; 0 where no source that could be read gives it.
    url, sha256 : str
        Address and hash of the weights file, where both are known beforehand.
    revision : str
        Commit at the model hub, whole, or its beginning where a source gives no more; that one is
        then not asked for.
    licence : str
        Of the weights, as their publisher states it.
    commercial : bool
        False where the licence forbids commercial use.
    published, arena : str
        Its name in the tables of published results, and in that of the arena; empty where it has
        none.
    network : str
        The head over an encoder, by `core.detect.feeds.FEEDS`; empty for other networks.
    parameters : int
        Of the network, to say how large its weights are where nobody does; 0 where not needed.
    classifier : bool
        Whether it is a `transformers` audio classifier, loaded by its configuration.
    tested : str
        What was tested of it here, and what was not.
    obstacle : str
        Why it cannot be run here; empty where it can.
    code : str
        Python code that whoever runs the program added as a detector, see `core.detect.own`.
    """

    id: str
    name: str
    summary: str
    home: str = ""
    file: str = ""
    bytes: int = 0
    url: str = ""
    sha256: str = ""
    revision: str = ""
    licence: str = ""
    commercial: bool = True
    published: str = ""
    arena: str = ""
    network: str = ""
    parameters: int = 0
    classifier: bool = False
    tested: str = ""
    obstacle: str = ""
    code: str = ""

    @property
    def path(self) -> Path:
        """Where the weights lie once fetched or put in place."""
        return EMBEDDED if self.id == "embedded" else models_home() / self.id / self.file

    @property
    def ready(self) -> bool:
        """Whether the weights are on this machine, by name and size; what they hold comes later."""
        if self.obstacle:
            return False
        if self.code:
            return True
        if self.id == "embedded":
            return os.path.isfile(self.path / "config.json")
        there = os.path.isfile(self.path)
        return there and (not self.bytes or self.path.stat().st_size == self.bytes)

    @property
    def fetchable(self) -> bool:
        """Whether its weights can be fetched by this program; others are put in place by hand."""
        return bool(
            self.file and not self.obstacle and (self.url or not self.home.startswith("http"))
        )

    @property
    def size(self) -> str:
        """Size of the weights file for people."""
        if not self.bytes and not self.parameters:
            return "weights of unknown size"
        megabytes = (self.bytes or 4 * self.parameters) / 1e6
        about = "" if self.bytes else "about "
        if megabytes >= 1000:
            return f"{about}{megabytes / 1000:.1f} GB"
        return f"{about}{megabytes:.0f} MB" if megabytes >= 10 else f"{about}{megabytes:.1f} MB"

    @property
    def state(self) -> str:
        """Whether it can judge on this machine, in a few words."""
        if self.obstacle:
            return "cannot be run"
        return "on this machine" if self.ready else f"needs {self.size}"

    @property
    def terms(self) -> str:
        """What is said before its weights are fetched: from where, and under which licence."""
        forbidden = "" if self.commercial else " Its licence forbids commercial use."
        return (
            f"{self.name} comes from {self.home} ({self.size}). Licence: {self.licence}.{forbidden}"
        )
