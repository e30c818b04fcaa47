"""What whoever runs Spoofscope may set from outside: every limit, its default, its range.

Each is read from an environment variable when it is needed, so a test or a host may change it
without touching the code. ``python -m core.settings`` prints the table in docs/settings.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

PREFIX = "SPOOFSCOPE_"

ENGINES = ("onnx", "int8", "torch")
"""ONNX Runtime in single precision, the same with 8-bit integers, and the reference."""

LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(ValueError):
    """A variable that cannot be used; the message is a sentence for whoever set it."""


def _number(default: float, low: float, high: float, unit: str, meaning: str) -> Any:
    """A field with a range; a whole number where its default is one."""
    return field(
        default=default,
        metadata={"low": low, "high": high, "unit": unit, "meaning": meaning},
    )


def _other(default: bool | str, meaning: str, choices: tuple[str, ...] = ()) -> Any:
    """A switch or a text; a text is one of the choices where there are some."""
    return field(default=default, metadata={"unit": "", "meaning": meaning, "choices": choices})


def _secret(meaning: str) -> Any:
    """A text that no repr shows."""
    return field(default="", repr=False, metadata={"unit": "", "meaning": meaning, "choices": ()})


@dataclass(frozen=True)
class Settings:
    """Every setting; ``metadata`` of its fields holds unit, range and meaning."""

    # What may come in.
    max_upload_mb: int = _number(200, 1, 100_000, "MB", "Largest file that a visitor can upload")
    max_files: int = _number(50, 1, 10_000, "files", "Files that a visitor can bring at a time")
    max_file_mb: int = _number(
        4_096, 1, 1_000_000, "MB", "Largest file that is decoded, from whatever place"
    )
    max_clip_s: float = _number(10_800.0, 1.0, 864_000.0, "s", "Longest clip")
    max_samples: int = _number(
        3 * 3600 * 96_000 * 2,
        16_000,
        10**12,
        "samples",
        "Most samples of a clip over all channels, at its own rate",
    )
    request_wait_s: float = _number(
        30.0,
        1.0,
        3_600.0,
        "s",
        "A request that takes longer to arrive, or its answer to be taken, "
        "is given up; an upload has more by its size",
    )
    request_speed_kb: float = _number(
        2.0,
        0.001,
        1_000_000.0,
        "kB/s",
        "Slowest upload that is waited for beyond that",
    )
    max_table_mb: int = _number(200, 1, 1_000_000, "MB", "Largest score file, unpacked")
    max_saved_mb: int = _number(15, 1, 10_000, "MB", "Largest file of saved detections")
    max_weights_mb: int = _number(
        2_000, 1, 1_000_000, "MB", "Largest weights that are fetched from the hub"
    )
    # What decoding may cost.
    decode_processes: int = _number(
        2, 1, 64, "processes", "Files decoded at a time, by a server or a process of an archive"
    )
    decode_time_s: float = _number(
        10.0, 1.0, 86_400.0, "s", "Longest time to decode a file that gives no sound"
    )
    decode_speed: float = _number(
        20.0, 0.1, 10_000.0, "times real time", "Slowest that sound is decoded without giving it up"
    )
    decode_memory_mb: int = _number(
        1_024, 256, 1_000_000, "MB", "Most memory to decode a file, beside the file itself"
    )
    # What judging may cost.
    concurrent_inferences: int = _number(
        2, 1, 256, "clips", "Clips judged at a time, over all visitors"
    )
    queue_length: int = _number(
        64, 0, 100_000, "clips", "Clips that may wait to be judged; beyond it visitors are refused"
    )
    threads: int = _number(
        2, 1, 256, "cores", "Cores that a detector uses where ONNX Runtime runs it"
    )
    own_detector_s: float = _number(
        300.0, 1.0, 86_400.0, "s",
        "Longest time for a detector of your own to load, or to answer one call of `score`",
    )  # fmt: skip
    detectors_kept: int = _number(3, 1, 100, "detectors", "Detectors that stay in memory")
    detectors_at_once: int = _number(
        3, 1, 20, "detectors", "Detectors that one visitor can ask about a clip"
    )
    # What a session may keep.
    session_keep_s: float = _number(
        60.0, 0.0, 3_600.0, "s", "A session whose tab was closed is deleted after so long"
    )
    sound_memory_mb: int = _number(
        0,
        0,
        1_000_000_000,
        "MB",
        "Decoded sound of all visitors; beyond it the oldest is dropped and decoded again when it "
        "is needed. 0 is half of the memory that the machine, or its container, has",
    )
    sound_idle_s: float = _number(
        60.0, 0.0, 86_400.0, "s", "Decoded sound that nobody asked for in so long is dropped"
    )
    sound_to_browser_s: float = _number(
        900.0, 0.0, 86_400.0, "s", "A longer clip is not sent to the browser as a whole"
    )
    # What a microphone may cost.
    live_streams: int = _number(5, 0, 1_000, "takes", "Live takes at a time, over all visitors")
    live_keep_s: float = _number(
        600.0, 10.0, 86_400.0, "s", "Sound kept of one live take; beyond it the oldest goes"
    )
    live_forget_after_s: float = _number(
        45.0, 10.0, 3_600.0, "s", "A live take whose page is gone for so long is deleted"
    )
    turn_url: str = _other(
        "",
        "TURN server of one's own for live takes, as `turn:turn.example.org:3478`; several with "
        "commas",
    )
    turn_secret: str = _secret("What coturn has as `static-auth-secret`; goes with it")
    # What programs may ask.
    api: bool = _other(False, "Whether the HTTP API answers under `/api/v1`, see docs/api.md")
    api_tokens: str = _secret(
        "Who may ask it, as `name:token,name:token`; without any only programs of this machine"
    )
    api_requests: int = _number(
        4, 1, 1_000, "requests", "Requests of one token, or of one address, answered at a time"
    )
    api_metrics: bool = _other(
        False, "Whether the API tells its counts under `/api/v1/metrics`, for Prometheus"
    )
    # Other things.
    own_machine: bool = _other(
        False,
        "Whether the server belongs to its visitor, who may name hub models, folders and, for "
        "Live, any network address",
    )
    frame_ancestors: str = _other(
        "'self'", "Sites that may show the dashboard in a frame: `'none'`, or their addresses"
    )
    c2pa_trust: str = _other(
        "",
        "PEM file of certificates that signers of Content Credentials are trusted by, such as the "
        "C2PA trust list; none is bundled, and without one no signer is known",
    )
    engine: str = _other("", "What runs the embedded detector", ENGINES)
    log_level: str = _other(
        "warning",
        "What the server logs: `info` tells of its start, of detectors that are loaded, of what is "
        "refused and of time-outs; a clip's name stands in `debug` alone",
        LOG_LEVELS,
    )
    detectors: str = _other(
        "",
        "Detectors of your own that join the list: `FILE.py`, `FILE.py:object` or `module:object`, "
        "with commas between them, see docs/your-detector.md",
    )
    models: str = _other("", "Folder of fetched weights, by default a cache folder of the user")
    corpus: str = _other("build/corpus", "Folder of the training corpus")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings as they stand now.

    Parameters
    ----------
    environ : mapping, optional
        By default the process's own environment.

    Raises
    ------
    SettingsError
        With a sentence about the first variable that cannot be used.
    """
    environ = os.environ if environ is None else environ
    return _read(tuple(environ.get(variable(f.name), "") for f in fields(Settings)))


