"""Decoding by libsndfile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from core.audio.decoding.errors import check_header, in_words, no_track, too_long
from core.audio.decoding.flac import flac_end
from core.audio.decoding.frames import flac_bytes, to_float
from core.audio.decoding.headers import Header
from core.audio.decoding.notes import LEEWAY_S, check_promise, not_read_on
from core.audio.decoding.output import BLOCK, Decoded, Output, Refusal
from core.audio.decoding.pieces import follows
from core.audio.decoding.source import Limits, Reader

_SNDFILE_CONTAINERS = frozenset(
    ["WAV", "WAVEX", "RF64", "W64", "FLAC", "AIFF", "AU", "CAF", "NIST"]
)
# libsndfile recognises further formats by so little that other files pass for them. It also reads
# MP3 and Ogg, but stops at a length guessed from the first frame or taken from the first of joined
# files, and repeats sound where packets of Opus are missing: those are left to FFmpeg.

_CODEC_NAMES = {
    "PCM_S8": "pcm_s8",
    "PCM_U8": "pcm_u8",
    "PCM_16": "pcm_s16",
    "PCM_24": "pcm_s24",
    "PCM_32": "pcm_s32",
    "FLOAT": "pcm_f32",
    "DOUBLE": "pcm_f64",
    "ULAW": "pcm_mulaw",
    "ALAW": "pcm_alaw",
}


_BIG = (("BIG", "BIG"), ("BIG", "LITTLE"), ("FILE", "BIG"))  # said, and usual in the format


def with_soundfile(
    file: Reader,
    header: Header,
    limits: Limits,
    progress: Callable[[float], None] | None,
    track: int | None,
    channel: int | None,
) -> Decoded | Refusal:
    """Decode a file of one track, or leave it to FFmpeg.

    Raises
    ------
    AudioError
        If there is no such track or channel, or the file exceeds a limit.
    """
    import soundfile

    if header.ffmpeg_only:
        return Refusal(known=bool(header.kind))
    try:
        sound = soundfile.SoundFile(cast(Any, file.rewound()))
    except (soundfile.SoundFileError, ValueError, TypeError):
        return Refusal(known=bool(header.kind))
    with sound:
        if sound.format not in _SNDFILE_CONTAINERS:
            return Refusal()
        check_header(sound.samplerate, sound.channels)
        frames = sound.frames if 0 <= sound.frames < 1 << 62 else 0
        promised_s = frames / sound.samplerate
        if header.kind in ("wav", "aiff") and promised_s > limits.max_duration_s:
            raise too_long(f"longer than {in_words(limits.max_duration_s)}", "cut it into parts")
        if (track or 1) != 1:
            raise no_track(cast(int, track), 1)
        out = Output(limits, promised_s, progress=progress, channel=channel)
        flac = sound.format == "FLAC"
        checksum = hashlib.md5(usedforsecurity=False) if header.flac_md5 and flac else None
        block = np.empty(
            (max(1, BLOCK // sound.channels), sound.channels), np.int32 if checksum else np.float32
        )
        try:
            while True:
                # First exactly what is promised: what follows may be odd, and may be sound.
                left = frames - out.taken // sound.channels
                read = sound.read(out=block[:left] if left > 0 else block)
                if not len(read):
                    break
                if checksum:
                    checksum.update(flac_bytes(read, header.flac_bits))
                    read = to_float(read)
                out.push(read, sound.samplerate)
        except soundfile.SoundFileError:
            if not 0 < frames <= out.taken // sound.channels:  # else only the end is odd
                return Refusal(known=True, promised_s=promised_s)
        decoded_s = out.taken / sound.channels / sound.samplerate
        if not out.taken or decoded_s < promised_s - LEEWAY_S:
            return Refusal(known=True, promised_s=promised_s)
        if flac and _uncounted(file, checksum.digest() if checksum else b"", header.flac_md5):
            return Refusal(known=True, promised_s=promised_s)
        codec = _CODEC_NAMES.get(sound.subtype, sound.subtype.lower())
        if flac:
            codec = "flac"
        elif codec[:5] in ("pcm_s", "pcm_f") and codec != "pcm_s8":
            usual = "BIG" if sound.format in ("AIFF", "AU", "CAF") else "LITTLE"
            codec += "be" if (sound.endian, usual) in _BIG else "le"
        container = "wav" if sound.format == "WAVEX" else sound.format.lower()
        out.rate, out.channels = sound.samplerate, sound.channels
        notes = check_promise(decoded_s / header.present_share, decoded_s)
        if flac:
            read_to = file.tell()  # libsndfile has read on a little
            end = flac_end(file, read_to, out.taken // sound.channels) or read_to
            if behind := follows(file, end):
                notes.append(not_read_on(behind, "or more "))
        return Decoded(out, container, codec, "soundfile", notes)


def _uncounted(file: Reader, found: bytes, md5: bytes) -> bool:
    """Whether a FLAC may hold more than its header counts, at which libsndfile stops."""
    return found != md5 if found else file.tell() < file.size()
