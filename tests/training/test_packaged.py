"""Packaged training material: what is made, kept, left out; joints and edges."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode
from training import packaged
from training.data import keep_for_training
from training.engines import voice_named, voices
from training.joining import join_pieces, trim_edges
from training.packaged import build_packaged, read_index, sentences
from training.protocols import read_corpus
from training.recordings import Recordings
from training.voice import Voice


def tone(seconds: float, hertz: float = 220.0, level: float = 0.3) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(1).normal(0, 1e-3, time.size)
    return (level * np.sin(2 * np.pi * hertz * time) + noise).astype(np.float32)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """One group of prompts, one package that is not there, two voices; counts what is spoken."""
    folder = tmp_path / "prompts" / "digits"
    folder.mkdir(parents=True)
    for number in range(30):
        soundfile.write(folder / f"{number}.wav", tone(1.0, 200 + 10 * number), SAMPLE_RATE)
    soundfile.write(folder / "beep.wav", tone(1.0, 1000), SAMPLE_RATE)
    (folder / "broken.wav").write_bytes(b"no sound at all")
    spoken: Counter[str] = Counter()

    def speak(text: str) -> np.ndarray:
        spoken[text] += 1
        return tone(2.5 if text in sentences("en") else 1.0)

    def fail(text: str) -> np.ndarray:
        raise RuntimeError("no such voice")

    def voice(name: str, need: str | None, speaks: object) -> Voice:
        return Voice(
            name, "Engine", "Engine-formant", "en", "CC0", "a package", 5,
            lambda: need, speaks, "example" if name == "held-out" else "train",  # type: ignore[arg-type]
        )  # fmt: skip

    group = Recordings("reader", "some-sounds", str(tmp_path / "prompts"), r".*\.wav", "CC0", 3)
    absent = Recordings("nobody", "absent-sounds", str(tmp_path / "no"), r".*\.wav", "CC0", 3)
    monkeypatch.setattr(packaged, "recordings", lambda: [group, absent])
    monkeypatch.setattr(
        packaged,
        "voices",
        lambda: [
            voice("talker", None, speak),
            voice("held-out", None, speak),
            voice("mute", None, fail),
            voice("away", "apt-get install away", speak),
        ],
    )
    return spoken


def test_clips_and_index_agree(tmp_path: Path, sources: Counter[str]) -> None:
    out = tmp_path / "out"
    build_packaged(out, report=lambda line: None)
    rows = read_index(out)
    assert Counter((r.label, r.split, r.speaker) for r in rows.values() if "held" in r.clip) == {
        ("spoof", "example", "held-out"): 5
    }
    assert Counter(r.label for r in rows.values()) == {"bonafide": 3, "spoof": 10}
    for row in rows.values():
        clip = decode(out / row.path)
        assert clip.source.sample_rate == SAMPLE_RATE
        assert clip.source.sha256 == row.sha256
        assert clip.duration_s == pytest.approx(row.duration_s, abs=1e-3)
        assert packaged.SHORTEST_S <= row.duration_s <= packaged.LONGEST_S


def test_beeps_and_broken_prompts_are_left_out(tmp_path: Path, sources: Counter[str]) -> None:
    build_packaged(tmp_path / "out", ["human"], report=lambda line: None)
    assert not sources
    for row in read_index(tmp_path / "out").values():
        samples = decode(tmp_path / "out" / row.path).samples
        spectrum = np.abs(np.fft.rfft(samples))
        hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
        assert spectrum[np.abs(hertz - 1000) < 5].max() < 0.02 * spectrum.max()


def test_what_is_missing_is_named_and_the_rest_goes_on(
    tmp_path: Path, sources: Counter[str]
) -> None:
    lines: list[str] = []
    build_packaged(tmp_path / "out", report=lines.append)
    assert "left out nobody: apt-get install absent-sounds" in lines
    assert "left out away: apt-get install away" in lines
    assert any("mute" in line and "no such voice" in line for line in lines)
    assert lines[-1].startswith("3 human and 10 synthetic clips")


def test_where_nothing_is_installed_training_reads_an_empty_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged, "recordings", lambda: [])
    monkeypatch.setattr(packaged, "voices", lambda: [])
    build_packaged(tmp_path / "out", report=lambda line: None)
    assert len(keep_for_training(read_corpus(tmp_path / "out"))) == 0


def test_a_second_run_makes_only_what_is_gone(tmp_path: Path, sources: Counter[str]) -> None:
    out = tmp_path / "out"
    build_packaged(out, report=lambda line: None)
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    lost = out / read_index(out)["talker-001"].path
    lost.unlink()
    sources.clear()
    build_packaged(out, report=lambda line: None)
    assert sum(sources.values()) == 2 and set(sources) <= set(sentences("en"))
    after = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    assert after == before


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        build_packaged(tmp_path, ["animal"])


def test_trimming_keeps_an_edge_of_background() -> None:
    quiet = np.random.default_rng(0).normal(0, 1e-3, SAMPLE_RATE).astype(np.float32)
    trimmed = trim_edges(np.concatenate([quiet, tone(1.0), quiet]))
    assert len(trimmed) / SAMPLE_RATE == pytest.approx(1.3, abs=0.03)
    assert trim_edges(np.zeros(SAMPLE_RATE, np.float32)).size == 0
    assert trim_edges(np.zeros(0, np.float32)).size == 0


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(200, 6000), min_size=1, max_size=4),
    pause=st.floats(0.02, 0.4),
)
def test_joining_keeps_everything_and_adds_no_silence(lengths: list[int], pause: float) -> None:
    draw = np.random.default_rng(sum(lengths))
    pieces = [draw.normal(0, 0.1, n).astype(np.float32) for n in lengths]
    joined = join_pieces(pieces, [pause] * (len(pieces) - 1))
    fade = SAMPLE_RATE // 200
    gap = int(pause * SAMPLE_RATE)
    assert len(joined) == sum(lengths) + (len(pieces) - 1) * (gap - 2 * fade)
    np.testing.assert_array_equal(joined[: lengths[0] - fade], pieces[0][: lengths[0] - fade])
    if len(pieces) > 1:
        start = lengths[0]
        middle = joined[start : start + gap - 2 * fade]
        assert middle.size == 0 or np.mean(middle == 0) < 0.05


def test_joining_needs_a_pause_between_pieces() -> None:
    with pytest.raises(ValueError, match="pause"):
        join_pieces([tone(1), tone(1)], [])


def test_every_voice_has_sentences_and_a_name_of_its_own() -> None:
    everyone = voices()
    names = [voice.name for voice in everyone] + [g.name for g in packaged.recordings()]
    assert len(set(names)) == len(names)
    for voice in everyone:
        assert len(sentences(voice.language)) >= 2
    assert voice_named("piper-joe").split == "example"
    with pytest.raises(KeyError):
        voice_named("nobody")


def test_an_engine_that_is_not_installed_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    needs = {voice.name: voice.missing() for voice in voices()}
    assert needs["flite-rms"] == "apt-get install flite"
    assert needs["pico-en-GB"] == "pip install py-nanotts"
    assert all(need and "install" in need for need in needs.values())
