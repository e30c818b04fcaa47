"""Which column of which file is what, as said on the command line."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.cli.options import EXIT_UNUSABLE, as_sentence
from core.evaluate.trials import (
    SPOOFED,
    Layout,
    Problem,
    Trials,
    TrialsError,
    check_sure,
    guess_layout,
    has_three_kinds,
    has_times,
    read_table,
    tidy,
)

if TYPE_CHECKING:
    import pandas as pd

Part = Literal["scores", "protocol", "compare"]
Run = Callable[[argparse.Namespace], int]

OPTIONS = {
    "trial": "that names the trials",
    "score": "of scores",
    "label": "that says which trials are spoofed",
    "attack": "of attacks",
    "speaker": "of speakers",
    "data set": "of data sets, where one file holds several",
}

HINTS = {
    "trial": "--trial COLUMN names it.",
    "score": "--score COLUMN names it.",
    "label": "--label COLUMN names it; --protocol FILE adds labels.",
    SPOOFED: "--spoof-label VALUE says which labels mean spoofed.",
    "asv": "--asv FILE takes them.",
}
"""What to do about a role that is missing or in doubt."""


def add_columns(group: Any) -> None:
    """Add an option for each of `OPTIONS`, and ``--spoof-label``."""
    for role, what in OPTIONS.items():
        group.add_argument(
            f"--{role.replace(' ', '-')}",
            action="append",
            default=[],
            metavar="COLUMN",
            help=f"the column {what}: its name or its number, from 1",
        )
    group.add_argument(
        "--spoof-label",
        action="append",
        default=[],
        metavar="VALUE",
        help="a label that means spoofed, where labels are such as 0 and 1; may be repeated",
    )


def add_trials(group: Any, about_protocol: str) -> None:
    """Add SCORES, ``--protocol``, and what says how both are to be read."""
    group.add_argument("scores", metavar="SCORES", help="a score file")
    group.add_argument("--protocol", metavar="FILE", help=about_protocol)
    add_columns(group)
    add_joining(group)
    add_higher(group)


def add_higher(group: Any) -> None:
    """Add ``--higher``."""
    group.add_argument("--higher", choices=("spoof", "bonafide"), help="what a high score means")


def add_joining(group: Any) -> None:
    """Add ``--join-by-stem``."""
    group.add_argument(
        "--join-by-stem",
        action="store_true",
        help="take a.wav and x/a.flac for the same trial, where the stem is unique",
    )


EPILOG = """--trial and --score name columns of SCORES, and of --compare where it has them; --label,
--spoof-label, --attack, --speaker and --data-set refer to --protocol where it is given. "scores:",
"protocol:" or "compare:" before a name means that file, as in --trial protocol:clip."""


def read(
    path: Path, part: Part, options: argparse.Namespace, by: Sequence[str]
) -> tuple[Trials, Layout]:
    """Read one of the command's files.

    Raises
    ------
    TrialsError
        If it cannot be read, or it is in doubt which column is what, with what to do about it.
    """
    frame = read_table(path)
    stated: dict[str, str | None] = _stated(frame, path.name, part, options)
    # A column that is named on the command line is kept whatever it is.
    known = guess_layout(frame, stated).columns.values()
    stated |= {c: c for c in by if c in frame and c not in known}
    spoofed = [v for v in _of_part(options.spoof_label, "label", part, options) if v]
    layout = guess_layout(frame, stated, spoofed)
    needed = ["trial"] if part == "protocol" else ["trial", "score"]
    if part == "protocol" or (part == "scores" and not options.protocol):
        needed.append("label")
    layout = layout.needing(*needed)
    try:
        check_sure(layout, path.name, frame)
        return tidy(frame, layout, path.name), layout
    except TrialsError as error:
        raise with_hint(_of_another_kind(error, frame), part) from error


def _of_another_kind(error: TrialsError, frame: pd.DataFrame) -> TrialsError:
    """The error with the command that such a file is for, where it is for another."""
    if has_three_kinds(frame):
        said = "Trials of targets, other speakers and fakes are for: python -m core sasv."
    elif has_times(frame):
        said = "Scores of stretches of recordings are for: python -m core segments."
    else:
        return error
    return TrialsError(f"{error} {said}", error.problems, missing=error.missing)


def sentences(problems: Sequence[Problem]) -> list[str]:
    """What was left out, with the option that would take it in."""
    return [f"{p.sentence} (--join-by-stem)" if p.by_stem else p.sentence for p in problems]


def refusing(hints: Mapping[str, str] | None = None) -> Callable[[Run], Run]:
    """Let a command end in a sentence, and with 2, where a file cannot be used.

    Parameters
    ----------
    hints : mapping of str to str, optional
        What a file may lack -> the option that helps; `HINTS` by default.
    """

    def decorated(run: Run) -> Run:
        @functools.wraps(run)
        def guarded(options: argparse.Namespace) -> int:
            try:
                return run(options)
            except BrokenPipeError:  # nobody reads the output any more: no fault of a file
                raise
            except (ValueError, OSError) as error:
                _refuse(error, hints)
                return EXIT_UNUSABLE

        return guarded

    return decorated


def _refuse(error: Exception, hints: Mapping[str, str] | None) -> None:
    """Say why a file could not be used, what had been left out first."""
    if isinstance(error, TrialsError):
        for line in sentences(error.problems):
            print(line, file=sys.stderr)
        error = with_hint(error, hints=hints)
    print(as_sentence(error), file=sys.stderr)


def with_hint(
    error: TrialsError, part: Part = "scores", hints: Mapping[str, str] | None = None
) -> TrialsError:
    """The error with the option that helps."""
    known = HINTS if hints is None else hints
    found = []
    for role in error.missing:
        hint = known.get(role, "")
        if part != "scores" and role in ("trial", "score"):
            hint = hint.replace("COLUMN", f"{part}:COLUMN")
        found.append(
            hint.replace("; --protocol FILE adds labels", "") if part == "protocol" else hint
        )
    return TrialsError(" ".join([str(error), *filter(None, found)]), error.problems)


def _stated(
    frame: pd.DataFrame, name: str, part: Part, options: argparse.Namespace
) -> dict[str, str | None]:
    stated: dict[str, str | None] = {}
    for role in OPTIONS:
        said = getattr(options, role.replace(" ", "_"))
        for given in _of_part(said, role, part, options):
            column = _column(frame, given)
            if column is not None:
                stated[role] = column
            elif part != "compare" or f"compare:{given}" in said:
                # A second file need not be laid out like the first.
                there = ", ".join(map(str, frame.columns))
                raise TrialsError(f"{name} has no column {given}; it has: {there}.")
    return stated


def _of_part(given: Sequence[str], role: str, part: Part, options: argparse.Namespace) -> list[str]:
    """What an option says of one file."""
    own: list[str] = []
    for text in given:
        file, colon, rest = text.partition(":")
        if colon and file in ("scores", "protocol", "compare"):
            own += [rest] if file == part else []
            continue
        about_labels = role not in ("trial", "score")
        first: Part = "protocol" if about_labels and options.protocol else "scores"
        if part == first or (part == "compare" and not about_labels):
            own.append(text)
    return own


def _column(frame: pd.DataFrame, given: str) -> str | None:
    names = [str(c) for c in frame.columns]
    if given in names:
        return given
    alike = [c for c in names if c.lower() == given.lower()]
    if len(alike) == 1:
        return alike[0]
    place = int(given) if given.isdecimal() and len(given) < 5 else 0
    return names[place - 1] if 0 < place <= len(names) else None


def layout_line(path: Path, layout: Layout) -> str:
    """A file with its format, and which of its columns is what."""
    return f"{path.name} ({layout.format}): {layout.in_words()}"
