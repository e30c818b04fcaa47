"""Coverage-guided fuzzing of `core.audio.decoding.decode`.

``python -m benchmarks.fuzz.guided CORPUS [libFuzzer options]``, for example
``-max_total_time=3600 -timeout=10 -rss_limit_mb=1024 -artifact_prefix=found/``.

Needs atheris 3.0.0 (``pip install atheris==3.0.0``), gcc and objdump, on x86-64 Linux: libFuzzer
mutates and keeps what reaches new code. It sees the branches of the project's own Python code
through atheris, and, through breakpoints on every basic block (`coverage.py`), the machine code of
libsndfile, FFmpeg, Opus and soxr as they are shipped, assembler included. Nothing is rebuilt, so
there is no address sanitizer: a bad access is found where it ends in a crash, a hang or a flood.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["core.audio"]):
    from core.audio.clip import AudioError
    from core.audio.decoding import Limits, decode

LIMITS = Limits(max_duration_s=60.0, max_samples=60 * 48_000 * 2)
"""Short ones, so that a flood is met soon; the campaign uses those of the pages."""

LIBRARIES = (
    "_soundfile_data/libsndfile*.so",
    "av.libs/libavformat*",
    "av.libs/libavcodec*",
    "av.libs/libavutil*",
    "av.libs/libopus*",
    "av.libs/libopencore*",
    "soxr/*.so",
)
WORDS = (
    b"RIFF", b"RIFX", b"RF64", b"WAVE", b"fmt ", b"data", b"fact", b"LIST", b"FORM", b"AIFF",
    b"AIFC", b"SSND", b"COMM", b"fLaC", b"OggS", b"OpusHead", b"OpusTags", b"\x01vorbis",
    b"\x03vorbis", b"\x05vorbis", b"ID3", b"Xing", b"Info", b"LAME", b"TAG", b"APETAGEX", b"ftyp",
    b"moov", b"mdat", b"moof", b"traf", b"trun", b"trak", b"mdia", b"minf", b"stbl", b"stsd",
    b"stts", b"stsc", b"stsz", b"stco", b"co64", b"dref", b"url ", b"alis", b"elst", b"mp4a",
    b"alac", b"enca", b"drms", b"sinf", b"esds", b"senc", b"pssh", b"\x1aE\xdf\xa3", b"webm",
    b"matroska", b"A_OPUS", b"A_AAC", b"A_FLAC", b"A_PCM/INT/LIT", b"#!AMR\n", b"#!AMR-WB\n",
    b"caff", b"desc", b"pakt", b"kuki", b".snd", b"wvpk", b"TTA1", b"tBaK", b"MAC ", b"MPCK",
    b"MP+", b"DSD ", b"FRM8", b".RMF", b"MDPR", b"RLM2", b"AVI ", b"strh", b"auds", b"movi",
    b"FLV\x01", b"Creative Voice File\x1a", b"NIST_1A", b"riff", b"8SVX", b"\xff\xfb\x90",
    b"\xff\xf1", b"\x0bw", b"\x7f\xfe\x80\x01", b"G@\0", b"\0\0\x01\xba", b"Speex   ",
)  # fmt: skip


def one(data: bytes) -> None:
    """Decode one input: a clip or an `AudioError`, anything else is a find."""
    try:
        clip = decode(data, limits=LIMITS)
    except AudioError:
        return
    if not len(clip.samples) or not (abs(clip.samples) < float("inf")).all():
        raise RuntimeError("a clip without samples, or with samples that are no numbers")


def main() -> None:
    """Write seeds and words into the corpus folder, watch the libraries, fuzz."""
    import ctypes
    import logging

    from atheris import core_with_libfuzzer  # atheris loads this one when it fuzzes

    from benchmarks.fuzz import coverage
    from benchmarks.fuzz.seeds import referring, seeds

    logging.disable()
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    beside = corpus.with_name(corpus.name + ".beside")
    beside.mkdir(exist_ok=True)
    whole = seeds() | referring(b"http://127.0.0.1:9/secret.wav")
    for name, data in whole.items():
        (corpus / f"seed {name.replace('/', ' ')}").write_bytes(data)
        one(data)  # loads every library
    words = "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in WORDS)
    (beside / "words").write_text(words)
    atheris.Setup([sys.argv[0], str(corpus), f"-dict={beside / 'words'}", *sys.argv[2:]], one)
    import av

    packages = Path(av.__file__).parents[1]
    libfuzzer = ctypes.CDLL(core_with_libfuzzer.__file__)
    for pattern in LIBRARIES:
        for library in sorted(packages.glob(pattern)):
            try:
                _, n = coverage.watch(library, coverage.kept_blocks(library, beside), libfuzzer)
            except OSError as error:
                print(error)
            else:
                print(f"{library.name}: {n:,} blocks")
    atheris.Fuzz()


if __name__ == "__main__":
    main()
