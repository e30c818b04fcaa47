"""Example clips: how five are chosen and written, and that the shipped five are in order."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode
from training import examples
from training.engines import voices
from training.example_pool import pool, quiet_cut
from training.examples import EXAMPLES, Scored, choose, write_clip
from training.recordings import recordings


def verdict(label: str, right: bool) -> str:
    return "synthetic" if (label == "spoof") == right else "authentic"


def test_every_voice_of_the_pool_is_kept_out_of_training() -> None:
    held_out = {voice.name for voice in voices() if voice.split == "example"}
    held_out |= {group.name for group in recordings() if group.split == "example"}
    for candidate in pool():
        assert set(candidate.voice.split(" + ")) <= held_out
        assert candidate.label in {"bona fide", "spoof"}
        lessons = (candidate.caught + candidate.missed).replace("MP3", "")
        assert not any(character.isdigit() for character in lessons)  # the page shows the figures
    files = [candidate.file for candidate in pool()]
    assert len(set(files)) == len(files)


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(len(pool()))), missed=st.integers(0, 4), first=st.floats(-2, 20))
def test_the_choice_meets_its_conditions(order: list[int], missed: int, first: float) -> None:
    candidates = [pool()[place] for place in order]
    cut = len(candidates) - missed
    scored = [
        Scored(candidate, first - place, verdict(candidate.label, place < cut))
        for place, candidate in enumerate(candidates)
    ]
    chosen = choose(scored)
    assert len(chosen) == 5
    assert [one.margin for one in chosen] == sorted((one.margin for one in chosen), reverse=True)
    assert 2 <= sum(one.candidate.label == "bona fide" for one in chosen) <= 3
    assert len({one.candidate.voice for one in chosen}) == 5
    assert any(not one.right for one in chosen) == (missed > 0)


def test_too_few_judged_clips_are_refused() -> None:
    spoofs = [c for c in pool() if c.label == "spoof"]
    with pytest.raises(ValueError, match="no five clips"):
        choose([Scored(c, 1.0, "synthetic") for c in spoofs])


def test_writing_replaces_the_former_five(tmp_path: Path) -> None:
    folder, out = tmp_path / "pool", tmp_path / "examples"
    folder.mkdir()
    sound = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    for candidate in pool():
        write_clip(folder / candidate.file, sound, candidate.form)
    scored = [Scored(c, -float(i), verdict(c.label, i < 9)) for i, c in enumerate(pool())]
    first = examples.write_examples(folder, choose(scored), out)
    (out / "README.md").write_text("kept")
    chosen = choose(sorted((Scored(s.candidate, -s.margin, s.verdict) for s in scored),
                           key=lambda one: -one.margin))  # fmt: skip
    second = examples.write_examples(folder, chosen, out)
    assert {path.name for path in first} != {path.name for path in second}
    names = {path.name for path in out.iterdir()}
    assert names == {p.name for p in second} | {"README.md", "examples.csv", "LICENSES.md"}
    with (out / "examples.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, one in zip(rows, chosen, strict=True):
        lesson = one.candidate.caught if one.right else one.candidate.missed
        assert (row["label"], row["lesson"]) == (one.candidate.label, lesson)
        assert f"## {row['file']}" in (out / "LICENSES.md").read_text()


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "ogg", "opus", "ulaw"])
def test_every_form_can_be_read_back(tmp_path: Path, form: str) -> None:
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    write_clip(tmp_path / "clip", tone, form)
    clip = decode(tmp_path / "clip")
    assert clip.duration_s == pytest.approx(2.0, abs=0.1)
    assert np.sqrt((clip.samples**2).mean()) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert clip.source.sample_rate == (8_000 if form == "ulaw" else clip.source.sample_rate)


def test_a_cut_falls_into_a_pause() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 12 * SAMPLE_RATE).astype(np.float32)
    samples[7 * SAMPLE_RATE : int(7.4 * SAMPLE_RATE)] *= 0.01
    assert 7.0 < quiet_cut(samples, 9) / SAMPLE_RATE < 7.4
    assert quiet_cut(samples, 20) == len(samples)


def test_the_shipped_five() -> None:
    with (EXAMPLES / "examples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    licences = (EXAMPLES / "LICENSES.md").read_text(encoding="utf-8")
    assert [int(row["order"]) for row in rows] == [1, 2, 3, 4, 5]
    assert {row["label"] for row in rows} == {"bona fide", "spoof"}
    assert sum((EXAMPLES / row["file"]).stat().st_size for row in rows) < examples.MOST_BYTES
    for row in rows:
        seconds = decode(EXAMPLES / row["file"]).duration_s
        assert examples.SHORTEST_S <= seconds <= examples.LONGEST_S
        assert row["title"] and row["system"] and row["lesson"]
        assert f"## {row['file']}" in licences and f"Licence: {row['licence']}" in licences
