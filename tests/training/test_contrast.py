"""What holds a window against the rest of its clip, taught on clips into which parts are set."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

from core.audio.clip import SAMPLE_RATE
from core.detect.contrast import load
from core.detect.registry import EMBEDDED
from tests.detect.test_detector import speech_everywhere
from tests.detect.test_finer import small
from training import contrast
from training.commands import main
from training.contrast import Heard, Spliced, fit, selected


def toy(label: str, number: int) -> Spliced:
    """40 windows of a voice of its own; those of a part lie elsewhere in one direction of six."""
    rng = np.random.default_rng(number)
    voice, embeddings = rng.normal(0, 4, 6), rng.normal(0, 0.5, (40, 6))
    share = np.zeros(40, np.float32)
    if label:
        start = int(rng.integers(5, 30))
        share[start : start + 5] = 1.0
        embeddings[start : start + 5, 2 if label == "spoof" else 4] += 4.0
    llrs = rng.normal(-1, 1, 40)
    return Spliced(
        f"s{number % 5}", label, Heard(np.arange(40), llrs, voice + embeddings, 40), share
    )


def test_it_learns_what_parts_have_in_common_whatever_the_voice():
    clips = [toy(label, n) for n, label in enumerate(["", "spoof", "spoof", "bonafide"] * 8)]
    made = fit(clips, members=2, epochs=40)
    for label in ("spoof", "bonafide"):
        clip = toy(label, 100)
        scores = made.scores(clip.heard.llrs, made.reduced(clip.heard.embeddings))
        inside = clip.share > 0.5
        assert scores[~inside].max() < 0
        assert (scores[inside] > 0).all() == (label == "spoof")


def test_no_source_gives_most_of_the_hosts():
    rows = [("a", f"long{i}", 40.0) for i in range(50)] + [("b", "", 31.0)]
    rows += [("c", f"v{i}", 10.0) for i in range(30) for _ in range(9)] + [("d", "few", 9.0)]
    table = pd.DataFrame(rows, columns=["source", "speaker", "duration_s"])
    chosen = selected(table.assign(label="bonafide", file="x"))
    assert (chosen["source"] == "a").sum() == contrast.SINGLES
    speakers = chosen[chosen["source"] == "c"].groupby("speaker")["duration_s"].sum()
    assert len(speakers) == contrast.SPEAKERS and speakers.max() < contrast.OF_A_SPEAKER_S
    assert set(chosen["source"]) == {"a", "b", "c"}


@pytest.fixture
def corpus(tmp_path):
    """Two people of 33 s and fakes of 10 s, all noise."""
    rng = np.random.default_rng(0)
    rows = []
    for name, label, seconds in (
        ("h1", "bonafide", 33),
        ("h2", "bonafide", 33),
        ("f", "spoof", 10),
    ):
        soundfile.write(tmp_path / f"{name}.wav", rng.normal(0, 0.1, seconds * SAMPLE_RATE), 16_000)
        rows.append({
            "clip": name, "label": label, "speaker": name, "duration_s": seconds, "family": label,
            "source": "src", "system": label, "split": "train", "material": "speech",
            "path": f"{name}.wav",
        })  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "index.csv", index=False)
    return tmp_path


def test_the_command_puts_it_into_a_model(corpus, tmp_path_factory, monkeypatch, capsys):
    speech_everywhere(monkeypatch)
    folder = tmp_path_factory.mktemp("model")
    shutil.copy(EMBEDDED / "config.json", folder)
    monkeypatch.setattr("core.detect.model_directory.load_directory", lambda _: small())
    monkeypatch.setattr(contrast, "EPOCHS", 1)
    assert main(["contrast", "--model", str(folder), "--corpus", str(corpus)]) == 0
    entry = json.loads((folder / "config.json").read_text("utf-8"))["contrast"]
    assert load(folder, entry).mean.shape == (16,)
    assert entry["fitted_on"].startswith("10 clips of 1 sources of the train splits")
    index = pd.read_csv(corpus / "index.csv")
    index[index["label"] == "bonafide"].to_csv(corpus / "index.csv", index=False)
    assert main(["contrast", "--model", str(folder), "--corpus", str(corpus)]) == 2
    assert "into which a synthetic part can be set" in capsys.readouterr().err
