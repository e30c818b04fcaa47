"""Which classes of a classifier are bona fide, and which spoof."""

from __future__ import annotations

from collections.abc import Mapping

BONA_FIDE_WORDS = {"bonafide", "real", "human", "genuine", "authentic", "natural", "original"}
SPOOF_WORDS = {
    "spoof",
    "spoofed",
    "fake",
    "deepfake",
    "synthetic",
    "synthesized",
    "generated",
    "ai",
    "aivoice",
    "aigenerated",
    "machine",
    "cloned",
}


class LabelError(ValueError):
    """Class names that do not say which is bona fide and which spoof."""


def class_indices(
    id2label: Mapping[int, str], labels: Mapping[str, str] | None = None
) -> tuple[list[int], list[int]]:
    """Which outputs of a classifier mean bona fide, and which spoof.

    Parameters
    ----------
    id2label : mapping of int to str
        The classifier's own names.
    labels : mapping of str to str, optional
        The user's word on a name: ``{"LABEL_0": "spoof", "LABEL_1": "bonafide"}``.

    Returns
    -------
    (list of int, list of int)
        Output indices of bona fide and of spoof, each at least one, covering every output.

    Raises
    ------
    LabelError
        If a name cannot be mapped; the message lists the names.
    """
    bona_fide: list[int] = []
    spoof: list[int] = []
    for index, label in id2label.items():
        given = (labels or {}).get(label)
        word = "".join(c for c in (given or label).lower() if c.isalnum())
        if word in BONA_FIDE_WORDS:
            bona_fide.append(int(index))
        elif word in SPOOF_WORDS:
            spoof.append(int(index))
    if not bona_fide or not spoof or len(bona_fide) + len(spoof) != len(id2label):
        names = ", ".join(repr(name[:60]) for name in list(id2label.values())[:10])
        raise LabelError(
            f"The model's classes are {names}, which cannot all be read as bona fide or spoof. "
            "Say which is which, for example labels={'LABEL_0': 'bonafide', 'LABEL_1': 'spoof'}."
        )
    return bona_fide, spoof
