"""Damaged Content Credentials and tags through the safe look, as a page would hand them over.

``python -m benchmarks.fuzz.provenance --inputs 10000 --save FOLDER [--seed 1]``

Signed WAV, MP3 and FLAC, one of two generations and one that refers elsewhere, are damaged within
what was signed, and four tagged files within their tags, in ways of `benchmarks.fuzz.campaign`.
No process may die or take over 10 s or 1 GB, nothing else may be said with a signature that fits,
and no name leave what is kept apart. Saves what fails; ends with status 1 on a failure.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import struct
import sys
import time
from pathlib import Path
from typing import Any

import av
import soundfile

from benchmarks.fuzz.campaign import MEMORY, SECONDS, mutate, spent
from core.provenance import isolated
from core.provenance.found import Credentials
from core.provenance.isolated import UNSEEN, look_safely
from tests.provenance.signing import IPTC, Chain, chain, signed, wav

NAME = "Ada Merrit"
"""Whom the tags name."""


def seeds(by: Chain) -> dict[str, bytes]:
    """Signed files by name."""
    sound, rate = soundfile.read(io.BytesIO(wav(0.3)))

    def as_form(form: str) -> bytes:
        made = io.BytesIO()
        soundfile.write(made, sound, rate, format=form)
        return made.getvalue()

    first = signed(wav(0.3), by)
    return {
        "wav": first,
        "mp3": signed(as_form("MP3"), by, form="audio/mpeg"),
        "flac": signed(as_form("FLAC"), by, form="audio/flac"),
        "two generations": signed(first, by, parent=first),
        "elsewhere": signed(wav(0.3), by, remote="http://127.0.0.1:9/manifest.c2pa"),
    }


def tagged() -> dict[str, bytes]:
    """Files by name whose tags name `NAME`, programs, times and a source type."""
    sound = wav(0.3)
    with io.BytesIO(sound) as file:
        samples, rate = soundfile.read(file)
    xmp = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d DigitalSourceType="{IPTC}digitalCapture">{NAME}'
        "</d></x:xmpmeta>"
    ).encode()
    bext = NAME.encode().ljust(256, b"\0") + b"Pro Tools".ljust(64, b"\0") + b"2026-03-0210:00:00"
    ixml = f"<BWFXML><FILE_CREATOR>REAPER</FILE_CREATOR><NOTE>{NAME}</NOTE></BWFXML>".encode()
    chunks = [(b"bext", bext.ljust(602, b"\0") + b"A=PCM,T=" + NAME.encode()), (b"iXML", ixml),
              (b"_PMX", xmp)]  # fmt: skip
    held = b"".join(
        kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for kind, body in chunks
    )
    body = sound[8:12] + held + sound[12:]
    made = {"tags of wav": b"RIFF" + struct.pack("<I", len(body)) + body}
    for form, codec in (("mp3", "mp3"), ("flac", "flac"), ("mp4", "aac")):
        file = io.BytesIO()
        with av.open(file, "w", format=form) as out:
            out.metadata.update(
                {"artist": NAME, "comment": f"made with ElevenLabs by {NAME}", "encoded_by": "LAME",
                 "creation_time": "2026-03-02T10:00:00Z", "title": xmp.decode()}
            )  # fmt: skip
            stream: Any = out.add_stream(codec, rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples.astype("float32")[None], "fltp", "mono")
            frame.sample_rate = rate
            for part in av.AudioResampler(stream.format, "mono", rate, stream.frame_size).resample(
                frame
            ):
                out.mux(stream.encode(part))
            out.mux(stream.encode(None))
        made[f"tags of {form}"] = file.getvalue()
    return made


def damaged_part(name: str, data: bytes) -> tuple[int, int]:
    """What is damaged of a file: its manifests or its tags, without most of its sound."""
    if not name.startswith("tags"):
        return store_of(data)
    return 0, max(
        data.rfind(mark) + 400 for mark in (NAME.encode(), b"</x:xmpmeta>", b"ElevenLabs")
    )


def store_of(data: bytes) -> tuple[int, int]:
    """Where the manifests lie, roughly: from the first box, or the XMP, to the last mark of one."""
    marks = [at for mark in (b"jumb", b"<x:xmpmeta") if (at := data.find(mark)) >= 0]
    start = max(0, min(marks, default=0) - 16)
    end = max(data.rfind(b"c2pa.signature") + 12_000, data.rfind(b"</x:xmpmeta>") + 12)
    return start, min(end, len(data))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, required=True)
    options = parser.parse_args()
    options.save.mkdir(parents=True, exist_ok=True)
    by = chain()
    whole = seeds(by) | tagged()
    true = {name: look_safely(data, by.root).credentials for name, data in whole.items()}
    stores = [data[slice(*damaged_part(name, data))] for name, data in whole.items()]
    rng = random.Random(options.seed)
    outcomes: collections.Counter[str] = collections.Counter()
    failures, slowest, peak = 0, 0.0, 0.0
    started = time.monotonic()
    for number in range(options.inputs):
        name = rng.choice(list(whole))
        start, end = damaged_part(name, whole[name])
        kind, store = mutate(whole[name][start:end], stores, rng)
        data = whole[name][:start] + store + whole[name][end:]
        for idle in isolated._POOL._idle:
            idle.await_ready()  # starting takes seconds on a crowded core, and is not looking
        begun = time.monotonic()
        found = look_safely(data, by.root)
        seconds = time.monotonic() - begun
        worker = isolated._POOL._idle[-1].pid if isolated._POOL._idle else 0
        most = spent(worker)[1]
        slowest, peak = max(slowest, seconds), max(peak, most)
        outcomes[outcome(found.credentials)] += 1
        fault = ""
        held, was = found.credentials, true[name]
        if UNSEEN in found.notes:
            fault = "the process broke"
        elif held is not None and held.intact and not says_as(held, was):
            fault = "another statement with a signature that fits"
        elif NAME in json.dumps(found.to_dict()):
            fault = "a name among what leaves the visitor"
        elif seconds > SECONDS + 1 or most > MEMORY:
            fault = f"{seconds:.1f} s, {most / 1e6:.0f} MB"
        if fault:
            failures += 1
            (options.save / f"{number:06d}").write_bytes(data)
            print(f"{number} {name}, {kind} ({len(data)} bytes): {fault}", flush=True)
        if number % 1000 == 999:
            print(f"{number + 1} done in {time.monotonic() - started:.0f} s", flush=True)
    print(f"{options.inputs:,} inputs in {time.monotonic() - started:.0f} s")
    print("outcomes:", dict(outcomes.most_common()))
    print(f"slowest: {slowest:.2f} s of wall; peak memory of a process: {peak / 1e6:.0f} MB")
    print(f"failures: {failures}")
    return int(failures > 0)


def says_as(held: Credentials, was: Credentials | None) -> bool:
    """Whether all that is heard of these was signed: the newest, and all where the earlier fit."""
    n = len(held.manifests) if held.earlier_fit else 1
    return was is not None and held.manifests[:n] == was.manifests[:n]


def outcome(held: Credentials | None) -> str:
    """What was made of it, in a word."""
    if held is None:
        return "none"
    if held.remote:
        return "elsewhere"
    if held.damaged:
        return "damaged"
    return "fits" if held.intact else "does not fit"


if __name__ == "__main__":
    sys.exit(main())
