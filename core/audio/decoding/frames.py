"""Samples of FFmpeg's frames, in the type they came in and as float32."""

from __future__ import annotations

from typing import Any

import numpy as np

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def frame_samples(frame: Any) -> np.ndarray:
    """Samples of an FFmpeg frame, shape ``[frames, channels]``, in the type it came in.

    PyAV's own ``to_ndarray`` counts planes until it meets a null pointer; behind the eighth there
    need not be one.
    """
    dtype = np.dtype(_DTYPES[frame.format.name.removesuffix("p")])
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        packed = np.frombuffer(frame.planes[0], dtype, frame.samples * channels)
        return packed.reshape(-1, channels)
    planes = frame.planes[:channels]
    return np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in planes], axis=1)


def to_float(native: np.ndarray) -> np.ndarray:
    """Samples as FFmpeg gives them to float32 within [-1, 1], shape kept."""
    if native.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return native.astype(np.float32, order="C")
    if native.dtype == np.uint8:
        return (native.astype(np.float32, order="C") - 128) / 128
    return native.astype(np.float32, order="C") / np.float32(-float(np.iinfo(native.dtype).min))


def flac_bytes(native: np.ndarray, bits: int) -> bytes:
    """Samples as the FLAC checksum wants them: interleaved, little-endian, whole bytes."""
    unused = 8 * native.dtype.itemsize - bits  # FFmpeg aligns at the most significant bit
    shifted = np.ascontiguousarray(native >> unused if unused else native)
    width = -(-bits // 8)
    as_bytes = shifted.astype(shifted.dtype.newbyteorder("<"), copy=False).view(np.uint8)
    return as_bytes.reshape(-1, native.dtype.itemsize)[:, :width].tobytes()
