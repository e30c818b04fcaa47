"""Bodies of real sound for `benchmarks.fuzz.api`, loaded by schemathesis."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "tests" / "data" / "speech.flac", *sorted((ROOT / "examples").glob("*.mp3"))]

schemathesis.openapi.media_type(
    "application/octet-stream", st.sampled_from([file.read_bytes() for file in FILES])
)
