"""The official folders of anti-spoofing corpora -> the same kind of index as our own corpora."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

Row = dict[str, str]

COLUMNS = (
    "clip", "file", "label", "family", "system", "material", "speaker", "pair", "split",
    "codec", "licence", "source",
)  # fmt: skip
"""Columns of `read_corpus`; ``file`` is the path of the audio."""

LONGEST_LINE = 10_000
"""Characters of a protocol's line; those of the field have about a hundred."""


def read_corpus(spec: str | Path) -> pd.DataFrame:
    """Read a corpus given as ``NAME:FOLDER``, or an index of our own.

    Parameters
    ----------
    spec : str or path-like
        One of `CORPORA` with the folder that holds its official files, for example
        ``asvspoof2019-la:/data/LA``, or the path of an index.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, all text; ``split`` is ``train``, ``dev`` or ``test``.

    Raises
    ------
    ValueError
        If the corpus is unknown, or its folder does not hold what it should; with the line where a
        protocol is wrong. No name in a protocol leads out of the folder.
    """
    name, _, folder = str(spec).partition(":")
    if name in CORPORA and folder:
        rows = list(CORPORA[name](Path(folder)))
        if not rows:
            raise ValueError(f"{folder} holds no trial of {name}.")
        table = pd.DataFrame(rows)
        for column in COLUMNS:
            if column not in table:
                table[column] = ""
        table["source"] = name
        table["system"] = table["family"]
        return table[list(COLUMNS)].fillna("")
    from training.clips import read_index

    return read_index(spec)


def asvspoof2019_la(folder: Path) -> Iterator[Row]:
    """ASVspoof 2019 logical access: ``speaker file - attack key`` a line."""
    protocols = folder / "ASVspoof2019_LA_cm_protocols"
    for split, part, name in (
        ("train", "train", "ASVspoof2019.LA.cm.train.trn.txt"),
        ("dev", "dev", "ASVspoof2019.LA.cm.dev.trl.txt"),
        ("test", "eval", "ASVspoof2019.LA.cm.eval.trl.txt"),
    ):
        for where, cells in _lines(protocols / name, 5):
            speaker, clip, _, attack, key = cells[:5]
            file = folder / f"ASVspoof2019_LA_{part}" / "flac" / f"{_named(clip, where)}.flac"
            yield _row(where, clip, file, key, attack, speaker, split)


def asvspoof2021_la(folder: Path) -> Iterator[Row]:
    """ASVspoof 2021 logical access: ``speaker file codec channel attack key trim phase``."""
    for where, cells in _lines(_key(folder, "LA"), 8):
        speaker, clip, codec, _, attack, key, _, phase = cells[:8]
        if phase == "eval":
            file = folder / "ASVspoof2021_LA_eval" / "flac" / f"{_named(clip, where)}.flac"
            yield _row(where, clip, file, key, attack, speaker, "test", codec)


def asvspoof2021_df(folder: Path) -> Iterator[Row]:
    """ASVspoof 2021 deepfake: ``speaker file codec corpus attack key trim phase vocoder ...``."""
    for where, cells in _lines(_key(folder, "DF"), 9):
        speaker, clip, codec, _, attack, key, _, phase, vocoder = cells[:9]
        if phase == "eval":
            file = folder / "ASVspoof2021_DF_eval" / "flac" / f"{_named(clip, where)}.flac"
            row = _row(where, clip, file, key, attack, speaker, "test", codec)
            yield {**row, "material": vocoder}


def asvspoof5(folder: Path) -> Iterator[Row]:
    """ASVspoof 5: ``speaker file gender codec quality seed tag attack key ...``."""
    for split, letter, name in (
        ("train", "T", "ASVspoof5.train.tsv"),
        ("dev", "D", "ASVspoof5.dev.track_1.tsv"),
        ("test", "E_eval", "ASVspoof5.eval.track_1.tsv"),
    ):
        path = folder / name
        if not path.is_file() and split != "train":
            continue  # the parts are published one by one
        for where, cells in _lines(path, 9):
            speaker, clip, _, codec, _, _, _, attack, key = cells[:9]
            file = folder / f"flac_{letter}" / f"{_named(clip, where)}.flac"
            yield _row(where, clip, file, key, attack, speaker, split, codec)


