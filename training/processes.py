"""Training on several processes, started by ``torchrun`` or Accelerate, as on one.

The first process evaluates and writes files; the others learn from it what it found.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Found = TypeVar("Found")


def count() -> int:
    """How many processes train together; the launcher says so."""
    return _launched("SIZE", 1)


def first() -> bool:
    """Whether this process is the one that evaluates and writes files."""
    return _launched("RANK", 0) == 0


def _launched(what: str, default: int) -> int:
    """What `torchrun` or an MPI tells this process, under the names that Accelerate looks at."""
    names = ("WORLD_SIZE" if what == "SIZE" else what, f"PMI_{what}", f"OMPI_COMM_WORLD_{what}")
    return next((int(os.environ[name]) for name in names if name in os.environ), default)


def share(batch: int) -> int:
    """Items of a recipe's batch that fall to each process.

    Raises
    ------
    ValueError
        If they cannot be shared evenly.
    """
    each, rest = divmod(batch, count())
    if rest or not each:
        fit = ", ".join(str(n) for n in range(1, batch + 1) if batch % n == 0)
        raise ValueError(
            f"The recipe trains on {batch} at a time, which {count()} processes cannot share "
            f"evenly. Start {fit} of them."
        )
    return each


def mean(value: torch.Tensor) -> torch.Tensor:
    """Mean of a number over the processes; no gradient flows through it."""
    value = value.detach()
    if count() > 1:
        import torch

        value = value.clone()
        torch.distributed.all_reduce(value)
        value /= count()
    return value


def from_first(find: Callable[[], Found]) -> Found:
    """What the first process finds, in every process."""
    if count() == 1:
        return find()
    import torch

    found: list[Found | None] = [find() if first() else None]
    torch.distributed.broadcast_object_list(found)
    return found[0]  # type: ignore[return-value]
