"""A container as FFmpeg opens it: by content, and so that it can reach no other file."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from core.audio.decoding.source import Reader

_DEMUXERS = (
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,amr,"
    "amrnb,amrwb,asf,avi,flv,mpegts,mpeg,ape,wv,tta,tak,gsm,voc,nistsphere,dsf,mpc,mpc8,rm,qcp,"
    "iff,loas,latm,sln,xwma,ircam,pvf,avr,dts,mp2,spx,speex"
)
# No playlist, no device, no picture, nothing that names another file.

DECODERS = (
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


def open_container(file: Reader, *, edited: bool = True) -> Any:
    """Open a file with FFmpeg, and follow its edit lists if it is to be ``edited``.

    Raises
    ------
    av.FFmpegError, ValueError, OSError, RuntimeError
        If FFmpeg does not know the format, or the file is damaged.
    """
    import av

    return av.open(
        cast(Any, file.rewound()),
        "r",
        io_open=_no_other_file,
        options={
            "format_whitelist": _DEMUXERS,
            "codec_whitelist": DECODERS,
            "protocol_whitelist": "none",
            "ignore_editlist": "0" if edited else "1",
        },
        metadata_errors="replace",
    )


def zero_of(container: Any) -> float:
    """Time stamp in seconds at which the file's clock begins: 0 but in broadcast streams."""
    if container.format.name in ("mpegts", "mpeg") and container.start_time is not None:
        return float(container.start_time) / 1_000_000
    return 0.0


_CONTAINERS = frozenset(["mov", "matroska", "ogg", "mpegts", "mpeg", "asf", "flv"])
_CLOCKED = _CONTAINERS | {"flac", "wv", "tta", "ape"}


def has_clock(container: Any, stream: Any) -> bool:
    """Whether time stamps are in the file; in others FFmpeg counts what it has read."""
    if stream.codec_context.name == "pcm_dvd":  # stamped by the pack, not by the frame
        return False
    return not _CLOCKED.isdisjoint(container.format.name.split(","))


def has_tracks(container: Any) -> bool:
    """Whether there can be several tracks in a file of this format."""
    return not (_CONTAINERS | {"avi"}).isdisjoint(container.format.name.split(","))


def joinable(container: Any) -> bool:
    """Whether files of this format are joined by putting one behind the other."""
    return container.format.name in ("ogg", "mpegts", "mpeg", "flv")


_PROMISING = frozenset(
    ["mov", "matroska", "flac", "wav", "w64", "aiff", "caf", "avi", "flv", "tta", "wv", "ape"]
)


def promised_end(container: Any, stream: Any, begins_s: float | None = None) -> float:
    """Second of the file's clock at which its header ends the track.

    0 where the format has no such promise and FFmpeg only estimates. It counts from the track's
    beginning, or from ``begins_s``: that of a fragmented MP4 may be lost, or come late.
    """
    names = set(container.format.name.split(","))
    if not _PROMISING & names:
        return 0.0
    if stream.duration is not None and stream.time_base:
        if begins_s is not None:
            return max(0.0, float(stream.duration * stream.time_base) + begins_s)
        return max(0.0, float((stream.duration + (stream.start_time or 0)) * stream.time_base))
    tag = stream.metadata.get("DURATION", "").split(":")  # Matroska's, for each track
    if len(tag) == 3:
        with suppress(ValueError):
            return max(0.0, float(tag[0]) * 3600 + float(tag[1]) * 60 + float(tag[2]))
    if container.duration is not None and len(container.streams) == 1:
        return max(0.0, container.duration / 1_000_000)
    return 0.0


def is_encrypted(stream: Any) -> bool:
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


def container_name(container: Any, file: Reader) -> str:
    """One name for FFmpeg's families of containers."""
    name = container.format.name
    if name.startswith("mov,"):
        return _MOV_BRANDS.get(container.metadata.get("major_brand", ""), "mp4")
    if name.startswith("matroska"):
        return "webm" if b"webm" in file.rewound().read(64) else "matroska"
    return str(name)


def codec_name(stream: Any) -> str:
    """The codec's name, whichever library decodes it."""
    name = stream.codec_context.name
    return {"libopus": "opus", "mp3float": "mp3", "libopencore_amrnb": "amrnb"}.get(name, name)
