"""Any container or codec to a `Clip`: decoded in blocks, in bounded memory, or refused in words.

libsndfile decodes what it can; FFmpeg (through PyAV) takes what libsndfile refuses or breaks off.
Formats are recognised by content: file names and extensions play no part. Neither library is
imported before the first clip is decoded.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Clip, Source
from core.settings import settings

MIN_RATE, MAX_RATE = 1_000, 768_000
"""Sampling rates outside this range (hertz) are taken for a damaged header."""

MAX_CHANNELS = 64
"""More channels than this are taken for a damaged header."""

PRESENT_SHARE = 0.5
"""A file with less than this share of the sound its header promises is refused as truncated."""

LOST_SHARE = 0.5
"""A file in which more than this share of the packets cannot be decoded is refused."""

OVERSCALE = 4.0
"""A magnitude above this (12 dB over full scale) is noted in an uncompressed file, which was never
scaled, and cut off in a compressed one, where only damage makes it."""

LARGEST = 1e10
"""A larger magnitude is taken for damage: 32-bit integers that were never scaled stay below it, and
filters and squares of larger ones would overflow."""

_BLOCK = 1 << 18  # samples over all channels in one block: 1 MB of float32
_CHUNK = 1 << 20  # bytes hashed or copied at a time
_GROWTH = 1 << 24  # most samples (64 MB) by which the output grows at once


@dataclass(frozen=True)
class Limits:
    """What a file may cost, checked while decoding: a small file can unpack into a flood.

    The defaults are those of `core.settings`.

    Attributes
    ----------
    max_duration_s : float
        Longest clip in seconds.
    max_bytes : int
        Largest file in bytes.
    max_samples : int
        Most decoded samples over all channels at the original rate.
    """

    max_duration_s: float = field(default_factory=lambda: settings().max_clip_s)
    max_bytes: int = field(default_factory=lambda: settings().max_file_mb << 20)
    max_samples: int = field(default_factory=lambda: settings().max_samples)


def decode(
    source: str | Path | bytes | BinaryIO,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> Clip:
    """Decode the first audio track of a file to mono float32 at 16 kHz.

    Channels are averaged; the rate is converted by a band-limited resampler (soxr, HQ).

    Parameters
    ----------
    source : str, pathlib.Path, bytes or binary file object
        A path (never an address), the file's bytes, or an open file, which is read from its
        beginning where it can seek and is left open.
    name : str, optional
        Name for people; by default the path's or file object's own, without folders.
    limits : Limits, optional
        By default ``Limits()``.
    progress : callable, optional
        Called with the seconds of sound decoded so far.

    Returns
    -------
    Clip
        At least one sample; ``source.notes`` says what was missing or concealed.

    Raises
    ------
    AudioError
        If there is nothing to decode, it is damaged beyond use, or it exceeds a limit.
    """
    limits = limits or Limits()
    name = Path(name or _name_of(source)).name or "audio"
    with _opened(source, limits) as file:
        digest = _sha256(file, limits)
        facts = _header_facts(file)
        result = _with_soundfile(file, facts, limits, progress)
        if isinstance(result, _Refusal):
            result = _with_ffmpeg(file, facts, result, limits, progress)
        out, format_ = result
    samples = out.samples()
    if not len(samples):
        raise AudioError("This file has a sound track, but not one sample in it.", "no_samples")
    notes = [*facts.notes, *format_.notes]
    if out.peak > OVERSCALE:
        notes.append(
            f"Samples reach {out.peak:.3g} times full scale: the file was probably written "
            "without scaling."
        )
    return Clip(
        samples,
        Source(
            name=name,
            container=format_.container,
            codec=format_.codec,
            sample_rate=out.rate,
            channels=out.channels,
            duration_s=len(samples) / SAMPLE_RATE,
            sha256=digest,
            decoder=format_.decoder,
            notes=tuple(notes),
        ),
    )


def clip_from_samples(
    samples: np.ndarray, sample_rate: int, name: str, limits: Limits | None = None
) -> Clip:
    """Make a clip from an array: a live take or a synthesized signal.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]`` or ``[n, channels]``; floats nominally within [-1, 1], or signed integers,
        which are scaled by their type's range.
    sample_rate : int
        In hertz.
    name : str
        Name for people.
    limits : Limits, optional
        By default ``Limits()``; ``max_bytes`` plays no part.

    Returns
    -------
    Clip
        ``source.sha256`` hashes its own 16 kHz samples (float32, little-endian).

    Raises
    ------
    AudioError
        If the array is empty, not finite, not audio-shaped or exceeds a limit.
    """
    samples = np.asarray(samples)
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2:
        raise AudioError("Samples must form one line, or a column for each channel.", "bad_header")
    if not samples.size:
        raise AudioError("There are no samples in this recording.", "no_samples")
    if samples.dtype.kind not in "if":
        raise AudioError("Samples must be floating-point or signed integer numbers.", "not_audio")
    scale = 1.0 / -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0
    out = _Output(limits or Limits())
    step = max(1, _BLOCK // samples.shape[1])
    for start in range(0, len(samples), step):
        block = samples[start : start + step].astype(np.float32)
        out.push(block * np.float32(scale) if scale != 1.0 else block, sample_rate)
    mono = out.samples()
    if not len(mono):
        raise AudioError("There are too few samples in this recording.", "no_samples")
    return Clip(
        mono,
        Source(
            name=name,
            container="none",
            codec=str(samples.dtype),
            sample_rate=int(sample_rate),
            channels=samples.shape[1],
            duration_s=len(mono) / SAMPLE_RATE,
            sha256=hashlib.sha256(mono.astype("<f4", copy=False).data).hexdigest(),
            decoder="samples",
        ),
    )


# --- the output: mono, 16 kHz, grown in place ------------------------------------------------


class _Output:
    """Collects blocks as mono 16 kHz samples, checking every one against the limits."""

    def __init__(
        self,
        limits: Limits,
        expected_s: float = 0.0,
        bound: float = 0.0,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self.limits = limits
        self.progress = progress
        self.bound = bound  # magnitudes are cut off there, if it is not 0
        self.rate = self.channels = 0
        self.peak = 0.0
        self.taken = 0  # samples over all channels at the original rates
        self._n = 0
        # A header's promise sizes the buffer, but cannot make it large: pages that are never
        # written cost no memory, and the limit caps the rest.
        expected = min(max(expected_s, 1.0), limits.max_duration_s)
        self._buffer = np.empty(int(expected * SAMPLE_RATE) + SAMPLE_RATE // 10, np.float32)
        self._now = 0  # rate of the resampler in use
        self._resampler: Any = None

    def push(self, block: np.ndarray, rate: int) -> None:
        """Add samples, float32 ``[frames, channels]``; the rate may change between blocks."""
        frames, channels = block.shape
        if not self.rate:
            check_header(rate, channels)
            self.rate, self.channels = int(rate), channels
        if not frames:
            return
        self.taken += frames * channels
        if self.taken > self.limits.max_samples:
            raise _too_long(
                f"more than {self.limits.max_samples:,} samples", "trim it or use fewer channels"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            mono = block[:, 0] if channels == 1 else block.mean(axis=1, dtype=np.float32)
        peak = float(np.abs(mono).max())
        if not peak <= LARGEST:
            raise AudioError(
                "Some samples are not numbers (NaN or infinite), or larger than in any recording. "
                "Export the recording again from where it came from.",
                "not_finite",
            )
        if self.bound and peak > self.bound:
            mono, peak = mono.clip(-self.bound, self.bound), self.bound
        self.peak = max(self.peak, peak)
        if rate != self._now:
            self._switch(rate)
        if self._resampler is None:
            self._store(mono)
        else:
            self._store(self._resampler.resample_chunk(np.ascontiguousarray(mono)))

    def samples(self) -> np.ndarray:
        """Flush the resampler and hand over the samples, float32 ``[n]``."""
        self._flush()
        self._buffer.resize(self._n, refcheck=False)  # gives the unused pages back
        return self._buffer

    def _switch(self, rate: int) -> None:
        import soxr

        check_header(rate, 1)
        self._flush()
        self._now = rate
        if rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, np.float32, "HQ")

    def _flush(self) -> None:
        if self._resampler is not None:
            self._store(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            self._resampler = None

    def _store(self, mono: np.ndarray) -> None:
        end = self._n + len(mono)
        if end > self.limits.max_duration_s * SAMPLE_RATE:
            raise _too_long(
                f"longer than {_hours(self.limits.max_duration_s)}", "cut it into parts"
            )
        if end > len(self._buffer):
            # In place: doubling by copy would need three times the memory of a long file.
            grown = len(self._buffer) + min(len(self._buffer), _GROWTH)
            self._buffer.resize(max(end, grown), refcheck=False)
        self._buffer[self._n : end] = mono
        self._n = end
        if self.progress:
            self.progress(end / SAMPLE_RATE)


@dataclass
class _Format:
    """What the decoder says of the file."""

    container: str
    codec: str
    decoder: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Refusal:
    """libsndfile cannot decode this, or not all of it.

    Not an exception: one would keep the first decoder's samples alive during the second try.
    """

    known: bool = False  # whether the format was recognised
    promised_s: float = 0.0  # what the header promised


def check_header(rate: int, channels: int) -> None:
    """Refuse rates and channel counts that only a damaged header can hold.

    Raises
    ------
    AudioError
        With code ``bad_header``.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"The header gives a sampling rate of {rate:,} Hz, which no recording has. The file "
            "is damaged; export it again.",
            "bad_header",
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(
            f"The header gives {channels:,} channels, which no recording has. The file is "
            "damaged; export it again.",
            "bad_header",
        )


