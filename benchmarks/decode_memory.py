"""Peak memory and time of decoding two-hour files: ``python benchmarks/decode_memory.py``.

Writes the files to a temporary folder, decodes each in a process of its own and prints a CSV:
format, decoder, seconds of audio, size of the file, seconds to decode, peak resident memory of the
whole process, and the share of it that is the clip itself. Ends with status 1 if any process
peaked at 1 GB or more.
"""

from __future__ import annotations

import csv
import json
import struct
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from scipy.signal import lfilter

HOURS = 2.0
MINUTE = 60
CEILING_BYTES = 1e9

CHILD = """
import json, resource, sys, time
from core.audio.decoding import decode
start = time.perf_counter()
clip = decode(sys.argv[1])
seconds = time.perf_counter() - start
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps([clip.source.decoder, clip.duration_s, seconds, peak, clip.samples.nbytes]))
"""


def sound(rate: int) -> np.ndarray:
    """One minute of coloured noise with pauses, float32, so that no codec has it easy."""
    rng = np.random.default_rng(7)
    noise = lfilter([0.2], [1, -0.9], rng.normal(0, 0.1, MINUTE * rate))
    return (noise * (np.arange(noise.size) / rate % 3 < 2.2)).astype(np.float32)


def write_wav(path: Path, rate: int, channels: int) -> None:
    """16-bit PCM of zeros as a hole in the file: it costs neither time nor disk."""
    block = 2 * channels
    size = int(HOURS * 3600) * rate * block
    header = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * block, block, 16)
    with path.open("wb") as file:
        file.write(header + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)


def write_flac(path: Path, rate: int) -> None:
    """The minute over and over."""
    minute = sound(rate)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16", format="FLAC") as file:
        for _ in range(int(HOURS * 60)):
            file.write(minute)


def write_looped(path: Path, format_: str, encoder: str, rate: int, bit_rate: int) -> None:
    """One encoded minute, its packets repeated with later times."""
    with av.open(str(path), "w", format=format_) as container:
        track = container.add_stream(encoder, rate=rate, layout="mono")
        assert isinstance(track, av.AudioStream)
        track.bit_rate = bit_rate
        integers = (sound(rate) * 32767).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(integers, "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        payloads = [bytes(packet) for packet in track.encode(frame)]
        step = track.codec_context.frame_size
        for index in range(int(HOURS * 60) * len(payloads)):
            packet = av.Packet(payloads[index % len(payloads)])
            packet.pts = packet.dts = index * step
            packet.duration = step
            packet.time_base = Fraction(1, rate)
            packet.stream = track
            container.mux_one(packet)


FILES = {
    "wav 48 kHz stereo": lambda path: write_wav(path, 48_000, 2),
    "wav 16 kHz mono": lambda path: write_wav(path, 16_000, 1),
    "flac 16 kHz mono": lambda path: write_flac(path, 16_000),
    "mp3 44.1 kHz mono": lambda path: write_looped(path, "mp3", "libmp3lame", 44_100, 64_000),
    "m4a 44.1 kHz mono": lambda path: write_looped(path, "ipod", "aac", 44_100, 64_000),
    "webm opus 48 kHz mono": lambda path: write_looped(path, "webm", "libopus", 48_000, 32_000),
}


def main() -> int:
    out = csv.writer(sys.stdout)
    out.writerow(
        ["format", "decoder", "duration_s", "file_mb", "decode_s", "peak_rss_mb", "clip_mb"]
    )
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FILES.items():
            path = Path(folder) / "long"
            write(path)
            done = subprocess.run(
                [sys.executable, "-c", CHILD, str(path)],
                capture_output=True,
                text=True,
                check=True,
                cwd=Path(__file__).parents[1],
            )
            decoder, duration, seconds, peak, clip = json.loads(done.stdout)
            worst = max(worst, peak)
            out.writerow(
                [
                    name,
                    decoder,
                    round(duration, 1),
                    round(path.stat().st_size / 1e6, 1),
                    round(seconds, 1),
                    round(peak / 1e6, 1),
                    round(clip / 1e6, 1),
                ]
            )
            sys.stdout.flush()
            path.unlink()
    print(f"worst peak {worst / 1e6:.0f} MB, ceiling {CEILING_BYTES / 1e6:.0f} MB", file=sys.stderr)
    return int(worst >= CEILING_BYTES)


if __name__ == "__main__":
    sys.exit(main())
