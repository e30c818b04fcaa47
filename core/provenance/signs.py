"""Codes of the signs that a file can show; the watermark, which is asked for, is none of them."""

from core.provenance.tags import PROGRAMS

IN_SOUND_AND_TAGS = (
    "declares-source",
    "declares-aigc",
    "times",
    "ends-4k",
    "ends-8k",
    "ends-11k",
    "ends-12k",
    "codec-mp3",
    "codec-aac",
    "codec-vorbis",
    "codec-g711",
    "codec-cut",
    "length-256",
    "zeros",
    "repeats",
    "clicks",
    "floor-steps",
    "bits-unused",
    "dc-offset",
    "clipped",
    "hum",
    "hum-line",
    "hum-jumps",
)

CODES = (*PROGRAMS, *IN_SOUND_AND_TAGS)