def _too_long(what: str, advice: str) -> AudioError:
    return AudioError(f"This recording is {what}: {advice}.", "too_long")


def _hours(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:g} hours"
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"


# --- the input: one seekable, nameless file object -------------------------------------------


class _Reader(io.RawIOBase):
    """A read-only view of a file without its name, so that no library can go by the extension."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        # A damaged file can send libsndfile anywhere; it finds out by where it is told to be.
        try:
            return self._file.seek(offset, whence)
        except (ValueError, OverflowError, OSError):
            return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def rewound(self) -> _Reader:
        self._file.seek(0)
        return self

    def fileno(self) -> int:
        return self._file.fileno()

    def size(self) -> int:
        return self._file.seek(0, os.SEEK_END)


def _name_of(source: str | Path | bytes | BinaryIO) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    own = getattr(source, "name", None)
    return own if isinstance(own, str) else "audio"


@contextmanager
def _opened(source: str | Path | bytes | BinaryIO, limits: Limits) -> Iterator[_Reader]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield _Reader(io.BytesIO(source))
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if os.path.isdir(path):  # no error for a name too long: opening it says so
            raise AudioError("This is a folder, not a file.", "unreadable")
        if os.path.exists(path) and not os.path.isfile(path):
            raise AudioError("This is not an ordinary file.", "unreadable")  # a pipe could hang
        try:
            file = path.open("rb")
        except (OSError, ValueError) as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else error
            raise AudioError(f"The file cannot be opened: {reason}.", "unreadable") from error
        with file:
            yield _Reader(file)
    elif getattr(source, "seekable", lambda: False)():
        position = source.tell()
        try:
            yield _Reader(source)
        finally:
            source.seek(position)
    else:  # a stream: both decoders need to seek
        with tempfile.TemporaryFile() as spooled:
            try:
                _spool(source, spooled, limits)
            except OSError as error:
                raise _unreadable(error) from error
            yield _Reader(cast(BinaryIO, spooled))


def _spool(source: BinaryIO, spooled: Any, limits: Limits) -> None:
    left = limits.max_bytes
    while data := source.read(_CHUNK):
        left -= len(data)
        if left < 0:
            raise AudioError(_TOO_LARGE, "too_large")
        spooled.write(data)


def _unreadable(error: OSError) -> AudioError:
    return AudioError(f"The file cannot be read: {error}.", "unreadable")


_TOO_LARGE = "This file is too large: cut it into parts, or give only its sound track."


def _checked_size(file: _Reader, limits: Limits) -> int:
    size = file.size()
    if size == 0:
        raise AudioError("This file is empty: it holds no bytes at all.", "empty")
    if size > limits.max_bytes:
        raise AudioError(_TOO_LARGE, "too_large")
    return size


def _sha256(file: _Reader, limits: Limits) -> str:
    _checked_size(file, limits)
    digest = hashlib.sha256()
    file.rewound()
    try:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    except OSError as error:
        raise _unreadable(error) from error
    return digest.hexdigest()


@dataclass(frozen=True)
class _Header:
    """What a WAV, AIFF or FLAC header says, read without either library."""

    kind: str = ""
    present_share: float = 1.0  # sound bytes that are there, of those promised
    flac_md5: bytes = b""
    flac_bits: int = 0
    notes: tuple[str, ...] = ()
    ffmpeg_only: bool = False  # libsndfile would stop before the end


def _header_facts(file: _Reader) -> _Header:
    """Check a WAV or AIFF header against the file; read a FLAC's checksum and an Ogg's end.

    libsndfile silently shortens a file that promises more than is there.
    """
    size = file.size()
    head = file.rewound().read(42)
    if head[:4] == b"fLaC" and len(head) == 42 and head[4] & 0x7F == 0:
        bits = ((head[20] & 1) << 4 | head[21] >> 4) + 1
        return _Header("flac", 1.0, head[26:42] if any(head[26:42]) else b"", bits)
    if head[:3] == b"ID3":
        return _Header("mp3", _mp3_share(file, head, size), ffmpeg_only=True)
    if head[:1] == b"\xff":  # perhaps an MPEG frame; nothing that libsndfile knows besides
        return _Header("", _mp3_share(file, head, size), ffmpeg_only=True)
    if head[:4] == b"OggS":
        chained, ended = _ogg_pages(file)
        return _Header("ogg", notes=() if ended else (_NO_END,), ffmpeg_only=chained)
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order, sound, tag = ("<" if head[3:4] == b"F" else ">"), b"data", "wav"
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        order, sound, tag = ">", b"SSND", "aiff"
    else:
        return _Header()
    position = 12
    for _ in range(1000):
        file.seek(position)
        chunk = file.read(8 + 16)
        if len(chunk) < 8:
            break
        length = struct.unpack(order + "I", chunk[4:8])[0]
        if chunk[:4] == b"fmt " and len(chunk) == 24:
            channels, rate = struct.unpack(order + "HI", chunk[10:16])
            check_header(rate, channels)
        if chunk[:4] == sound:
            there = size - position - 8
            # Recorders that write to a pipe cannot know the length: 0, or nearly 2 or 4 GB.
            if length == 0 or length >= 0x7FFFF000:
                return _Header(tag)
            if there <= 0:
                raise AudioError(
                    "The file is cut short: it ends before the sound begins.", "truncated"
                )
            return _Header(tag, min(1.0, there / length))
        position += 8 + length + (length & 1)
    return _Header(tag)


def _ogg_pages(file: _Reader) -> tuple[bool, bool]:
    """Whether an Ogg file is several in a row, and whether its last page is marked as the last."""
    position = flags = 0
    begun = chained = False
    while True:
        file.seek(position)
        page = file.read(27 + 255)
        if len(page) < 27 or page[:4] != b"OggS" or len(page) < 27 + page[26]:
            return chained, bool(flags & 4)
        flags = page[5]
        begins = bool(flags & 2)
        chained |= begins and begun
        begun |= not begins
        position += 27 + page[26] + sum(page[27 : 27 + page[26]])


def _mp3_share(file: _Reader, head: bytes, size: int) -> float:
    """Bytes that are there, of those that an MP3's Xing or Info frame counts."""
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:
        a, b, c, d = head[6:10]
        start = 10 + (a << 21 | b << 14 | c << 7 | d)  # seven bits a byte
    file.seek(start)
    first = file.read(256)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or len(first) < at + 16:
        return 1.0
    flags, *counts = struct.unpack(">IIII", first[at + 4 : at + 20].ljust(16, b"\0"))
    promised = counts[flags & 1] if flags & 2 else 0  # the frame count comes first, if any
    return min(1.0, max(1, size - start) / promised) if promised else 1.0


