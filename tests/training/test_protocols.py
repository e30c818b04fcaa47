"""Official folders of anti-spoofing corpora."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.protocols import read_corpus


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_asvspoof_2019_la(tmp_path: Path) -> None:
    folder = tmp_path / "ASVspoof2019_LA_cm_protocols"
    write(folder / "ASVspoof2019.LA.cm.train.trn.txt", "LA_0079 LA_T_1 - - bonafide\n")
    write(folder / "ASVspoof2019.LA.cm.dev.trl.txt", "LA_0069 LA_D_1 - A03 spoof\n")
    write(folder / "ASVspoof2019.LA.cm.eval.trl.txt", "LA_0001 LA_E_1 - A19 spoof\n\n")
    table = read_corpus(f"asvspoof2019-la:{tmp_path}")
    assert table["split"].tolist() == ["train", "dev", "test"]
    assert table["family"].tolist() == ["human", "A03", "A19"]
    assert table["file"][2].endswith("ASVspoof2019_LA_eval/flac/LA_E_1.flac")


def test_asvspoof_2021_la_and_df_take_the_eval_phase_alone(tmp_path: Path) -> None:
    write(
        tmp_path / "keys/LA/CM/trial_metadata.txt",
        "LA_0009 LA_E_1 alaw ita_tx A07 spoof notrim eval\n"
        "LA_0009 LA_E_2 none - bonafide bonafide notrim progress\n",
    )
    write(
        tmp_path / "keys/DF/CM/trial_metadata.txt",
        "LA_0023 DF_E_1 low_mp3 asvspoof A14 spoof notrim eval traditional_vocoder - - - -\n",
    )
    la = read_corpus(f"asvspoof2021-la:{tmp_path}")
    assert la[["clip", "codec", "family"]].values.tolist() == [["LA_E_1", "alaw", "A07"]]
    df = read_corpus(f"asvspoof2021-df:{tmp_path}")
    assert df[["codec", "material"]].values.tolist() == [["low_mp3", "traditional_vocoder"]]


def test_asvspoof_5(tmp_path: Path) -> None:
    write(
        tmp_path / "ASVspoof5.train.tsv",
        "T_4850 T_0000000000 F - - - AC3 A05 spoof -\nT_1 T_2 M - - - - bonafide bonafide -\n",
    )
    table = read_corpus(f"asvspoof5:{tmp_path}")
    assert table["label"].tolist() == ["spoof", "bonafide"]
    assert table["file"][0].endswith("flac_T/T_0000000000.flac")


def test_wavefake_and_in_the_wild(tmp_path: Path) -> None:
    write(tmp_path / "generated_audio/ljspeech_melgan/LJ001-0001_gen.wav")
    write(tmp_path / "LJSpeech-1.1/wavs/LJ001-0001.wav")
    table = read_corpus(f"wavefake:{tmp_path}")
    assert table["family"].tolist() == ["melgan", "human"]
    assert table["speaker"].tolist() == ["LJSpeech", "LJSpeech"]
    assert table["pair"].nunique() == 1
    write(tmp_path / "wild/meta.csv", "file,speaker,label\n0.wav,A,spoof\n1.wav,B,bona-fide\n")
    assert read_corpus(f"in-the-wild:{tmp_path / 'wild'}")["label"].tolist() == [
        "spoof",
        "bonafide",
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [("LA_0079 LA_T_1 - -\n", "line 1: 4 columns"), ("a b - - fake\n", "neither bonafide")],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    write(tmp_path / "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt", line)
    with pytest.raises(ValueError, match=what):
        read_corpus(f"asvspoof2019-la:{tmp_path}")


def test_a_missing_protocol_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"trl|trn"):
        read_corpus(f"asvspoof2019-la:{tmp_path}")
    with pytest.raises(ValueError, match="2021 keys"):
        read_corpus(f"asvspoof2021-df:{tmp_path}")
