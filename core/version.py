"""Which Spoofscope this is: its version, and the commit that its files are of."""

from __future__ import annotations

import functools
import re
import subprocess
import tomllib
from pathlib import Path

from core.files import ROOT

BUILT = Path(__file__).with_name("commit.txt")
"""Holds the commit where there is no checkout: an archive of the repository gets it from git, an
image from its build."""


@functools.cache
def version() -> str:
    """The project's version, from ``pyproject.toml``."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    return str(tomllib.loads(text)["project"]["version"])


@functools.cache
def commit() -> str:
    """The commit in hexadecimal, with ``-dirty`` where files of it were changed, or ``unknown``."""
    if (ROOT / ".git").exists():
        try:
            said = subprocess.run(
                ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "describe", "--always",
                 "--dirty", "--abbrev=40", "--exclude=*"],
                capture_output=True, text=True, timeout=20, check=True,
                env={"GIT_OPTIONAL_LOCKS": "0", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            ).stdout.strip()  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            said = ""
    else:
        said = BUILT.read_text("utf-8").strip() if BUILT.is_file() else ""
    return said if re.fullmatch(r"[0-9a-f]{40}(-dirty)?", said) else "unknown"


def in_words() -> str:
    """Both, for people."""
    found = commit()
    return f"Spoofscope {version()}, " + (
        "commit unknown" if found == "unknown" else f"commit {found}"
    )