@lru_cache(maxsize=8)
def _read(given: tuple[str, ...]) -> Settings:
    pairs = zip(fields(Settings), given, strict=True)
    found: dict[str, Any] = {f.name: _value(f, text.strip()) for f, text in pairs if text.strip()}
    return Settings(**found)


def _value(setting: Any, text: str) -> bool | int | float | str:
    default, about = setting.default, setting.metadata
    try:
        if isinstance(default, str):
            if about["choices"] and text not in about["choices"]:
                raise ValueError
            return text
        if isinstance(default, bool):
            return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
        number = type(default)(text)
        if about["low"] <= number <= about["high"]:
            return number
    except (KeyError, ValueError, OverflowError):
        pass
    raise SettingsError(
        f"{variable(setting.name)} is '{text[:80]}', but it must be {_wanted(setting)}. Correct "
        f"it, or remove it for the default ({_shown(default)})."
    )


def _wanted(setting: Any) -> str:
    if isinstance(setting.default, bool):
        return "1 or 0"
    if isinstance(setting.default, str):
        return _listed(setting.metadata["choices"])
    kind = "a whole number" if isinstance(setting.default, int) else "a number"
    return f"{kind} {_range(setting)}"


def _listed(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _range(setting: Any) -> str:
    about = setting.metadata
    if about.get("choices"):
        return _listed(tuple(f"`{choice}`" for choice in about["choices"]))
    return f"from {_shown(about['low'])} to {_shown(about['high'])}" if "low" in about else ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value or "none" if isinstance(value, str) else f"{value:,.15g}"


def unknown(environ: Mapping[str, str] | None = None) -> list[str]:
    """Variables with the project's prefix that set nothing: most likely misspelt."""
    environ = os.environ if environ is None else environ
    known = {variable(f.name) for f in fields(Settings)}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def table() -> str:
    """Every setting as a Markdown table."""
    rows = ["| variable | default | range | what it sets |", "|---|---|---|---|"]
    for f in fields(Settings):
        unit = f" {f.metadata['unit']}" if f.metadata["unit"] else ""
        rows.append(
            f"| `{variable(f.name)}` | {_shown(f.default)}{unit} | "
            f"{_range(f) or ('1 or 0' if isinstance(f.default, bool) else 'text')} | "
            f"{f.metadata['meaning']} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
