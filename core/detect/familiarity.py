"""How far a clip lies from what a detector was trained on.

Embeddings are whitened with the covariance of the training clips and compared with the nearest of
a few centres of training speech. The distances of development clips, whose systems and speakers
the detector never saw, say what is usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.detect.detection import Familiarity
from core.detect.weights import arrays_in


@dataclass(frozen=True)
class FamiliarityMeasure:
    """Distance to training speech, and what is usual.

    Attributes
    ----------
    mean : numpy.ndarray
        float32, shape ``[d]``.
    whiten : numpy.ndarray
        float32, shape ``[d, k]``: principal directions over their standard deviations.
    centres : numpy.ndarray
        float32, shape ``[c, k]``, in the whitened space.
    usual : numpy.ndarray
        float32, shape ``[m]``: sorted distances of development clips.
    edge, unfamiliar : float
        Percentiles from which a clip is at the edge, and beyond, of what is known.
    families : numpy.ndarray, optional
        float32, shape ``[f, k]``: mean of each generator family of the training data, whitened.
    family_names : tuple of str
        Their names.
    """

    mean: np.ndarray
    whiten: np.ndarray
    centres: np.ndarray
    usual: np.ndarray
    edge: float = 95.0
    unfamiliar: float = 99.0
    families: np.ndarray | None = None
    family_names: tuple[str, ...] = ()

    def nearest(self, embedding: np.ndarray, count: int = 3) -> tuple[str, ...]:
        """Families of generators in training whose mean lies nearest to an embedding ``[d]``."""
        if self.families is None:
            return ()
        x = (np.asarray(embedding, np.float64) - self.mean) @ self.whiten
        order = np.argsort(((self.families - x) ** 2).mean(axis=1), kind="stable")
        return tuple(self.family_names[i] for i in order[:count])

    def distance(self, embeddings: np.ndarray) -> np.ndarray:
        """Distances ``[n]`` of embeddings ``[n, d]`` to the nearest centre, per dimension RMS."""
        x = (np.asarray(embeddings, np.float64) - self.mean) @ self.whiten
        squared = ((x[:, None, :] - self.centres[None]) ** 2).mean(axis=2)
        return np.sqrt(squared.min(axis=1))

    def __call__(self, embedding: np.ndarray) -> Familiarity:
        """Familiarity of one clip from its mean embedding ``[d]``."""
        distance = float(self.distance(np.asarray(embedding)[None])[0])
        return self.at(distance, self.nearest(embedding))

    def at(self, distance: float, near: tuple[str, ...] = ()) -> Familiarity:
        """Familiarity of a clip at this distance, with these families nearest to it."""
        percentile = float(100 * np.searchsorted(self.usual, distance) / len(self.usual))
        if percentile < self.edge:
            return Familiarity(distance, percentile, "familiar", near)
        # beyond all development clips the rank says no more, so distance decides
        beyond = percentile >= self.unfamiliar
        return Familiarity(distance, percentile, "unfamiliar" if beyond else "edge", near)


def load(directory: str | Path, config: Mapping[str, Any]) -> FamiliarityMeasure:
    """Load the measure that a model's configuration names.

    Parameters
    ----------
    directory : path-like
        The model's folder.
    config : mapping
        ``file``, and optionally the percentiles ``edge`` and ``unfamiliar``.

    Raises
    ------
    ValueError
        If the file is damaged, lacks an array, or holds arrays that do not go together.
    """
    arrays = arrays_in(directory, config, ("mean", "whiten", "centres", "usual"))
    named = len(config.get("families", []))
    size, kept = (*arrays["whiten"].shape, 0, 0)[:2]
    shapes = {
        "mean": (size,),
        "whiten": (size, kept),
        "centres": (len(arrays["centres"]) if arrays["centres"].ndim else 0, kept),
        "usual": (arrays["usual"].size,),
        "families": (named, kept),
    }
    for name, array in arrays.items():
        if name in shapes and (array.shape != shapes[name] or not np.isfinite(array).all()):
            raise ValueError(f"its array '{name}' has another shape, or holds what is no number.")
    if not arrays["usual"].size or not arrays["centres"].size:
        raise ValueError("it knows no training speech.")
    return FamiliarityMeasure(
        arrays["mean"],
        arrays["whiten"],
        arrays["centres"],
        arrays["usual"],
        float(config.get("edge", 95.0)),
        float(config.get("unfamiliar", 99.0)),
        arrays.get("families"),
        tuple(str(name) for name in config.get("families", [])),
    )