_LEEWAY_S = 0.1  # codecs pad or trim by a frame or two: no loss worth a word

_NO_END = "The file has no end mark: it may have been cut short."


def _promise(promised_s: float, decoded_s: float) -> list[str]:
    """Notes on sound that the header promises and the file lacks, or AudioError."""
    if decoded_s < PRESENT_SHARE * promised_s:
        raise AudioError(
            f"The file is cut short: its header promises {promised_s:,.1f} s of sound, "
            f"{decoded_s:,.1f} s are there. Get a whole copy of it.",
            "truncated",
        )
    if decoded_s < promised_s - _LEEWAY_S:
        return [
            f"The file ends early: its header promises {promised_s:.1f} s of sound, "
            f"{decoded_s:.1f} s are there."
        ]
    return []


# --- libsndfile ------------------------------------------------------------------------------

_SNDFILE_CONTAINERS = frozenset(
    ["WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "AIFF", "AU", "CAF", "NIST"]
)
# libsndfile recognises further formats by so little that other files pass for them. It also reads
# MP3, but stops at a length guessed from the first frame or taken from the first of joined files,
# as it does at the end of the first of joined Ogg streams: those are left to FFmpeg.

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


def _with_soundfile(
    file: _Reader, facts: _Header, limits: Limits, progress: Callable[[float], None] | None
) -> tuple[_Output, _Format] | _Refusal:
    import soundfile

    if facts.ffmpeg_only:
        return _Refusal(known=bool(facts.kind))
    try:
        sound = soundfile.SoundFile(cast(Any, file.rewound()))
    except (soundfile.SoundFileError, ValueError, TypeError):
        return _Refusal(known=bool(facts.kind))
    with sound:
        if sound.format not in _SNDFILE_CONTAINERS:
            return _Refusal()
        check_header(sound.samplerate, sound.channels)
        frames = sound.frames if 0 <= sound.frames < 1 << 62 else 0
        promised_s = frames / sound.samplerate
        if facts.kind in ("wav", "aiff") and promised_s > limits.max_duration_s:
            raise _too_long(f"longer than {_hours(limits.max_duration_s)}", "cut it into parts")
        out = _Output(limits, promised_s, progress=progress)
        block = np.empty((max(1, _BLOCK // sound.channels), sound.channels), np.float32)
        try:
            while True:
                # First exactly what is promised: what follows may be odd, and may be sound.
                left = frames - out.taken // sound.channels
                read = sound.read(out=block[:left] if left > 0 else block)
                if not len(read):
                    break
                out.push(read, sound.samplerate)
        except soundfile.SoundFileError:
            if not 0 < frames <= out.taken // sound.channels:  # else only the end is odd
                return _Refusal(known=True, promised_s=promised_s)
        decoded_s = out.taken / sound.channels / sound.samplerate
        if not out.taken or decoded_s < promised_s - _LEEWAY_S:
            return _Refusal(known=True, promised_s=promised_s)
        codec = _CODEC_NAMES.get(sound.subtype, sound.subtype.lower())
        if sound.format == "FLAC":
            codec = "flac"
        elif codec[:5] in ("pcm_s", "pcm_f") and codec != "pcm_s8":
            codec += "be" if sound.format in ("AIFF", "AU") or sound.endian == "BIG" else "le"
        container = "wav" if sound.format == "WAVEX" else sound.format.lower()
        out.rate, out.channels = sound.samplerate, sound.channels
        notes = _promise(decoded_s / facts.present_share, decoded_s)
        return out, _Format(container, codec, "soundfile", notes)


# --- FFmpeg ----------------------------------------------------------------------------------

_DEMUXERS = (
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,amr,"
    "amrnb,amrwb,asf,avi,flv,mpegts,mpeg,ape,wv,tta,tak,gsm,voc,nistsphere,dsf,mpc,mpc8,rm,qcp,"
    "iff,loas,latm,sln,xwma,ircam,pvf,avr,dts,mp2,spx,speex"
)
# No playlist, no device, no picture, nothing that names another file.

_DECODERS = (
    "8svx_exp,8svx_fib,aac,aac_latm,ac3,alac,als,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,"
    "ape,atrac3,atrac3al,atrac3plus,atrac3plusal,cook,dca,dsd_lsbf,dsd_lsbf_planar,dsd_msbf,"
    "dsd_msbf_planar,dst,dvaudio,eac3,evrc,flac,g722,g723_1,g726,g726le,g729,gsm,gsm_ms,ilbc,"
    "mace3,mace6,metasound,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3float,mp3adu,mp3adufloat,mp3on4,"
    "mp3on4float,mpc7,mpc8,nellymoser,opus,libopus,qcelp,qdm2,qdmc,ralf,real_144,real_288,s302m,"
    "sipr,speex,libspeex,tak,truehd,truespeech,tta,vorbis,libvorbis,wavpack,wmalossless,wmapro,"
    "wmav1,wmav2,wmavoice,xma1,xma2,adpcm_ct,adpcm_ima_oki,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,"
    "adpcm_sbpro_2,adpcm_sbpro_3,adpcm_sbpro_4,adpcm_swf,adpcm_yamaha,pcm_alaw,pcm_bluray,pcm_dvd,"
    "pcm_f16le,pcm_f24le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_lxf,pcm_mulaw,pcm_s16be,"
    "pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24daud,pcm_s24le,pcm_s24le_planar,"
    "pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,pcm_s8_planar,pcm_sga,"
    "pcm_u16be,pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8,pcm_vidc"
)
# Sound as it is recorded or sent, and no pictures: FFmpeg would open a video's decoders only to
# describe the file, and nothing may run that is not needed.


def _no_other_file(url: str, flags: int, options: dict[str, str]) -> Any:
    raise PermissionError(f"a media file may not open another one ({url})")


def _with_ffmpeg(
    file: _Reader,
    facts: _Header,
    refusal: _Refusal,
    limits: Limits,
    progress: Callable[[float], None] | None,
) -> tuple[_Output, _Format]:
    import av

    try:
        container = av.open(
            cast(Any, file.rewound()),
            "r",
            io_open=_no_other_file,
            options={
                "format_whitelist": _DEMUXERS,
                "codec_whitelist": _DECODERS,
                "protocol_whitelist": "none",
            },
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError, OSError, RuntimeError) as error:
        raise _explain_unopened(file, refusal) from error
    with container:
        if not container.streams.audio:
            if container.streams.video:
                raise AudioError(
                    "This video has no sound track: give one that has, or the sound itself.",
                    "no_audio_track",
                )
            raise AudioError("This file has no audio track.", "no_audio_track")
        stream = container.streams.audio[0]
        if _encrypted(stream):
            raise _encryption()
        if stream.codec_context is None or stream.codec_context.name not in _DECODERS.split(","):
            raise AudioError(
                "The sound is in a codec that cannot be decoded here: convert it to WAV or FLAC.",
                "unreadable",
            )
        return _decode_stream(file, container, stream, facts, refusal, limits, progress)


def _decode_stream(
    file: _Reader,
    container: Any,
    stream: Any,
    facts: _Header,
    refusal: _Refusal,
    limits: Limits,
    progress: Callable[[float], None] | None,
) -> tuple[_Output, _Format]:
    import av

    checksum = hashlib.md5(usedforsecurity=False) if facts.flac_md5 else None
    promised_s = refusal.promised_s or _promised_by(container, stream)
    compressed = not stream.codec_context.name.startswith("pcm_")
    out = _Output(limits, promised_s, OVERSCALE if compressed else 0.0, progress)
    pending: list[np.ndarray] = []  # frames are small: gather them into blocks
    rate = held = frames = bad_frames = packets = bad_packets = 0

    def flush() -> None:
        nonlocal held
        if pending:
            out.push(pending[0] if len(pending) == 1 else np.concatenate(pending), rate)
            pending.clear()
            held = 0

    def take(frame: Any) -> None:
        nonlocal rate, held, frames, bad_frames
        if not frame.samples:
            return
        native = frame_samples(frame)
        channels = native.shape[1]
        if checksum is not None:
            checksum.update(_flac_bytes(native, facts.flac_bits))
        if pending and (frame.sample_rate != rate or pending[-1].shape[1] != channels):
            flush()
        rate = frame.sample_rate
        pending.append(to_float(native))
        held += native.size
        frames += 1
        bad_frames += bool(frame.is_corrupt)
        if held >= _BLOCK:
            flush()

    packet_iterator = container.demux(stream)
    while True:
        try:
            packet = next(packet_iterator, None)
        except (av.FFmpegError, OSError):  # the container itself breaks off here
            bad_packets += 1
            packets += 1
            packet = None
        except IndexError:  # PyAV stumbles over tracks that appear midway, at the end of the file
            packet = None
        if packet is None:
            break
        if packet.has_sidedata("encryption_info"):
            raise _encryption()
        packets += packet.size > 0
        try:
            for frame in packet.decode():
                take(frame)
        except av.EOFError:
            pass
        except (av.FFmpegError, ValueError):
            bad_packets += packet.size > 0
    with suppress(av.FFmpegError, ValueError):  # what the decoder still holds, if anything
        for frame in stream.codec_context.decode(None):
            take(frame)
    flush()

    if not out.taken:
        if bad_packets:
            raise _damaged()
        raise AudioError(
            "This file has a sound track, but nothing is recorded in it.", "no_samples"
        )
    if bad_packets > LOST_SHARE * packets:
        raise _damaged() if refusal.known or _magic(file) else _not_audio()
    decoded_s = out.taken / out.channels / out.rate
    notes = _promise(promised_s or decoded_s / facts.present_share, decoded_s)
    whole = checksum is not None and checksum.digest() == facts.flac_md5
    if whole and refusal.known:
        notes.append(
            "The file's framing is unusual, but all of its sound is there: the checksum agrees."
        )
    elif bad_packets + bad_frames:
        notes.append(
            f"Parts of the file are damaged: {bad_packets + bad_frames:,} of {packets:,} packets "
            "could not be decoded in full and were left out or concealed."
        )
    elif checksum is not None:
        notes.append(
            "The decoded sound differs from the file's own checksum: damage was concealed."
        )
    return out, _Format(_container_name(container, file), _codec_name(stream), "ffmpeg", notes)


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


def _flac_bytes(native: np.ndarray, bits: int) -> bytes:
    """Samples as the FLAC checksum wants them: interleaved, little-endian, whole bytes."""
    unused = 8 * native.dtype.itemsize - bits  # FFmpeg aligns at the most significant bit
    shifted = np.ascontiguousarray(native >> unused if unused else native)
    width = -(-bits // 8)
    as_bytes = shifted.astype(shifted.dtype.newbyteorder("<"), copy=False).view(np.uint8)
    return as_bytes.reshape(-1, native.dtype.itemsize)[:, :width].tobytes()


def _promised_by(container: Any, stream: Any) -> float:
    """Seconds promised by a header; 0 where the format has none and FFmpeg only estimates."""
    if not {"mov", "matroska", "flac", "ogg", "wav", "w64", "aiff", "caf"} & set(
        container.format.name.split(",")
    ):
        return 0.0
    if stream.duration is not None and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    tag = stream.metadata.get("DURATION", "").split(":")  # Matroska's, for each track
    if len(tag) == 3:
        with suppress(ValueError):
            return max(0.0, float(tag[0]) * 3600 + float(tag[1]) * 60 + float(tag[2]))
    if container.duration is not None and len(container.streams) == 1:
        return max(0.0, container.duration / 1_000_000)
    return 0.0


def _encrypted(stream: Any) -> bool:
    """Whether the track's own tag says so (iTunes, Audible); others mark every packet."""
    try:
        return stream.codec_context is not None and stream.codec_context.codec_tag in (
            "drms",
            "aavd",
            "enca",
        )
    except (ValueError, UnicodeDecodeError):
        return False


def _encryption() -> AudioError:
    return AudioError(
        "The sound in this file is encrypted (copy protection). Give a copy without it.",
        "encrypted",
    )


_MOV_BRANDS = {"M4A ": "m4a", "M4B ": "m4a", "qt  ": "mov", "3gp4": "3gp", "3gp5": "3gp"}


def _container_name(container: Any, file: _Reader) -> str:
    """One name for FFmpeg's families of containers."""
    name = container.format.name
    if name.startswith("mov,"):
        return _MOV_BRANDS.get(container.metadata.get("major_brand", ""), "mp4")
    if name.startswith("matroska"):
        return "webm" if b"webm" in file.rewound().read(64) else "matroska"
    return str(name)


def _codec_name(stream: Any) -> str:
    name = stream.codec_context.name
    return {"libopus": "opus", "mp3float": "mp3", "libopencore_amrnb": "amrnb"}.get(name, name)


# --- words for what cannot be decoded --------------------------------------------------------

_SOUND_MAGIC = {
    b"RIFF": "WAV",
    b"FORM": "AIFF",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"\x1aE\xdf\xa3": "Matroska or WebM",
    b"#!AMR": "AMR",
    b"caff": "CAF",
}
_OTHER_MAGIC = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "an archive or an office document",
    b"\x1f\x8b": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"MThd": "a MIDI score, which holds notes and no sound",
    b"#EXTM3U": "a playlist, which only names other files",
    b"<": "a web page or other text",
}


def _magic(file: _Reader) -> str:
    """Name of the sound format that the file's first bytes announce, or nothing."""
    head = file.rewound().read(16)
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        return "MP4"
    return next((name for magic, name in _SOUND_MAGIC.items() if head.startswith(magic)), "")


def _explain_unopened(file: _Reader, refusal: _Refusal) -> AudioError:
    kind = _magic(file)
    if kind == "MP4":
        return AudioError(
            "This MP4 file is cut short or damaged: the index without which its sound cannot be "
            "found is missing. Get a whole copy of it.",
            "truncated",
        )
    if kind and file.size() < 1024:
        return AudioError(
            f"The file is cut short: it begins as {kind}, and the sound is missing.", "truncated"
        )
    if kind or refusal.known:
        return AudioError(
            f"The file begins as {kind or 'sound'}, but it is damaged or in a form that cannot be "
            "decoded here. Export it again as WAV or FLAC.",
            "unreadable",
        )
    head = file.rewound().read(256)
    for magic, what in _OTHER_MAGIC.items():
        if head.lstrip().startswith(magic):
            return AudioError(
                f"This is not a sound file: it looks like {what}. Give a recording, for example "
                "WAV, FLAC, MP3, M4A or Ogg.",
                "not_audio",
            )
    return _not_audio()


def _not_audio() -> AudioError:
    return AudioError(
        "This is not a sound file, or not one of a kind known here. Give a recording, for example "
        "WAV, FLAC, MP3, M4A or Ogg.",
        "not_audio",
    )


def _damaged() -> AudioError:
    return AudioError(
        "The file is too damaged: most of its sound cannot be decoded. Get another copy of it.",
        "unreadable",
    )
