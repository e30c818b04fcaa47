"""The measure of how far a clip lies from the training data, fitted."""

from __future__ import annotations

import numpy as np

from core.detect.familiarity import FamiliarityMeasure


def fit(
    train: np.ndarray,
    label: np.ndarray,
    usual: np.ndarray,
    dimensions: int = 24,
    centres: int = 8,
    seed: int = 0,
) -> FamiliarityMeasure:
    """Fit the measure.

    Parameters
    ----------
    train : numpy.ndarray
        Embeddings of training clips, ``[n, d]``.
    label : numpy.ndarray
        1 for spoof, ``[n]``; each class gets its own centres.
    usual : numpy.ndarray
        Embeddings of development clips, ``[m, d]``.
    dimensions, centres : int
        Whitened directions, and centres of each class.
    seed : int
        Of the clustering.

    Returns
    -------
    FamiliarityMeasure
    """
    from sklearn.cluster import KMeans

    mean = train.mean(axis=0)
    _, spread, directions = np.linalg.svd(train - mean, full_matrices=False)
    k = min(dimensions, int((spread > 1e-6 * spread[0]).sum()))
    whiten = directions[:k].T / (spread[:k] / np.sqrt(len(train)))
    x = (train - mean) @ whiten
    found = [
        KMeans(min(centres, int((label == c).sum())), n_init=4, random_state=seed)
        .fit(x[label == c])
        .cluster_centers_
        for c in (0, 1)
    ]
    single = np.float32
    draft = FamiliarityMeasure(
        mean.astype(single), whiten.astype(single), np.concatenate(found).astype(single),
        np.zeros(1, single),
    )  # fmt: skip
    distances = np.sort(draft.distance(usual)).astype(single)
    return FamiliarityMeasure(draft.mean, draft.whiten, draft.centres, distances)
