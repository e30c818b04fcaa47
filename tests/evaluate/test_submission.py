"""What the Speech Anti-Spoofing Arena takes: its EER, its rules, and files that hold both."""

import hashlib
import itertools
import json

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.cli import main
from core.evaluate import submission as sub
from core.evaluate.metrics import Tally
from core.evaluate.trials import TrialsError

scores = st.lists(st.integers(-4, 4).map(float) | st.just(float("inf")), min_size=1, max_size=9)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
URL = f"https://hub.example/me/model/resolve/{COMMIT}/.eval_results/a/b/scores.txt"
META = """
system:
  name: A system
  slug: a-system
  description: "One line: née"
  code: https://code.example/a
  checkpoint: https://hub.example/me/model
  params_millions: 5
notes: tried once
"""


def where_straight_lines_meet(bona, spoof):
    """By hand: rates at each score, and the first pair of neighbours between which they cross."""
    at = [
        (np.mean([s >= t for s in spoof]), np.mean([b < t for b in bona]))
        for t in sorted({*bona, *spoof})
    ]
    for (fa, miss), (fa_next, miss_next) in itertools.pairwise(at):
        if fa > miss and fa_next <= miss_next:
            part = (fa - miss) / ((fa - miss) - (fa_next - miss_next))
            return 100 * (miss + part * (miss_next - miss))
    return 100 * sum(at[-1]) / 2


@given(scores, scores)
def test_the_arenas_eer_is_where_straight_lines_meet(bona, spoof):
    found = sub.arena_eer(Tally.of(bona, spoof, higher="bonafide"))
    mean = where_straight_lines_meet(bona, spoof)
    assert found == pytest.approx(mean, abs=1e-9)


def details(**given):
    system, notes = sub.read_system(META, "meta.yaml")
    known = {
        "system": system, "dataset": "org/set", "revision": COMMIT[:8], "scores_url": URL,
        "user": "me", "contact": "me@mail.example", "date": "2026-11-27", "notes": notes,
    }  # fmt: skip
    return sub.Details(**(known | given))


TALLY = Tally.of([1.0, 2.0, 3.0], [0.0, 1.5] * 10, higher="bonafide")


def test_everything_that_is_needed_is_there_and_nothing_else():
    made = yaml.safe_load(sub.as_yaml(sub.submission(b"a 1.0\n", TALLY, 1, details())))
    assert list(made) == [
        *("schema_version", "system", "dataset", "scores", "artifact", "reproduction"),
        *("submitter", "submitted_at", "notes"),
    ]
    assert made["schema_version"] == 4 and made["reproduction"] == {}
    assert made["scores"] == {
        "eer_percent": sub.arena_eer(TALLY), "n_trials": 24, "n_skipped": 1,
    }  # fmt: skip
    assert made["artifact"]["scores_sha256"] == hashlib.sha256(b"a 1.0\n").hexdigest()
    assert made["submitted_at"] == "2026-11-27"  # text, never a date
    assert made["system"]["description"] == "One line: née"
    assert made["system"]["params_millions"] == 5 and "paper" not in made["system"]
    assert sub.unfilled(made) == []


@pytest.mark.parametrize("field", ["dataset", "revision", "scores_url", "user", "contact", "date"])
def test_what_is_empty_is_named(field):
    made = sub.submission(b"", TALLY, 0, details(**{field: ""}))
    assert len(sub.unfilled(made)) == 1
    bare = sub.submission(b"", TALLY, 0, sub.Details())
    assert len(sub.unfilled(bare)) == len(sub.SYSTEM) + 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "set"),
        ("revision", "main"),
        ("scores_url", URL.replace(COMMIT, "main")),
        ("scores_url", "scores.txt"),
        ("date", "27.11.2026"),
        ("system", {"slug": "A System"}),
        ("system", {"slug": "a", "code": "my disk"}),
    ],
)
def test_what_the_arena_would_refuse_is_refused(field, value):
    with pytest.raises(TrialsError, match="must be"):
        sub.submission(b"", TALLY, 0, details(**{field: value}))


def test_no_system_may_leave_out_what_is_hard():
    assert sub.submission(b"", TALLY, 1, details())["scores"]["n_skipped"] == 1
    with pytest.raises(TrialsError, match="2 of 25 trials have no score"):
        sub.submission(b"", TALLY, 2, details())


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- 1",
        "system: 3",
        META + "\nsystem:\n  name: 3\n",
        META.replace("A system", "3.5"),
        META.replace("params_millions: 5", "params_millions: many"),
        META.replace("params_millions: 5", "size: 5"),
        META.replace("params_millions: 5", "paper: {doi: x}"),
        "? [a]\n: b",
    ],
)
def test_a_description_that_is_none_gets_a_sentence(text):
    with pytest.raises(TrialsError, match=r"meta\.yaml.*\.$"):
        sub.read_system(text, "meta.yaml")


def test_the_command_writes_both_files_and_says_what_is_left(tmp_path, capsys):
    rows = [(f"u{i:02d}", "bonafide" if i % 2 else "spoof", i / 7) for i in range(40)]
    given, key, meta = (tmp_path / name for name in ("s.txt", "key.txt", "meta.yaml"))
    given.write_text("".join(f"{u} {s!r}\n" for u, _, s in rows[1:]))
    key.write_text("".join(f"{u} {label}\n" for u, label, _ in rows))
    meta.write_text(META)
    out = tmp_path / "out"
    arguments = ["arena", str(given), "--protocol", str(key), "--higher", "spoof"]
    arguments += ["--out", str(out), "--meta", str(meta)]
    assert main([*arguments, "--benchmark", "org/set", "--revision", COMMIT]) == 0
    said = capsys.readouterr().out
    assert "1 trials of the protocol have no score" in said
    assert "Still empty" in said and "artifact.scores_url" in said and "dataset.id" not in said
    made = yaml.safe_load((out / "a-system.yaml").read_text())
    written = (out / "scores.txt").read_bytes()
    assert made["artifact"]["scores_sha256"] == hashlib.sha256(written).hexdigest()
    back = dict(line.split() for line in written.decode().splitlines())
    assert {u: -float(s) for u, s in back.items()} == {u: s for u, _, s in rows[1:]}
    assert (made["scores"]["n_trials"], made["scores"]["n_skipped"]) == (40, 1)
    sides = [[-s for _, c, s in rows[1:] if c == side] for side in ("bonafide", "spoof")]
    assert made["scores"]["eer_percent"] == pytest.approx(where_straight_lines_meet(*sides))
    assert main([*arguments, "--scores-url", "https://hub.example/a/b/resolve/main/s.txt"]) == 2
    assert "at a commit" in capsys.readouterr().err
    meta.write_text(json.dumps({"system": {"name": "x"}}))  # as core harness writes it: JSON
    assert main(arguments) == 0
    assert (out / "submission.yaml").exists()


def test_no_file_that_is_read_is_replaced(tmp_path, capsys):
    given, key = tmp_path / "scores.txt", tmp_path / "key.txt"
    given.write_text("a 1.0\nb 2.0\n")
    key.write_text("a spoof\nb bonafide\n")
    arguments = ["arena", str(given), "--protocol", str(key), "--higher", "bonafide", "--out"]
    assert main([*arguments, str(tmp_path)]) == 2
    assert "scores.txt is read here, and would be replaced" in capsys.readouterr().err
    assert main([*arguments, str(key)]) == 2
    assert "key.txt is a file. --out names a folder" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "out")]) == 0
    assert given.read_text() == "a 1.0\nb 2.0\n"
