"""Parts set into human clips, and what is said of a detector that hears them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from core.audio.clip import SAMPLE_RATE
from core.detect import model_directory
from core.detect.contrast import Contrast
from core.detect.decision import EVEN
from core.detect.detection import Stretch, Trace
from core.detect.model_config import checked_config
from core.detect.outlier import heaviest
from core.detect.registry import EMBEDDED
from core.evaluate.names import BREAKDOWNS, METRICS
from tests.builders import FINDING, HandDetector
from tests.detect.test_contrast import made
from training import finding
from training.card import TABLES
from training.commands import main
from training.contrast import Heard, write
from training.hosts import hosts, part_for, with_part
from training.stretches import WHOLE, measured, stretch_rows

HUMAN, SYNTHETIC = 220.0, 1_760.0


def tone(hertz: float, seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.1 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> pd.DataFrame:
    """One clip of 31 s, two speakers of 66 and 20 s in clips of 10 and 11 s, and five fakes."""
    folder = tmp_path_factory.mktemp("clips")
    rows = [("bonafide", "long", 31.0, "human")]
    rows += [("bonafide", "many", 11.0, "human")] * 6 + [("bonafide", "few", 10.0, "human")] * 2
    rows += [("spoof", "many", 5.0, "a")] * 2 + [("spoof", "", 5.0, "b")] * 3
    made = []
    for number, (label, speaker, seconds, family) in enumerate(rows):
        file = folder / f"{number}.wav"
        soundfile.write(file, tone(HUMAN if label == "bonafide" else SYNTHETIC, seconds), 16_000)
        made.append((f"c{number}", label, speaker, seconds, family, "src", family, str(file)))
    columns = ["clip", "label", "speaker", "duration_s", "family", "source", "system", "file"]
    return pd.DataFrame(made, columns=columns)


class Hearing(HandDetector):
    """Names every stretch of the synthetic tone, to half a second."""

    def detect(self, clip, **kwargs):
        made = super().detect(clip, **kwargs)
        n = len(clip.samples) // 8_000
        spectrum = np.abs(np.fft.rfft(clip.samples[: n * 8_000].reshape(n, 8_000), axis=1))
        hears = spectrum.argmax(1) * 2 > 1_000
        edges = np.flatnonzero(np.diff(np.pad(hears.astype(int), 1))) / 2
        found = [
            Stretch(a, b, 3.0, -3.0, 12.0) for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        llrs = tuple(np.where(hears, 3.0, -3.0).tolist())
        return replace(made, stands_out=tuple(found), trace=Trace(0.5, 0.5, llrs))


def test_long_clips_are_hosts_and_short_ones_of_one_speaker_are_joined(index):
    made = [(h.name, h.kind, len(h.samples) / SAMPLE_RATE) for h in hosts(index)]
    assert made == [("c0", "single", 31.0), ("src/many/0", "joined", 60.0)]
    made = [len(h.samples) / SAMPLE_RATE for h in hosts(index, (30,)) if h.kind == "joined"]
    assert made == [30.0, 30.0]


@pytest.mark.parametrize("seconds", [0.5, 1, 4])
def test_a_part_stands_where_it_is_said_and_nothing_else_changes(index, seconds):
    rng = np.random.default_rng(1)
    host = next(hosts(index))
    part = part_for(index[index["label"] == "spoof"], host, seconds, rng)
    made, at = with_part(host.samples, part, rng)
    away = np.flatnonzero(np.abs(made - host.samples) > 1e-3) / SAMPLE_RATE
    assert away[0] == pytest.approx(at, abs=0.011)
    assert away[-1] == pytest.approx(at + seconds, abs=0.011)
    assert len(made) == len(host.samples)
    assert np.abs(np.diff(made)).max() < 0.06  # no step where they meet
    assert np.std(part) == pytest.approx(np.std(host.samples), rel=0.05)


def test_a_voice_that_has_too_little_gives_no_part(index):
    rng = np.random.default_rng(0)
    assert part_for(index[index["label"] == "spoof"], next(hosts(index)), 99, rng) is None


def test_a_detector_that_hears_every_part_finds_them_all(index, monkeypatch):
    clips, segments = measured(Hearing({220.0: [-3.0]}), index)
    monkeypatch.setattr("training.stretches.measured", lambda *_, **__: (clips, segments))
    whole = clips["condition"] == WHOLE
    assert not clips.loc[whole, "named"].any()
    long = clips["condition"].str.contains("with [1248] s of synthetic")
    assert clips.loc[long, "found"].all() and long.sum() >= 6
    assert clips.loc[long, ["start_off_s", "end_off_s"]].to_numpy().max() <= 0.5
    human = clips["condition"].str.contains("another human")
    assert human.any() and not clips.loc[human, "named"].any()
    human, part = segments.groupby("spoof")["score"].mean()  # short parts weigh less than all
    assert human == pytest.approx(-3, abs=0.5) and part > human + 3
    rows = stretch_rows(Hearing({220.0: [-3.0]}), index, split="dev").set_index("condition")
    whole_row = rows.loc[WHOLE]
    assert (whole_row["value"], whole_row["n_bonafide"], whole_row["subset"]) == (0.0, 2, "dev")
    assert "1 of 2 are clips of one speaker, joined" in whole_row["note"]
    assert "--split dev" in whole_row["source"]
    eer = rows[rows["metric"] == "eer_percent"]["value"].item()
    assert eer < 15


def test_the_verdict_on_a_part_has_rows_of_its_own_where_a_detector_gives_it(index):
    class Judging(Hearing):
        def detect(self, clip, **kwargs):
            return self.with_stance(super().detect(clip, **kwargs), EVEN)

    rows = stretch_rows(Judging({220.0: [-3.0]}, finding=FINDING), index)
    of = rows[rows["breakdown"] == "in_part"].set_index("condition")
    assert of.loc[WHOLE, ["metric", "value", "n_bonafide"]].tolist() == ["in_part_percent", 0.0, 2]
    assert of.loc[WHOLE, "note"].endswith("Verdicts: 2 authentic.")
    kinds = rows[rows["breakdown"] == "in_part_kind"].set_index("condition")
    assert kinds.loc[f"{WHOLE}, single", "n_bonafide"] == 1
    assert kinds.loc[f"{WHOLE}, joined", "n_bonafide"] == 1
    found = of.loc["with 4 s of synthetic speech in them"]
    assert (found["metric"], found["value"]) == ("in_part_right_percent", 100.0)
    assert found["note"].endswith(f"Verdicts: {found['n_spoof']} synthetic in part.")
    assert "in_part" in BREAKDOWNS and set(of["metric"]) <= set(METRICS)
    assert "| with 4 s of synthetic speech in them | 100.0 %" in TABLES["in_part"](rows)


def test_a_rule_names_a_run_in_its_share_of_clips_of_every_length():
    rng = np.random.default_rng(0)
    pieces = [rng.normal(-2.0, 1.5, n) for n in (59, 119, 239) for _ in range(300)]
    rule = finding.fit_rule(pieces)
    passed = np.array([abs(heaviest(p, rule.shift)[2]) >= rule.least(len(p)) for p in pieces])
    assert rule.growth > 0
    assert finding.FALSELY - 0.002 <= passed.mean() <= finding.FALSELY
    assert passed.reshape(3, -1).mean(1).max() <= 1.3 * finding.FALSELY


class Listening(Hearing):
    """The same, whose windows have embeddings too."""

    def detect(self, clip, **kwargs):
        made = super().detect(clip, **kwargs)
        n = len(made.trace.llrs)
        self.finding.contrast.scores(np.array(made.trace.llrs), np.zeros((n, 2), np.float32))
        return made


def test_a_rule_is_fitted_on_human_clips_of_dev_and_written_beside_the_rest(
    index, tmp_path, monkeypatch
):
    config = json.loads((EMBEDDED / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "stands_out": {}}))
    held = write(tmp_path, replace(made(d=2), least=90.0), "by hand")
    assert checked_config(tmp_path)["contrast"] == held  # before there is a rule
    human = index[index["label"] == "bonafide"].assign(split="dev")
    sources = [human.assign(source=f"s{i}") for i in range(6)]
    clips = pd.concat([*sources, human.assign(source="t", split="test")])
    monkeypatch.setattr(model_directory, "load_directory", lambda _: Listening({220.0: [-3.0]}))
    monkeypatch.setattr("training.clips.read_all", lambda _: clips)
    monkeypatch.setattr(finding, "FALSELY", 0.05)
    written = finding.fit_finding(tmp_path, [])
    assert json.loads((tmp_path / "config.json").read_text("utf-8")) == {
        **config, "stands_out": written, "contrast": held | {"least": 0.0}
    }  # fmt: skip
    assert (written["window"], written["hop"], written["shift"]) == (16_000, 8_000, 2.0)
    assert 0 < written["score"] < 0.01  # of clips that sound alike all through
    assert written["fitted_on"].startswith("24 human clips of 30, 60 and 120 s")
    monkeypatch.setattr("training.clips.read_all", lambda _: human)
    with pytest.raises(ValueError, match="20 are needed to fit when a stretch stands out"):
        finding.fit_finding(tmp_path, [])


def test_scores_of_a_long_clip_are_cut_into_those_of_shorter_ones():
    def pieces(*left_out):
        at = np.setdiff1d(np.arange(239), left_out)
        return finding.cut(Heard(at, at.astype(float), at[:, None] * 1.0, 239))

    every = pieces(5)
    assert sorted(len(p.llrs) for p in every) == [58, 59, 59, 59, 118, 119, 239 - 1]
    assert (every[1].at[0], every[1].llrs[0], every[1].embeddings[0, 0]) == (0, 60.0, 60.0)
    few = pieces(5, *range(60, 100))  # 19 of the second half minute are left
    assert sorted(len(p.llrs) for p in few) == [58, 59, 59, 78, 119, 198]


def test_no_run_of_whole_clips_is_unlike_the_rest():
    class Given(Contrast):
        def reduced(self, embeddings):
            return embeddings

        def scores(self, llrs, reduced):
            return reduced[:, 0]

    nothing, rng = np.zeros(0, np.float32), np.random.default_rng(0)
    contrast = Given(nothing, nothing, (), nothing, run=3)
    pieces = [
        Heard(np.arange(60), rng.normal(0, 5, 60), rng.normal(size=(60, 1)), 60) for _ in range(300)
    ]

    def named(least):
        held = replace(contrast, least=least)
        return [bool(held.found(p.llrs, p.embeddings[:, 0], finding.SHIFT, 3)) for p in pieces]

    least = finding.least(contrast, pieces)
    assert not any(named(least)) and sum(named(least - 0.01)) == 1
    low = [replace(p, embeddings=p.embeddings - 9.0) for p in pieces]
    assert finding.least(contrast, low) == 0.0  # even odds are no ground


def test_short_clips_alone_are_refused_with_a_sentence(index):
    with pytest.raises(ValueError, match="have 30 s to set parts into"):
        measured(Hearing({220.0: [-3.0]}), index[index["speaker"] == "few"])


def test_recordings_of_another_corpus_are_hosts_beside_the_benchmarks_own(
    index, tmp_path, monkeypatch, capsys
):
    own = index["clip"] != "c0"  # the only clip of 30 s and longer is of another corpus
    for name, rows in (("corpus", index[own]), ("long", index[~own])):
        (tmp_path / name).mkdir()
        for file in rows["file"]:
            (tmp_path / name / Path(file).name).write_bytes(Path(file).read_bytes())
        table = rows.assign(path=[Path(f).name for f in rows["file"]], split="test")
        table.drop(columns="file").to_csv(tmp_path / name / "index.csv", index=False)
    monkeypatch.setattr(
        "core.detect.registry.load_detector", lambda *_, **__: Hearing({220.0: [-3.0]})
    )
    out = tmp_path / "rows.csv"
    corpora = [str(tmp_path / name) for name in ("corpus", "long")]
    assert main(["benchmark", "--stretches", "--corpus", *corpora, "--out", str(out)]) == 0
    rows = pd.read_csv(out).set_index("condition")
    kinds = rows[rows["breakdown"] == "stands_out_kind"]["n_bonafide"]
    assert kinds.to_dict() == {f"{WHOLE}, joined": 1, f"{WHOLE}, single": 1}
    assert rows.loc["with 4 s of synthetic speech in them", "n_spoof"].max() == 2
    assert rows["source"].str.endswith("--stretches --corpus build/corpus build/long").all()
    assert main(["benchmark", "--corpus", *corpora]) == 2
    assert "Only --stretches takes several corpora" in capsys.readouterr().err
