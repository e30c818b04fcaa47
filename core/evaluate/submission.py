"""What the Speech Anti-Spoofing Arena takes: a file of scores, and a YAML file that points at it.

The form is version 4 of its toolkit's (lab260ru/speech_spoof_bench at commit 159331d: the schema of
submissions, ``reproduce`` and ``docs/submitting/submit-model.md``). Its maintainers compute the EER
again from the scores, so it is given here by their definition and not by ours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.evaluate.metrics import Tally
from core.evaluate.trials.problems import TrialsError, in_words, short
from core.plain import printable_in
from core.version import version

MOST_SKIPPED = 0.05
"""Share of a data set without a score beyond which the toolkit gives up."""

SYSTEM = ("name", "slug", "description", "code", "checkpoint")
PAPER = ("arxiv_id", "url", "bibtex")

_ADDRESS = r"https?://\S+"
_RULES = {
    "system.slug": ("[a-z0-9][a-z0-9-]*", "small letters, digits and hyphens"),
    "system.code": (_ADDRESS, "an address"),
    "system.checkpoint": (_ADDRESS, "an address"),
    "system.paper.url": (_ADDRESS, "an address"),
    "dataset.id": ("[^/]+/[^/]+", "OWNER/NAME of the Arena's data set"),
    "dataset.revision": ("[0-9a-f]{7,40}", "the commit of the data set"),
    "artifact.scores_url": (
        r"https://[^/]+/[^/]+/[^/]+/resolve/[0-9a-f]{7,40}/\S+",
        "the address of scores.txt at a commit (.../resolve/COMMIT/...)",
    ),
    "submitted_at": (r"\d{4}-\d\d-\d\d", "a date"),
}
"""Field -> the whole of what it may hold, and that in words."""


@dataclass(frozen=True)
class Details:
    """What no score file says; what is empty is left open.

    Attributes
    ----------
    system : mapping
        Name, slug, description, code, checkpoint; paper and params_millions where there are any.
    dataset, revision, split : str
        The Arena's data set (OWNER/NAME), its commit, and its part.
    scores_url : str
        Where the scores lie, at a commit.
    user, contact : str
        Who submits.
    date : str
        When, as 2026-11-27.
    notes : str
        For its readers.
    """

    system: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = ""
    revision: str = ""
    split: str = "test"
    scores_url: str = ""
    user: str = ""
    contact: str = ""
    date: str = ""
    notes: str = ""


def arena_eer(tally: Tally) -> float:
    """Equal error rate in percent as the Arena computes it.

    Thresholds are the scores themselves; between the last at which more fakes pass than humans
    fail, and the next one, both rates are taken to run straight, and they meet there.
    """
    bona, spoof = tally.accepted
    n, k = tally.n_bonafide, tally.n_spoof
    # F - M times both class sizes, from the highest threshold on; it never falls.
    gap = (spoof * n + bona * k - n * k)[1:]
    above = int((gap <= 0).sum())
    rates = [((n - int(bona[c])) / n + int(spoof[c]) / k) / 2 for c in (above + 1, above)]
    if not above:
        return 100 * rates[0]
    over, under = int(gap[above]), int(gap[above - 1])
    return 100 * (rates[0] + over / (over - under) * (rates[1] - rates[0]))


def submission(scores: bytes, tally: Tally, skipped: int, details: Details) -> dict[str, Any]:
    """What the YAML file holds.

    Parameters
    ----------
    scores : bytes
        The file of scores, as it will be uploaded.
    tally : Tally
        The trials in it.
    skipped : int
        Trials of the data set that have no score.
    details : Details
        What else is known.

    Raises
    ------
    TrialsError
        If so many trials have no score that the Arena would not take it, or something that is given
        breaks one of its rules.
    """
    scored = tally.n_bonafide + tally.n_spoof
    if skipped > MOST_SKIPPED * (scored + skipped):
        raise TrialsError(
            f"{skipped:,} of {scored + skipped:,} trials have no score; the Arena takes a system "
            f"only if it scores at least {1 - MOST_SKIPPED:.0%}."
        )
    system = {name: details.system.get(name, "") for name in SYSTEM}
    for name in ("paper", "params_millions"):
        if details.system.get(name) is not None:
            system[name] = details.system[name]
    made = {
        "schema_version": 4,
        "system": system,
        "dataset": {"id": details.dataset, "revision": details.revision, "split": details.split},
        "scores": {
            "eer_percent": arena_eer(tally),
            "n_trials": scored + skipped,
            "n_skipped": skipped,
        },
        "artifact": {
            "scores_url": details.scores_url,
            "scores_sha256": hashlib.sha256(scores).hexdigest(),
            "bench_version": f"spoofscope=={version()}",
        },
        "reproduction": {},
        "submitter": {"hf_username": details.user, "contact": details.contact},
        "submitted_at": details.date,
        "notes": details.notes,
    }
    wrong = [
        f"{name} must be {words}, not {short(value)}."
        for name, (pattern, words) in _RULES.items()
        if (value := _at(made, name)) and not re.fullmatch(pattern, value)
    ]
    if wrong:
        raise TrialsError(" ".join(wrong))
    return printable_in(made)


def unfilled(made: Mapping[str, Any]) -> list[str]:
    """Fields of a submission that are empty and must not be."""
    needed = [f"system.{name}" for name in SYSTEM]
    if "paper" in made["system"]:
        needed += [f"system.paper.{name}" for name in PAPER]
    needed += ["dataset.id", "dataset.revision", "dataset.split", "artifact.scores_url"]
    needed += ["submitter.hf_username", "submitter.contact", "submitted_at"]
    return [name for name in needed if not _at(made, name)]


def as_yaml(made: Mapping[str, Any]) -> bytes:
    """A submission as YAML; UTF-8."""
    import yaml

    return yaml.safe_dump(dict(made), sort_keys=False, allow_unicode=True, width=100).encode()


def read_system(text: str, name: str) -> tuple[dict[str, Any], str]:
    """System and notes of a description (the toolkit's meta.yaml, or ``core harness``).

    Raises
    ------
    TrialsError
        If it is none, or a field has another type than it must.
    """
    import yaml

    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TrialsError(f"{name} is not YAML: {short(' '.join(str(error).split()))}.") from error
    system = given.get("system") if isinstance(given, dict) else None
    if not isinstance(system, dict):
        raise TrialsError(f"{name} describes no system: it must hold system, with its fields.")
    known = {*SYSTEM, "paper", "params_millions"}
    unknown = [str(key) for key in system if key not in known]
    if unknown:
        raise TrialsError(f"{name}: the Arena knows no system.{in_words(unknown)}.")
    paper, size = system.get("paper"), system.get("params_millions", 0)
    texts = {n: system[n] for n in SYSTEM if n in system}
    if paper is not None:
        if not isinstance(paper, dict) or set(paper) - set(PAPER):
            raise TrialsError(f"{name}: system.paper must hold {in_words(PAPER)}.")
        texts |= {f"paper.{n}": value for n, value in paper.items()}
    texts |= {"notes": given.get("notes", "")}
    odd = [n for n, value in texts.items() if not isinstance(value, str)]
    if odd:
        raise TrialsError(f"{name}: {in_words(odd)} must be text; put it in quotes.")
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not size >= 0:
        raise TrialsError(f"{name}: params_millions must be a number that is not below 0.")
    return dict(system), str(given.get("notes", ""))


def _at(made: Mapping[str, Any], name: str) -> str:
    value: Any = made
    for part in name.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return str(value)