def wavefake(folder: Path) -> Iterator[Row]:
    """WaveFake: ``generated_audio/<corpus>_<vocoder>`` beside the recordings of LJSpeech, JSUT."""
    generated = folder / "generated_audio"
    if not generated.is_dir():
        raise ValueError(f"{generated} is missing: WaveFake's synthetic clips lie there.")
    speakers = {"ljspeech": "LJSpeech", "jsut": "JSUT"}
    for part in sorted(p for p in generated.iterdir() if p.is_dir()):
        corpus, _, vocoder = part.name.partition("_")
        for file in sorted(part.glob("*.wav")):
            clip = f"{part.name}/{file.stem}"
            speaker = speakers.get(corpus, corpus)
            row = _row(str(file), clip, file, "spoof", vocoder, speaker, "test")
            yield {**row, "pair": file.stem.removesuffix("_gen")}
    for name, where in (("LJSpeech", "LJSpeech-1.1/wavs"), ("JSUT", "jsut_ver1.1/basic5000/wav")):
        for file in sorted((folder / where).glob("*.wav")):
            row = _row(str(file), f"{name}/{file.stem}", file, "bonafide", "-", name, "test")
            yield {**row, "pair": file.stem}


def in_the_wild(folder: Path) -> Iterator[Row]:
    """In-the-Wild: ``meta.csv`` with file, speaker and label."""
    path = folder / "meta.csv"
    if not path.is_file():
        raise ValueError(f"{path} is missing.")
    reader = csv.DictReader(line for _, line in _text(path))
    try:
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            name, speaker, label = (cells.get(c) for c in ("file", "speaker", "label"))
            if name is None or speaker is None or label is None:
                raise ValueError(f"{where}: a column is missing; it needs file, speaker and label.")
            file = folder / _named(name, where)
            key = label.replace("-", "")
            yield _row(where, file.stem, file, key, "unknown", speaker, "test")
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}.") from error


CORPORA: dict[str, Callable[[Path], Iterator[Row]]] = {
    "asvspoof2019-la": asvspoof2019_la,
    "asvspoof2021-la": asvspoof2021_la,
    "asvspoof2021-df": asvspoof2021_df,
    "asvspoof5": asvspoof5,
    "wavefake": wavefake,
    "in-the-wild": in_the_wild,
}
"""Name -> reader of the corpus's official folder."""


def _key(folder: Path, task: str) -> Path:
    for path in (
        folder / "keys" / task / "CM" / "trial_metadata.txt",
        folder / f"{task}-keys-full" / "keys" / task / "CM" / "trial_metadata.txt",
        folder / "keys" / "CM" / "trial_metadata.txt",
    ):
        if path.is_file():
            return path
    raise ValueError(f"{folder} holds no keys/{task}/CM/trial_metadata.txt: fetch the 2021 keys.")


def _lines(path: Path, columns: int) -> Iterator[tuple[str, list[str]]]:
    """Cells of every line that is not empty, after words that say where they stand."""
    if not path.is_file():
        raise ValueError(f"{path} is missing: the corpus's protocols lie there.")
    for number, line in _text(path):
        cells = line.split()
        if not cells:
            continue
        where = f"{path}, line {number}"
        if len(cells) < columns:
            raise ValueError(f"{where}: {len(cells)} columns, not {columns}.")
        yield where, cells


def _text(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; one that goes on for ever is not read to its end."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            where = f"{path}, line {number}"
            if len(line) == LONGEST_LINE:
                raise ValueError(f"{where}: it is longer than a protocol's line can be.")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"{where}: it cannot be read as UTF-8 text.") from error
            if "\0" in text:
                raise ValueError(f"{where}: it holds a NUL, so this is no text file.")
            yield number, text


def _named(name: str, where: str) -> str:
    """The name of a file, which must not lead to another folder."""
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise ValueError(f"{where}: {name[:80]!r} is no file's name but a way to another folder.")
    return name


def _row(
    where: str,
    clip: str,
    file: Path,
    key: str,
    attack: str,
    speaker: str,
    split: str,
    codec: str = "none",
) -> Row:
    if key not in {"bonafide", "spoof"}:
        raise ValueError(f"{where}: the key is {key[:80]!r}, neither bonafide nor spoof.")
    family = "human" if key == "bonafide" else attack
    return {
        "clip": clip,
        "file": str(file),
        "label": key,
        "family": family,
        "speaker": speaker,
        "split": split,
        "codec": codec,
    }
