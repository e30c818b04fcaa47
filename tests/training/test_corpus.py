"""Clips out of git repositories."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import soundfile

from tests.training.conftest import voice
from training.clips import read_index
from training.corpus import MANIFEST_COLUMNS, build_corpus, read_manifest

MANIFEST = Path(__file__).parents[2] / "data" / "benchmarks" / "public_samples.csv"


def git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.strip()


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, str]:
    """A repository with a 22 kHz clip, one that is no audio, and an older version of the clip."""
    folder = tmp_path / "sources" / "owner+repo"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "a b").mkdir()
    soundfile.write(folder / "a b" / "ä.wav", voice(1.0, 1), 16_000)
    (folder / "broken.wav").write_bytes(b"no audio at all")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    commit = git(folder, "rev-parse", "HEAD")
    soundfile.write(folder / "a b" / "ä.wav", voice(2.0, 2), 16_000)
    git(folder, "commit", "-qam", "second")
    return folder.parent, commit


def manifest(path: Path, commit: str, blob: str = "") -> Path:
    rows = []
    for clip, source in (("good", "a b/ä.wav"), ("bad", "broken.wav"), ("gone", "gone.wav")):
        row = dict.fromkeys(MANIFEST_COLUMNS, "")
        row |= {"clip": clip, "repository": "owner/repo", "commit": commit, "path": source}
        row |= {"label": "bonafide", "split": "train", "blob": blob if clip == "good" else ""}
        rows.append(row)
    rows.append({**rows[0], "clip": "elsewhere", "repository": "owner/none", "blob": ""})
    rows.append({**rows[0], "clip": "left", "split": "unused"})
    file = path / "manifest.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    return file


def test_builds_the_pinned_version_and_lists_what_is_missing(
    sources: tuple[Path, str], tmp_path: Path
) -> None:
    folder, commit = sources
    blob = git(folder / "owner+repo", "rev-parse", f"{commit}:a b/ä.wav")
    seen = []
    report = build_corpus(
        manifest(tmp_path, commit, blob),
        folder,
        tmp_path / "out",
        clone=False,
        progress=lambda *step: seen.append(step),
    )
    assert (report.built, report.reused) == (1, 0)
    assert {clip for clip, _ in report.failed} == {"bad", "gone", "elsewhere"}
    assert seen[-1][1] == 4
    index = read_index(report.index)
    assert index["clip"].tolist() == ["good"]
    assert index["duration_s"].tolist() == [1.0]  # the first version, not the newest
    samples, rate = soundfile.read(index["file"][0])
    assert rate == 16_000 and np.corrcoef(samples, voice(1.0, 1))[0, 1] > 0.999
    failed = pd.read_csv(tmp_path / "out" / "failed.csv")
    assert len(failed) == 3 and failed["reason"].str.len().min() > 10


def test_a_second_build_keeps_what_is_there_and_works_from_a_bare_repository(
    sources: tuple[Path, str], tmp_path: Path
) -> None:
    folder, commit = sources
    bare = tmp_path / "bare"
    bare.mkdir()
    git(folder, "clone", "-q", "--bare", str(folder / "owner+repo"), str(bare / "repo.git"))
    file = manifest(tmp_path, commit)
    first = build_corpus(file, bare, tmp_path / "out", clone=False)
    before = (tmp_path / "out" / "index.csv").read_text()
    second = build_corpus(file, bare, tmp_path / "out", clone=False)
    assert (first.built, second.built, second.reused) == (1, 0, 1)
    assert (tmp_path / "out" / "index.csv").read_text() == before


@pytest.mark.parametrize("harm", ["cut", "other sound", "no hash", "gone"])
def test_a_second_build_makes_a_clip_anew_that_is_not_what_its_index_says(
    sources: tuple[Path, str], tmp_path: Path, harm: str
) -> None:
    folder, commit = sources
    file, out = manifest(tmp_path, commit), tmp_path / "out"
    build_corpus(file, folder, out, clone=False)
    index = pd.read_csv(out / "index.csv", dtype=str, keep_default_na=False)
    clip = out / index["path"][0]
    before = clip.read_bytes()
    if harm == "cut":
        clip.write_bytes(before[:-100])
    elif harm == "other sound":
        soundfile.write(clip, voice(1.0, 5), 16_000)
    elif harm == "no hash":
        index.assign(sha256="").to_csv(out / "index.csv", index=False)
    else:
        clip.unlink()
    again = build_corpus(file, folder, out, clone=False)
    assert (again.built, again.reused) == (1, 0)
    assert clip.read_bytes() == before
    assert pd.read_csv(out / "index.csv")["sha256"][0] == index["sha256"][0]


def test_a_manifest_with_an_unknown_label_is_refused(tmp_path: Path) -> None:
    row = dict.fromkeys(MANIFEST_COLUMNS, "") | {"label": "real", "split": "train"}
    pd.DataFrame([row]).to_csv(tmp_path / "m.csv", index=False)
    with pytest.raises(ValueError, match="unknown label real"):
        read_manifest(tmp_path / "m.csv")
    (tmp_path / "n.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no benchmark manifest"):
        read_manifest(tmp_path / "n.csv")


def test_flac_of_a_clip_in_another_format(tmp_path: Path, sources: tuple[Path, str]) -> None:
    folder, _ = sources
    repository = folder / "owner+repo"
    data = io.BytesIO()
    soundfile.write(data, voice(1.0, 3), 16_000, format="OGG")
    (repository / "a b" / "ä.wav").write_bytes(data.getvalue())  # the extension lies
    git(repository, "commit", "-qam", "third")
    commit = git(repository, "rev-parse", "HEAD")
    report = build_corpus(manifest(tmp_path, commit), folder, tmp_path / "out", clone=False)
    assert report.built == 1


class TestPublicSamples:
    """The benchmark that ships with the project."""

    table = read_manifest(MANIFEST)

    def test_counts(self) -> None:
        counts = self.table.groupby(["split", "label"]).size()
        assert counts["test"].to_dict() == {"bonafide": 340, "spoof": 536}
        assert counts["dev"].min() > 300
        assert self.table["clip"].is_unique
        assert self.table["blob"].str.fullmatch("[0-9a-f]{40}").all()

    @pytest.mark.parametrize(
        ("one", "other"), [("train", "dev"), ("train", "test"), ("dev", "test")]
    )
    def test_splits_share_no_family_and_no_speaker(self, one: str, other: str) -> None:
        def of(column: str, split: str) -> set[str]:
            part = self.table[self.table["split"] == split]
            if column == "family":
                part = part[part["label"] == "spoof"]
            return set(part[column]) - {"", "human"}

        assert not of("family", one) & of("family", other)
        assert not of("speaker", one) & of("speaker", other)
        assert not of("blob", one) & of("blob", other)

    def test_more_training_clips_share_nothing_with_what_is_measured(self) -> None:
        more = read_manifest(MANIFEST.with_name("training_samples.csv"))
        assert set(more["split"]) == {"train"} and more["label"].value_counts().min() > 300
        assert more["clip"].is_unique and not set(more["clip"]) & set(self.table["clip"])
        assert more["blob"].str.fullmatch("[0-9a-f]{40}").all() and (more["licence"] != "").all()
        measured = self.table[self.table["split"].isin(["dev", "test"])]
        for column in ("family", "speaker", "blob", "repository"):
            shared = set(more[column]) & set(measured[column])
            assert not shared - {"", "human"}, column


class TestTodaySamples:
    """The benchmark of the voices of today, and what of it is trained on."""

    table = read_manifest(MANIFEST.with_name("today_samples.csv"))
    others = pd.concat(
        [read_manifest(MANIFEST), read_manifest(MANIFEST.with_name("training_samples.csv"))]
    )

    def of(self, *splits: str) -> pd.DataFrame:
        return self.table[self.table["split"].isin(splits)]

    def test_counts(self) -> None:
        counts = self.table.groupby(["split", "label"]).size()
        assert counts["test"].to_dict() == {"bonafide": 347, "spoof": 1345}
        assert counts["dev"].min() > 100
        assert self.table["clip"].is_unique and not set(self.table["clip"]) & set(
            self.others["clip"]
        )
        assert self.table["blob"].is_unique and (self.table["licence"] != "").all()
        assert set(self.table["kind"]) == {"cloud", "research", "student", "everyday"}

    def test_no_source_and_class_outweighs_the_rest_in_training(self) -> None:
        assert self.of("train").groupby(["repository", "label"]).size().max() <= 300

    def test_splits_share_no_repository_and_no_sound(self) -> None:
        used = pd.concat([self.others[self.others["split"] != "unused"], self.table])
        for column in ("repository", "blob"):
            assert self.table.groupby(column)["split"].nunique().max() == 1, column
            for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
                first, second = (set(used.loc[used["split"] == s, column]) for s in (one, other))
                shared = first & second & set(self.table[column])
                assert not shared, (column, one, other)

    def test_training_has_no_family_and_no_human_speaker_of_what_is_measured(self) -> None:
        train = self.of("train")
        held = self.others[self.others["split"].isin(["dev", "test"])]
        assert not (set(train["family"]) & set(held["family"])) - {"human"}
        speakers = set(held["speaker"]) | {s for s in self.of("dev", "test")["speaker"] if ":" in s}
        assert not (set(train["speaker"]) & speakers) - {""}  # corpus:number is a person


class TestHumanSamples:
    """People as they record themselves: some for training, some that nothing may hear before."""

    table = read_manifest(MANIFEST.with_name("human_samples.csv"))

    def test_enough_people_and_sources_are_set_aside(self) -> None:
        aside = self.table[self.table["split"] == "heldout"]
        assert aside["speaker"].nunique() >= 300 and aside["repository"].nunique() >= 10
        assert self.table.loc[self.table["split"] == "train", "speaker"].nunique() >= 300
        assert set(self.table["label"]) == {"bonafide"} and (self.table["licence"] != "").all()
        assert set(self.table["split"]) == {"train", "heldout"}

    def test_it_shares_nothing_with_any_other_manifest_nor_its_splits_with_each_other(self) -> None:
        train, aside = (self.table[self.table["split"] == s] for s in ("train", "heldout"))
        others = pd.concat([TestTodaySamples.others, TestTodaySamples.table])
        for column in ("repository", "blob", "speaker", "clip"):
            assert not set(self.table[column]) & set(others[column]) - {""}, column
            assert not set(train[column]) & set(aside[column]), column

    def test_what_is_set_aside_is_built_only_when_asked_for(
        self, sources: tuple[Path, str], tmp_path: Path
    ) -> None:
        folder, commit = sources
        file = manifest(tmp_path, commit)
        table = pd.read_csv(file).assign(split="heldout")
        table.to_csv(file, index=False)
        assert build_corpus(file, folder, tmp_path / "out", clone=False).built == 0
        asked = build_corpus(file, folder, tmp_path / "aside", ("heldout",), clone=False)
        assert asked.built == 2


class TestMoreSamples:
    """More voices and more people, for training alone."""

    names = ("more_samples", "further_samples")
    tables: ClassVar = {name: read_manifest(MANIFEST.with_name(f"{name}.csv")) for name in names}
    others = pd.concat([TestTodaySamples.others, TestTodaySamples.table, TestHumanSamples.table])

    @pytest.mark.parametrize("name", names)
    def test_it_is_for_training_alone_and_no_source_outweighs_the_rest(self, name: str) -> None:
        table = self.tables[name]
        assert set(table["split"]) == {"train"} and (table["licence"] != "").all()
        assert table.groupby(["repository", "label"]).size().max() <= 170
        assert table["clip"].is_unique and table["blob"].is_unique
        assert table["blob"].str.fullmatch("[0-9a-f]{40}").all()

    @pytest.mark.parametrize("name", names)
    def test_the_readme_gives_its_counts(self, name: str) -> None:
        table = self.tables[name]
        human = table[table["label"] == "bonafide"]
        row = (
            f"| train, `{name}.csv` | {len(human):,} | {len(table) - len(human):,} "
            f"| {table['repository'].nunique()} more repositories, "
        )
        readme = (MANIFEST.parents[2] / "training" / "README.md").read_text("utf-8")
        (line,) = (line for line in readme.splitlines() if line.startswith(row))
        assert f"{human.loc[human['speaker'] != '', 'speaker'].nunique()} people" in line

    def test_they_share_no_repository_and_no_sound_with_any_other_manifest(self) -> None:
        earlier = self.others
        for table in self.tables.values():
            for column in ("repository", "blob", "clip"):
                assert not set(table[column]) & set(earlier[column]), column
            earlier = pd.concat([earlier, table])

    @pytest.mark.parametrize("name", names)
    def test_it_teaches_no_family_that_only_measures_and_no_measured_person(
        self, name: str
    ) -> None:
        table = self.tables[name]
        held = self.others[self.others["split"].isin(["dev", "test", "heldout"])]
        taught = set(self.others.loc[self.others["split"] == "train", "family"])
        older = TestTodaySamples.others
        older = older[older["split"].isin(["dev", "test"])]
        forbidden = (set(held["family"]) - taught) | set(older["family"])
        assert not (set(table["family"]) & forbidden) - {"human"}
        people = table.loc[table["label"] == "bonafide", "speaker"]
        assert not (set(people) & set(held["speaker"])) - {""}


class TestLongSamples:
    """People in single recordings of 30 s and longer, for dev and test alone."""

    table = read_manifest(MANIFEST.with_name("long_samples.csv"))
    others = pd.concat([TestMoreSamples.others, *TestMoreSamples.tables.values()])

    def test_every_clip_is_a_human_host_that_dev_or_test_measure(self) -> None:
        assert set(self.table["label"]) == {"bonafide"}
        assert set(self.table["split"]) == {"dev", "test"}
        assert self.table["duration_s"].astype(float).min() >= 30
        assert (self.table["speaker"] != "").all() and (self.table["licence"] != "").all()
        assert self.table["clip"].is_unique and self.table["blob"].is_unique
        assert self.table["blob"].str.fullmatch("[0-9a-f]{40}").all()

    def test_no_source_outweighs_the_rest(self) -> None:
        for _, part in self.table.groupby("split"):
            assert part["repository"].nunique() >= 10
            assert part.groupby("repository").size().max() <= 8

    def test_the_readme_gives_its_counts(self) -> None:
        readme = (MANIFEST.parents[2] / "training" / "README.md").read_text("utf-8")
        for split, part in self.table.groupby("split"):
            row = (
                f"| {split}, `long_samples.csv` | {len(part)} | 0 "
                f"| {part['speaker'].nunique()} voices or groups of voices "
                f"from {part['repository'].nunique()} repositories"
            )
            assert row in readme

    def test_no_repository_and_no_speaker_stands_in_both_splits(self) -> None:
        dev, test = (self.table[self.table["split"] == s] for s in ("dev", "test"))
        for column in ("repository", "speaker"):
            assert not set(dev[column]) & set(test[column]), column

    def test_it_shares_no_repository_no_sound_and_no_known_speaker_with_any_other(self) -> None:
        for column in ("repository", "blob", "clip", "speaker"):
            assert not set(self.table[column]) & set(self.others[column]), column
