"""In which precision this machine computes faster."""

from __future__ import annotations

from typing import Any


def half_precision(device: str | None = None) -> bool:
    """Whether a device computes in bfloat16 faster than in single precision.

    Parameters
    ----------
    device : str, optional
        ``cuda`` or ``cpu``; by default a GPU where there is one.
    """
    import torch

    if device == "cuda" or (device is None and torch.cuda.is_available()):
        return True
    cpu: Any = torch.cpu
    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())
