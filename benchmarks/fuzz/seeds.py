"""Whole files in every format that can be written here, to begin fuzzing from."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import cache

import numpy as np

SECONDS = 0.3

_SNDFILE = [
    *(("WAV", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW")),
    *(("WAV", s) for s in ("ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32")),
    *(("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("NIST", "PCM_16")),
    *(("AIFF", s) for s in ("PCM_16", "FLOAT", "ULAW", "IMA_ADPCM")),
    *(("AU", s) for s in ("PCM_16", "ALAW", "G721_32", "G723_24")),
    *(("CAF", s) for s in ("PCM_16", "ALAC_16", "ALAC_32")),
    *(("FLAC", s) for s in ("PCM_S8", "PCM_16", "PCM_24")),
    *(("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
    *(("VOC", "PCM_16"), ("IRCAM", "PCM_16"), ("PVF", "PCM_16"), ("AVR", "PCM_16")),
]
_FFMPEG = [
    *(("ipod", "aac", 44_100), ("mp4", "libmp3lame", 44_100), ("mp4", "ac3", 48_000)),
    *(("mp4", "libopus", 48_000), ("mp4", "flac", 44_100), ("mp4", "alac", 44_100)),
    *(("mov", "pcm_s16le", 48_000), ("mov", "pcm_alaw", 8_000), ("mov", "adpcm_ima_qt", 44_100)),
    *(("3gp", "libopencore_amrnb", 8_000), ("amr", "libopencore_amrnb", 8_000)),
    *(("webm", "libopus", 48_000), ("matroska", "aac", 44_100), ("matroska", "flac", 44_100)),
    *(("matroska", "pcm_s16le", 16_000), ("matroska", "wavpack", 44_100)),
    *(("matroska", "tta", 44_100), ("matroska", "eac3", 48_000), ("matroska", "mp2", 48_000)),
    *(("matroska", "real_144", 8_000), ("matroska", "truehd", 48_000), ("matroska", "dca", 48_000)),
    *(("adts", "aac", 44_100), ("latm", "aac", 44_100), ("mp3", "libmp3lame", 44_100)),
    *(("mp2", "mp2", 48_000), ("ac3", "ac3", 48_000), ("eac3", "eac3", 48_000)),
    *(("dts", "dca", 48_000), ("truehd", "truehd", 48_000), ("tta", "tta", 44_100)),
    *(("wv", "wavpack", 44_100), ("ogg", "libopus", 48_000), ("ogg", "flac", 44_100)),
    *(("asf", "wmav1", 44_100), ("asf", "wmav2", 44_100), ("avi", "libmp3lame", 44_100)),
    *(("avi", "pcm_s16le", 16_000), ("avi", "adpcm_ms", 22_050), ("flv", "nellymoser", 22_050)),
    *(("flv", "aac", 44_100), ("flv", "adpcm_swf", 44_100), ("mpegts", "aac", 44_100)),
    *(("mpegts", "mp2", 48_000), ("mpegts", "ac3", 48_000), ("mpegts", "s302m", 48_000)),
    *(("mpeg", "mp2", 48_000), ("vob", "ac3", 48_000), ("vob", "pcm_dvd", 48_000)),
    *(("rm", "ac3", 44_100), ("rm", "real_144", 8_000), ("voc", "pcm_u8", 16_000)),
    *(("wav", "adpcm_yamaha", 44_100), ("wav", "g726", 8_000), ("wav", "g723_1", 8_000)),
    *(("wav", "g722", 16_000), ("wav", "libmp3lame", 44_100), ("wav", "wmav2", 44_100)),
    *(("gsm", "libgsm", 8_000), ("caf", "libopus", 48_000), ("caf", "pcm_s16be", 44_100)),
    *(("au", "pcm_mulaw", 8_000), ("w64", "pcm_f32le", 44_100), ("aiff", "pcm_s24be", 44_100)),
]

REFERRING = {
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n%s\n#EXT-X-ENDLIST\n",
    "m3u8 key": b'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF:3,\n%s\n#EXT-X-ENDLIST\n',
    "concat": b"ffconcat version 1.0\nfile '%s'\n",
    "pls": b"[playlist]\nFile1=%s\nNumberOfEntries=1\nVersion=2\n",
    "asx": b'<asx version="3.0"><entry><ref href="%s"/></entry></asx>',
    "xspf": b'<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
    b"<track><location>%s</location></track></trackList></playlist>",
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=%s\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 5004 RTP/AVP 0\r\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    b'<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1">'
    b"<BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "smooth": b'<?xml version="1.0"?><SmoothStreamingMedia><StreamIndex Type="audio" Url="%s"/>'
    b"</SmoothStreamingMedia>",
    "imf": b'<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067'
    b'-3/2016"><AssetMap>%s</AssetMap></CompositionPlaylist>',
    "srt": b"1\n00:00:00,000 --> 00:00:01,000\n%s\n",
    "ass": b"[Script Info]\nScriptType: v4.00+\n[Fonts]\nfontname: %s\n",
    "sub idx": b"# VobSub index file, v7 (do not modify this line!)\nid: %s, index: 0\n",
    "rtsp": b"rtsptext\nrtsp://%s\n",
    "reference": b"[Reference]\nRef1=%s\n",
    "ffmetadata": b";FFMETADATA1\ntitle=%s\n",
    "avs": b'DirectShowSource("%s")\n',
    "vpy": b'import vapoursynth\nsource("%s")\n',
    "cue": b'FILE "%s" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "url": b"[InternetShortcut]\nURL=%s\n",
    "data": b"data:audio/wav;base64,%s",
    "bare": b"%s\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="%s"/></svg>',
}
"""Texts that name another file or an address, by kind; ``%s`` stands for the name."""


def referring(target: bytes) -> dict[str, bytes]:
    """The texts of `REFERRING` with a name in them."""
    return {kind: text.replace(b"%s", target) for kind, text in REFERRING.items()}


def sound(rate: int) -> np.ndarray:
    """A rising tone in noise with a pause, float32 ``[n]``."""
    t = np.arange(int(SECONDS * rate)) / rate
    noise = np.random.default_rng(3).normal(0, 0.05, t.size)
    tone = 0.4 * np.sin(2 * np.pi * (200 * t + 2_000 * t**2))
    return ((tone + noise) * (t % 0.2 < 0.15)).astype(np.float32)


@cache
def seeds() -> dict[str, bytes]:
    """Files by format; what this installation cannot write is left out."""
    made: dict[str, bytes] = {}
    for format_, subtype in _SNDFILE:
        with suppress(Exception):
            made[f"{format_} {subtype}"] = _with_soundfile(format_, subtype)
    for format_, encoder, rate in _FFMPEG:
        for channels in (1, 2):
            with suppress(Exception):
                name = f"{format_} {encoder} {channels}"
                made[name] = _with_ffmpeg(format_, encoder, rate, channels)
    with suppress(Exception):
        made["mp4 video"] = _with_ffmpeg("mp4", "aac", 44_100, 1, picture=True)
        made["matroska video"] = _with_ffmpeg("matroska", "aac", 44_100, 1, picture=True)
    return made


def _with_soundfile(format_: str, subtype: str) -> bytes:
    import soundfile

    rate = 8_000 if "GSM" in subtype or "G72" in subtype else 16_000
    file = io.BytesIO()
    soundfile.write(file, sound(rate), rate, format=format_, subtype=subtype)
    return file.getvalue()


def _with_ffmpeg(
    format_: str, encoder: str, rate: int, channels: int, picture: bool = False
) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=format_) as container:
        if picture:
            video = container.add_stream("mpeg4", rate=25)
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
        track = container.add_stream(encoder, rate=rate, layout=("mono", "stereo")[channels - 1])
        assert isinstance(track, av.AudioStream)
        track.codec_context.options = {"strict": "experimental"}
        if picture:
            image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            container.mux(video.encode(image))
            container.mux(video.encode(None))
        integers = (sound(rate) * 32767).astype(np.int16)
        both = np.repeat(integers[:, None], channels, axis=1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(both, "s16", ("mono", "stereo")[channels - 1])
        frame.sample_rate, frame.pts = rate, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return file.getvalue()
