"""Your scores with several files: data sets, other systems, fusion."""

import pytest

from core.evaluate.example_scores import example
from core.show.scores import files
from tests.pages.test_your_scores import show, start, told


def of_codec(codec, system=0, prefix=""):
    lines = example(system).decode().splitlines()
    rows = [prefix + line for line in lines[1:] if line.split(",")[3] == codec]
    return "\n".join([lines[0], *rows]).encode()


def given(**fields):
    """The page with these files: field to (name, data) of each."""
    at = start()
    for field, content in fields.items():
        widget = next(f for f in at.file_uploader if f.key == f"scores.upload.{field}")
        widget.set_value([(name, data, "text/plain") for name, data in content])
    at.run()
    assert not at.exception
    return at


@pytest.fixture
def sets():
    """Two files of one system."""
    telephone = ("telephone.csv", of_codec("alaw", prefix="t"))
    return given(scores=[("studio.csv", of_codec("none")), telephone])


def table(at, column):
    return next(d.value for d in at.dataframe if column in d.value.columns)


def test_two_score_files_are_data_sets(sets):
    assert any("2 data sets: EER" in s.value and "pooled" in s.value for s in sets.subheader)
    assert any("2,000 bona fide and 3,000 spoofed" in c.value for c in sets.caption)
    show(sets, "Data sets")
    frame = table(sets, "condition")
    eers = frame.set_index("condition")["EER (%)"]
    assert set(eers.index) == {"studio", "telephone", "pooled", "mean"}
    assert eers["mean"] == pytest.approx((eers["studio"] + eers["telephone"]) / 2, abs=1e-3)
    carried = table(sets, "taken from").set_index(["taken from", "applied to"])
    assert carried.loc[("studio", "studio"), "error"] == pytest.approx(eers["studio"])


def test_a_file_that_is_taken_away_leaves_the_others(sets):
    field = next(f for f in sets.file_uploader if f.key == "scores.upload.scores")
    field.set_value([("telephone.csv", of_codec("alaw"), "text/plain")]).run()
    assert not sets.exception
    assert any("telephone" in s.value and "sets" not in s.value for s in sets.subheader)


def test_a_column_can_name_data_sets():
    at = start(scores=("s.csv", example()))
    show(at, "Data sets")
    assert "a column here that names them" in told(at)
    at.selectbox(key="scores-sets-column").set_value("codec").run()
    assert not at.exception
    assert {"none", "alaw", "pooled", "mean"} == set(table(at, "condition")["condition"])


def test_each_score_file_takes_the_key_that_holds_it():
    every = {"scores": [], "protocol": []}
    for codec, prefix in (("none", ""), ("alaw", "t")):
        lines = [line.split(",") for line in of_codec(codec, 0, prefix).decode().splitlines()[1:]]
        scores = "".join(f"{c[0]} {c[5]}\n" for c in lines).encode()
        key = "".join(f"{c[1]} {c[0]} - {c[2]} {c[4]}\n" for c in lines).encode()
        every["scores"].append((f"{codec}.txt", scores))
        every["protocol"].append((f"key-{codec}.txt", key))
    at = given(**every)
    assert "alaw takes its labels from key-alaw.txt." in told(at)
    assert any("2 data sets: EER" in s.value for s in at.subheader)


def test_systems_are_side_by_side_and_fused():
    turned = "\n".join(
        ",".join([*cells[:5], str(-float(cells[5]))]) if number else ",".join(cells)
        for number, cells in enumerate(c.split(",") for c in example(1).decode().splitlines())
    )
    others = [("b.csv", example(1)), ("turned.csv", turned.encode())]
    at = given(scores=[("a.csv", example())], second=others)
    show(at, "Trade-off")
    frame = table(at, "system")
    eers = frame.set_index("system")["EER (%)"]
    assert eers["a.csv"] == pytest.approx(11.9) and eers["b.csv"] == pytest.approx(8.4)
    assert eers["turned.csv"] == eers["b.csv"]  # its direction is another
    show(at, "Fusion")
    gains = table(at, "against")
    gain = gains[(gains["system"] == "Logistic fusion") & (gains["against"] == "b.csv")].iloc[0]
    assert gain["difference"] == pytest.approx(-1.8, abs=0.15) and gain["high"] < 0
    assert any("5 folds by speakers" in c.value for c in at.caption)
    at.selectbox(key="scores-fusion-by").set_value("codec").run()
    assert not at.exception
    assert any("Learnt from 2,500 trials of codec alaw" in c.value for c in at.caption)
    assert "24 speakers are in both parts" in told(at)
    show(at, "Other systems")
    assert at.selectbox(key="scores-pair-other").options == ["b.csv", "turned.csv"]


def test_what_was_stated_of_another_system_stays_while_it_is_not_shown():
    at = start(scores=("a.csv", example()), second=("b.csv", example(1)))
    show(at, "Other systems")
    next(r for r in at.radio if r.key.startswith("scores-higher-second-")).set_value("spoof").run()
    show(at, "Figures")
    show(at, "Trade-off")
    way = next(r for r in at.radio if r.key.startswith("scores-higher-second-"))
    assert way.value == "spoof"


def test_more_systems_than_fit_are_left_out():
    others = [(f"{n}.csv", example(1) + b"x,S01,-,none,bonafide,%d\n" % n) for n in range(6)]
    at = given(scores=[("a.csv", example())], second=others)
    assert "5.csv is left out: at most 5 files fit here." in told(at)


def test_files_that_are_too_large_together_are_left_out(monkeypatch):
    monkeypatch.setattr(files, "TABLES_HELD", 0)
    at = given(scores=[("a.csv", example())], second=[("b.csv", example(1))])
    assert "b.csv is left out: these files are too large together." in told(at)
