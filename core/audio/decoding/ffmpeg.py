"""Decoding by FFmpeg, through PyAV."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import numpy as np

from core.audio.clip import AudioError
from core.audio.decoding.frames import flac_bytes, frame_samples, to_float
from core.audio.decoding.headers import Header
from core.audio.decoding.messages import (
    announced,
    check_promise,
    encrypted_sound,
    not_audio,
    not_opened,
    too_damaged,
)
from core.audio.decoding.output import BLOCK, OVERSCALE, Format, Output, Refusal
from core.audio.decoding.source import Limits, Reader

LOST_SHARE = 0.5
"""A file in which more than this share of the packets cannot be decoded is refused."""

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


def with_ffmpeg(
    file: Reader,
    facts: Header,
    refusal: Refusal,
    limits: Limits,
    progress: Callable[[float], None] | None,
) -> tuple[Output, Format]:
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
        raise not_opened(file.rewound().read(256), file.size(), refusal.known) from error
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
            raise encrypted_sound()
        if stream.codec_context is None or stream.codec_context.name not in _DECODERS.split(","):
            raise AudioError(
                "The sound is in a codec that cannot be decoded here: convert it to WAV or FLAC.",
                "unreadable",
            )
        return _decode_stream(file, container, stream, facts, refusal, limits, progress)


def _decode_stream(
    file: Reader,
    container: Any,
    stream: Any,
    facts: Header,
    refusal: Refusal,
    limits: Limits,
    progress: Callable[[float], None] | None,
) -> tuple[Output, Format]:
    import av

    checksum = hashlib.md5(usedforsecurity=False) if facts.flac_md5 else None
    promised_s = refusal.promised_s or _promised_by(container, stream)
    compressed = not stream.codec_context.name.startswith("pcm_")
    out = Output(limits, promised_s, OVERSCALE if compressed else 0.0, progress)
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
            checksum.update(flac_bytes(native, facts.flac_bits))
        if pending and (frame.sample_rate != rate or pending[-1].shape[1] != channels):
            flush()
        rate = frame.sample_rate
        pending.append(to_float(native))
        held += native.size
        frames += 1
        bad_frames += bool(frame.is_corrupt)
        if held >= BLOCK:
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
            raise encrypted_sound()
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
            raise too_damaged()
        raise AudioError(
            "This file has a sound track, but nothing is recorded in it.", "no_samples"
        )
    if bad_packets > LOST_SHARE * packets:
        raise too_damaged() if refusal.known or announced(file.rewound().read(16)) else not_audio()
    decoded_s = out.taken / out.channels / out.rate
    notes = check_promise(promised_s or decoded_s / facts.present_share, decoded_s)
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
    return out, Format(_container_name(container, file), _codec_name(stream), "ffmpeg", notes)


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


_MOV_BRANDS = {"M4A ": "m4a", "M4B ": "m4a", "qt  ": "mov", "3gp4": "3gp", "3gp5": "3gp"}


def _container_name(container: Any, file: Reader) -> str:
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
