"""What a file's tags say: programs, times, and what names people, which is kept apart.

FFmpeg reads the tags of every container; mutagen adds what an MP3 says of its encoder. Only what
is on the lists below leaves this module as a sign: any other tag may name a person or a place.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from core.provenance.found import Sign

PROGRAMS = {
    "encoder-ffmpeg": ("FFmpeg", r"\bLav[fc]\d|\bffmpeg\b"),
    "encoder-lame": ("LAME", r"\bLAME\b"),
    "encoder-apple": ("Apple", r"\bcom\.apple\b|\bQuickTime\b|\biTunes\b|Voice Memos|CoreAudio"),
    "encoder-libopus": ("libopus", r"\blibopus\b"),
    "encoder-vorbis": ("libvorbis", r"Xiph\.Org libVorbis|\baoTuV\b"),
    "encoder-flac": ("reference FLAC", r"reference libFLAC"),
    "encoder-sox": ("SoX", r"\bSoX\b|Processed by SoX"),
    "editor-audacity": ("Audacity", r"\bAudacity\b"),
    "editor-adobe": ("Adobe", r"\bAdobe (Audition|Premiere|Media Encoder|Podcast)\b"),
    "editor-other": (
        "an audio editor",
        r"\b(Pro Tools|Logic Pro|GarageBand|REAPER|WaveLab|Cubase|Ableton|Descript|Hindenburg|"
        r"iZotope|ocenaudio|Reaper)\b",
    ),
    "messenger-whatsapp": ("WhatsApp", r"\bWhatsApp\b"),
    "messenger-telegram": ("Telegram", r"\bTelegram\b"),
    "messenger-signal": ("Signal", r"\bSignal (Android|iOS|Desktop)\b"),
    "meeting-zoom": ("Zoom", r"\bZoom( Video)?( Communications| Meeting|\.us)\b"),
    "recorder-zoom": ("a Zoom recorder", r"\bZOOM (Handy Recorder |H\d|F\d)"),
    "synthesiser-named": (
        "a speech synthesiser",
        r"\b(Eleven ?Labs|PlayHT|Murf(\.ai)?|Resemble\.ai|Speechify|WellSaid|Suno|Udio|LOVO|"
        r"Amazon Polly|Azure TTS|edge-tts|gTTS|Coqui|espeak|Chatterbox|OpenAI TTS|Fish Audio|"
        r"Cartesia|HeyGen|Synthesia)\b",
    ),
}
"""Code of a sign -> what it names, and how tags name it."""

_TIMES = ("creation_time", "date", "modification_time", "origination_date", "origination_time")
_SAID = (
    "encoder", "encoded_by", "software", "tool", "encoding_tool", "coding_history", "vendor",
    "originator", "ixml_file_creator",
)  # fmt: skip
_MADE = (
    r"(?<!\bnot )(?<!n't )\b(?:made|created|generated|produced|synthesi[sz]ed|edited|voiced?) "
    r"(?:with|by|using|in) "
)
_TIME = re.compile(
    r"(?=.*\d)(\d{4}([-/.:]\d\d?){0,2}|\d\d?[-/.]\d\d?[-/.]\d{4})?"
    r"[T ]?(\d\d[:_\-]\d\d([:_\-]\d\d([.,]\d{1,9})?)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?"
)
_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id")
_BEXT = (
    ("description", 0, 256),
    ("originator", 256, 288),
    ("originator_reference", 288, 320),
    ("origination_date", 320, 330),
    ("origination_time", 330, 338),
)
_SOURCE_TYPE = re.compile(r"https?://cv\.iptc\.org/newscodes/digitalsourcetype/(\w{1,60})/?")
_IN_XMP = re.compile(
    r"DigitalSourceType(?:>|\s*=\s*[\"']|[^<>]{0,80}?resource\s*=\s*[\"'])\s*"
    + _SOURCE_TYPE.pattern
)
_MOST_BYTES = 4 << 20  # of one chunk that is read as text
_DECLARED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia",
             "compositeSynthetic", "algorithmicMedia", "digitalCapture")  # fmt: skip


def read_tags(file: BinaryIO) -> tuple[list[Sign], list[tuple[str, str]]]:
    """Signs in a file's tags, and the tags that may name people and places.

    Parameters
    ----------
    file : binary file object
        Seekable.
    """
    held = [*_of_ffmpeg(file), *_of_riff(file), *_of_mp3(file)]
    held = list(dict.fromkeys((name.lower(), value.strip()) for name, value in held if value))
    signs = list(_programs(held))
    # Whoever writes words or a number where a time belongs may name somebody.
    times = {name: value for name, value in held if name in _TIMES and _TIME.fullmatch(value)}
    if times:
        signs.append(Sign("times", times))
    signs += _declared(file, held)
    known = {str(sign.values.get("tag")) for sign in signs}
    ours = {*times, *_CONTAINER, "lame_settings", *({"encoder"} & known)}
    personal = [(name, value[:500]) for name, value in held if name not in ours]
    return signs, personal[:100]


def _programs(held: list[tuple[str, str]]) -> Iterator[Sign]:
    settings = dict(held).get("lame_settings", "")
    for code, (name, pattern) in PROGRAMS.items():
        for tag, value in held:
            # Elsewhere a name may be a topic, or somebody's own.
            told = tag in _SAID or tag in _CONTAINER
            if found := re.search(pattern if told else f"(?i:{_MADE})(?:{pattern})", value):
                said = re.search(pattern, value) or found
                about = {"program": name, "says": _version(value, said)}
                about |= {"tag": tag} if told else {}
                if code == "encoder-lame" and settings:
                    about["settings"] = settings
                yield Sign(code, about)
                break


def _version(value: str, found: re.Match[str]) -> str:
    """The program as it names itself, with a version behind it and nothing else of the tag."""
    behind = re.match(r"[A-Za-z]*[ v./]{0,2}\d[\w.+]{0,15}", value[found.end() :])
    return value[found.start() : found.end() + (behind.end() if behind else 0)]


def _of_ffmpeg(file: BinaryIO) -> Iterator[tuple[str, str]]:
    import av

    file.seek(0)
    try:
        with av.open(file, metadata_errors="replace") as container:
            yield from container.metadata.items()
            for stream in container.streams.audio[:1]:
                yield from ((k, v) for k, v in stream.metadata.items() if k != "language")
    except (av.FFmpegError, ValueError, OSError, RuntimeError):
        return


def _of_mp3(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """What the frame of LAME, or of those who imitate it, says of the encoder."""
    try:
        from mutagen import MutagenError
        from mutagen.mp3 import MP3
    except ImportError:  # all else is read without it
        return

    file.seek(0)
    if file.read(3) != b"ID3":
        file.seek(0)
        head = file.read(2)
        if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
            return
    file.seek(0)
    try:
        about: Any = MP3(file).info
    except (MutagenError, ValueError, EOFError, OverflowError):
        return
    if about.encoder_info:
        yield "encoder", str(about.encoder_info)
    if about.encoder_settings:
        yield "lame_settings", str(about.encoder_settings)[:60]


def _of_riff(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """The chunks bext and iXML of a WAV.

    Source: EBU Tech 3285, "Specification of the Broadcast Wave Format"; iXML 3.0.
    """
    for kind, data in _chunks(file):
        if kind == b"bext" and len(data) >= 338:
            for name, start, end in _BEXT:
                yield name, data[start:end].split(b"\0")[0].decode("utf-8", "replace")
            yield "coding_history", data[602:].split(b"\0")[0].decode("utf-8", "replace")[:2000]
        elif kind == b"iXML":
            for name, value in re.findall(rb"<(\w{1,40})>([^<>]{1,500})</\1>", data)[:40]:
                yield f"ixml_{name.decode('latin-1')}", value.decode("utf-8", "replace")


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Chunks of a RIFF file that are small enough to be words."""
    file.seek(0)
    if (head := file.read(12))[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        return
    at = 12
    for _ in range(1000):
        file.seek(at)
        if len(head := file.read(8)) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        if kind != b"data":
            yield kind, file.read(min(size, _MOST_BYTES))
        at += 8 + size + size % 2


def _declared(file: BinaryIO, held: list[tuple[str, str]]) -> Iterator[Sign]:
    """What the tags declare of how the sound was made, unsigned.

    Source: IPTC Photo Metadata Standard, DigitalSourceType in XMP; GB 45438-2025, the field AIGC.
    """
    texts = [p.decode("utf-8", "replace") for p in _xmp_packets(file)]
    kinds = [kind for text in texts for kind in _IN_XMP.findall(text)]
    kinds += [kind[1] for _, value in held if (kind := _SOURCE_TYPE.fullmatch(value))]
    for kind in dict.fromkeys(k for k in kinds if k in _DECLARED):
        yield Sign("declares-source", {"source_type": kind})
    labels: list[Any] = [value for name, value in held if name.upper() == "AIGC"]
    texts += [value for _, value in held]
    labels += [m for text in texts for m in re.findall(r'"AIGC"\s*:\s*(\{[^{}]{0,2000}\})', text)]
    told = set()
    for label in labels[:20]:
        try:
            about = json.loads(label)
            about = about.get("AIGC", about)
            number = str(about["Label"])
            if number in ("1", "2", "3") and number not in told:
                told.add(number)
                yield Sign("declares-aigc", {"label": number})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue


def _xmp_packets(file: BinaryIO) -> list[bytes]:
    """XMP packets in the first and last megabytes of a file."""
    size = file.seek(0, 2)
    pieces = []
    for start in dict.fromkeys((0, max(0, size - _MOST_BYTES))):
        file.seek(start)
        pieces.append(file.read(_MOST_BYTES))
    return list(dict.fromkeys(p for piece in pieces for p in _between(piece)))[:10]


def _between(piece: bytes) -> Iterator[bytes]:
    """The first packets in a piece; each is as long as from the nearest beginning to its end."""
    end = 0
    for _ in range(10):
        end = piece.find(b"</x:xmpmeta>", end + 1)
        if end < 0:
            return
        start = piece.rfind(b"<x:xmpmeta", max(0, end - 100_000), end)
        if start >= 0:
            yield piece[start:end]
