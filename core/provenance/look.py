"""Everything about one file, in this process: only for files that one trusts."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from core.provenance.credentials import read_credentials
from core.provenance.found import Provenance, Sign
from core.provenance.native import MOST_S, read_native
from core.provenance.sound import look
from core.provenance.tags import read_tags

NO_LIBRARY = "Content Credentials are not read here: the package c2pa-python is not installed."


def look_into(
    file: BinaryIO, anchors: str = "", first: Callable[[Provenance], None] | None = None
) -> Provenance:
    """Credentials, tags, and traces in the samples of a file.

    Parameters
    ----------
    file : binary file object
        Seekable.
    anchors : str
        Certificates of the trust list as PEM; may be empty.
    first : callable, optional
        Given what credentials say, and then tags, too, before the samples are looked at.
    """
    notes: list[str] = []
    credentials = None
    try:
        credentials = read_credentials(file, anchors)
    except ImportError:
        notes.append(NO_LIBRARY)
    if first is not None and credentials is not None:
        first(Provenance(credentials, notes=tuple(notes)))
    signs, personal = read_tags(file)
    if first is not None:
        first(Provenance(credentials, tuple(_in_order(signs)), tuple(personal), tuple(notes)))
    sound = read_native(file)
    if sound is None:
        notes.append("The file's samples could not be looked at.")
    else:
        signs = [*signs, *look(sound)]
        if not sound.whole:
            notes.append(f"Of the sound only the first {MOST_S / 60:g} minutes were looked at.")
    return Provenance(credentials, tuple(_in_order(signs)), tuple(personal), tuple(notes))


def _in_order(signs: list[Sign]) -> list[Sign]:
    """What the tags declare first."""
    return sorted(signs, key=lambda s: not s.code.startswith(("declares", "synthesiser")))
