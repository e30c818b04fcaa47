"""Your scores: files of every kind in, figures out; nothing computed twice, nothing silent."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.evaluate import analysis
from core.evaluate.example_scores import example
from core.evaluate.names import METRICS
from core.show.scores import columns, tables

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "Your_Scores.py")
BARE = b"".join(
    line.split(b",")[0] + b" " + line.split(b",")[-1] + b"\n" for line in example().split()[1:]
)
KEY = b"".join(
    b"%s %s - %s %s\n" % (c[1], c[0], c[2], c[4])
    for c in (line.split(b",") for line in example().split()[1:])
)


def start(**uploads):
    at = AppTest.from_file(PAGE, default_timeout=120).run()
    for part, (name, data) in uploads.items():
        field = next(f for f in at.file_uploader if f.key == f"scores.upload.{part}")
        field.upload(name, data, "text/plain")
    if uploads:
        at.run()
    assert not at.exception
    return at


def show(at, view):
    at.segmented_control(key="scores-view").set_value(view).run()
    assert not at.exception
    return at


def use(at):
    next(b for b in at.button if b.label == "Use these columns").click().run()
    assert not at.exception


def give(at, part, name, data):
    field = next(f for f in at.file_uploader if f.key == f"scores.upload.{part}")
    field.upload(name, data, "text/plain").run()
    assert not at.exception
    return at


def values(at):
    table = next(d.value for d in at.dataframe if "threshold" in d.value)
    return dict(zip(table["metric"], table["value"], strict=True))


def told(at):
    """What the page says, without the marks that keep names from being read as Markdown."""
    said = (e.value for kind in ("error", "warning", "info", "markdown") for e in getattr(at, kind))
    return " ".join(said).replace("\\", "").replace("\N{WORD JOINER}", "")


@pytest.mark.parametrize("part", ["scores", "protocol", "second"])
def test_under_a_file_that_cannot_be_used_only_the_reason_stands(part):
    at = start(**{part: ("scores.csv", b"\x00\x01" * 40)})
    assert len(at.error) == 1 and "Nothing here yet" not in told(at)
    at = start(**{part: ("scores.csv", b"trial,score\na,1\nb,2\n")})
    assert bool(at.error) == (part == "protocol")
    assert ("Nothing here yet" in told(at)) == (part == "second")


@pytest.fixture(scope="module")
def page():
    """The page with the example, one click away."""
    at = start()
    assert "Nothing here yet" in told(at)
    at.button(key="scores-example").click().run()
    assert not at.exception
    return at


def test_the_example_shows_its_known_answer_and_the_direction(page):
    show(page, "Figures")
    table = next(d.value for d in page.dataframe if "known EER (%)" in d.value)
    gap = (table["known EER (%)"] - table["computed EER (%)"]).abs().max()
    assert gap < 0.2
    assert any("bona fide speech, as stated" in c.value for c in page.caption)


@pytest.mark.parametrize(
    "view",
    [
        "Trade-off",
        "Scores",
        "Breakdown",
        "Data sets",
        "Worst trials",
        "Other systems",
        "Fusion",
        "Published systems",
    ],
)
def test_every_view_opens(page, view):
    at = show(page, view)
    assert not at.error
    if view not in ("Data sets", "Worst trials", "Published systems"):
        assert at.get("arrow_vega_lite_chart") or at.get("vega_lite_chart")


def test_two_columns_make_a_heat_map_and_a_table(page):
    show(page, "Breakdown")
    page.selectbox(key="scores-by-second").set_value("codec").run()
    table = next(d.value for d in page.dataframe if "condition" in d.value)
    assert len(set(table["condition"])) == 6


def test_the_page_and_the_command_say_the_same(page, tmp_path, capsys):
    show(page, "Figures")
    path = tmp_path / "example-system.csv"
    path.write_bytes(example())
    assert main(["evaluate", str(path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["figures"]
    named = {METRICS[r["metric"]][0]: r["value"] for r in rows}
    assert {m.split(" (")[0]: v for m, v in values(page).items()} == pytest.approx(named, abs=1e-12)


def test_a_rerun_that_changes_nothing_computes_nothing(page, monkeypatch):
    def never(*_args, **_options):
        raise AssertionError("computed again")

    show(page, "Figures")
    for name in ("overall", "prepare", "by_column", "suspicions"):
        monkeypatch.setattr(analysis, name, never)
    monkeypatch.setattr(columns, "tidy", never)
    page.run()
    assert not page.exception


def test_scores_wait_for_their_key_and_take_it():
    at = start(scores=("scores.txt", BARE))
    assert "No column says which trials are spoofed" in told(at)
    field = next(f for f in at.file_uploader if f.key == "scores.upload.protocol")
    field.upload("key.txt.gz", gzip.compress(KEY), "application/gzip").run()
    assert not at.exception
    assert values(at)["EER (%)"] == pytest.approx(11.9, abs=0.05)


def test_files_in_each_others_fields_are_recognised():
    at = start(protocol=("scores.txt", BARE))
    assert "scores.txt holds scores and no labels, so it is a score file" in told(at)
    at = start(scores=("key.txt", KEY))
    assert "key.txt holds labels and no scores, so it is a protocol" in told(at)
    assert "are labels" not in told(start(scores=("a.txt", BARE), protocol=("k.txt", KEY)))


def test_a_column_in_doubt_is_asked_for():
    rows = [
        "clip;who;what;number",
        *(f"c{i};p{i % 20};{i % 2};{i % 7 + i % 2 * 3}" for i in range(80)),
    ]
    at = start(scores=("odd.csv", "\n".join(rows).encode()))
    assert "Say which column" in told(at) and "It may be what" in told(at)
    at.selectbox(key="scores.column.scores.score").set_value("number")
    use(at)
    assert "Which label in what means spoofed: 0 or 1?" in told(at)
    at.multiselect(key="scores.spoof.scores").set_value(["1"])
    use(at)
    assert values(at)["AUC"] > 0.8
    assert any("1 means spoofed" in c.value for c in at.caption)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00\x01\x02", "is not a text file"),
        (b"", "is empty"),
        (b"a A07 spoof 1\nb A07 spoof 2\nc A08 spoof 3\n" * 1, "no bona fide trial"),
        (
            example().replace(b",none,bonafide,", b",none,bonafide,x", 3),
            "3 rows of s.txt have a score",
        ),
        (example() + example().split()[1] + b"\n", "1 row of s.txt lists a trial"),
        (example().replace(b"T00001,", b"=T1(),", 1), "kept as plain text"),
    ],
)
def test_bad_files_get_a_sentence(data, sentence):
    assert sentence in told(start(scores=("s.txt", data)))


def test_the_direction_of_a_second_file_can_be_chosen(page):
    show(page, "Other systems")
    way = next(r for r in page.radio if r.key.startswith("scores-higher-second-"))
    assert way.value == "found"  # as was stated of the first

    def second():
        table = next(d.value for d in page.dataframe if "second" in d.value)
        return float(table["second"].iloc[0])

    before = second()
    way.set_value("spoof").run()  # of this file alone
    assert not page.exception
    assert second() == pytest.approx(1 - before if before < 1 else 100 - before, abs=1e-6)
    assert "worse than chance" in told(page)
    next(r for r in page.radio if r.key.startswith("scores-higher-second-")).set_value(
        "found"
    ).run()


def test_published_systems_are_compared_attack_by_attack():
    attacks = ("A07", "A08", "A19")
    rows = [f"u{i} - bonafide {i}" for i in range(50)]
    rows += [
        f"s{a}{i} {a} spoof {i - 10 * k}" for k, a in enumerate(attacks) for i in range(-20, 20)
    ]
    at = start(scores=("scores.txt", "\n".join(rows).encode()))
    show(at, "Published systems")
    at.selectbox(key="scores-published-benchmark").set_value("ASVspoof 2019 LA eval").run()
    assert not at.exception
    table = next(d.value for d in at.dataframe if set(attacks) <= set(d.value.columns))
    assert next(iter(table.index)) == "Your file" and "AASIST" in table.index
    assert table.loc["Your file"].dropna().is_monotonic_decreasing
    assert table.loc["AASIST", "A07"] == pytest.approx(0.53, abs=0.5)


PROBABILITIES = "utt_id,label,p_fake,p_real,duration\n" + "".join(
    f"u{i},{'spoof' if i % 3 else 'bonafide'},{p:.3f},{1 - p:.3f},{2 + i % 5}\n"
    for i, p in enumerate(0.2 + 0.5 * (i % 3 > 0) + i % 7 / 40 for i in range(60))
)


def test_of_several_scores_one_is_chosen_and_its_name_gives_the_direction():
    at = start(scores=("p.csv", PROBABILITIES.encode()))
    assert "Which column has the scores? It may be p_fake or p_real." in told(at)
    assert not any("EER" in s.value for s in at.subheader)
    at.selectbox(key="scores.column.scores.score").set_value("p_fake")
    use(at)
    assert values(at)["EER (%)"] == 0
    assert any("spoofed speech, as its name" in c.value for c in at.caption)
    assert "taken from the labels" not in told(at)


def test_a_direction_from_the_labels_is_a_caution_until_it_is_stated():
    rows = [f"b{i} - bonafide {i % 5}.1" for i in range(40)]
    rows += [f"s{i} A07 spoof {i % 5 + 2}.1" for i in range(40)]  # fooled, or a wrong sign
    at = start(scores=("worse.txt", "\n".join(rows).encode()))
    assert "a system that is worse than chance would not be seen" in told(at)
    assert values(at)["EER (%)"] < 50
    way = next(r for r in at.radio if r.key.startswith("scores-higher-"))
    way.set_value("bonafide").run()
    assert "taken from the labels" not in told(at) and "worse than chance" in told(at)
    assert values(at)["EER (%)"] > 50


def test_subsets_are_kept_apart_and_chosen():
    key, scores = [], []
    for i in range(60):
        label, subset = ("bonafide", "spoof")[i % 2], ("eval", "eval", "progress", "hidden")[i % 4]
        attack = "A07" if label == "spoof" else "bonafide"
        key.append(f"LA_00{i % 12:02} LA_E_{i} alaw ita_tx {attack} {label} notrim {subset}")
        scores.append(f"LA_E_{i}.flac {i % 3 - 2 * (i % 2)}.5")
    at = start(scores=("s.txt", "\n".join(scores).encode()))
    give(at, "protocol", "key.txt", "\n".join(key).encode())
    assert "Only the subset eval counts, of eval (30), progress (15) and hidden (15)." in told(at)
    assert "60 trials have another name in the protocol" in told(at)
    assert any("15 bona fide and 15 spoofed" in c.value for c in at.caption)
    subset = next(c for c in at.segmented_control if c.key.startswith("scores-subset-"))
    subset.set_value("all").run()
    assert any("30 bona fide and 30 spoofed" in c.value for c in at.caption)
    subset = next(c for c in at.segmented_control if c.key.startswith("scores-subset-"))
    subset.set_value("hidden").run()
    assert "There is no bona fide trial" in told(at) and "Only the subset hidden" in told(at)


def test_what_was_left_out_is_said_before_a_class_that_is_missing_and_can_be_joined():
    scores = "".join(f"/x/{i}.wav\t{i % 2 * 2 + i / 99}\n" for i in range(40)).encode()
    key = "file_name,label\n" + "".join(
        f"/x/{i}.{'flac' if i % 2 else 'wav'},{'spoof' if i % 2 else 'bonafide'}\n"
        for i in range(40)
    )
    at = start(scores=("s.txt", scores))
    give(at, "protocol", "key.csv", key.encode())
    assert "20 trials differ from the protocol in folder or suffix" in told(at)
    assert "There is no spoofed trial" in told(at)
    at.checkbox(key="scores-by-stem").check().run()
    assert not at.exception
    assert values(at)["EER (%)"] == 0


def test_a_verification_systems_scores_of_2021_give_t_dcf_also_by_attack_and_t_eer():
    kinds = ("target", "nontarget", "spoof")
    lines = "".join(
        f"LA_1-x LA_E_{i}-x alaw x {'A01' if i % 3 == 2 else 'bonafide'} {kinds[i % 3]} notrim eval"
        f" {3 * (i % 3 == 0) + i % 7 / 3}\n"
        for i in range(90)
    )
    at = start(scores=("s.csv", example().replace(b",X0", b",A0")))
    next(f for f in at.file_uploader if f.key == "scores-asv").upload(
        "asv.txt", lines.encode(), "text/plain"
    ).run()
    assert not at.exception and not at.error
    assert "min t-DCF" in values(at)
    assert "30 target, 30 nontarget and 30 spoofed trials" in told(at)
    assert {"concurrent t-EER (%)", "min a-DCF, tandem"} <= set(values(at))
    show(at, "Breakdown")
    at.selectbox(key="scores-by-first").set_value("attack").run()
    assert {"min t-DCF", "min t-DCF (2019 form)"} <= set(
        at.selectbox(key="scores-by-metric").options
    )
    at.selectbox(key="scores-by-metric").set_value("min_tdcf").run()
    assert not at.exception


def test_the_arena_gets_scores_and_the_yaml_that_points_at_them(monkeypatch):
    given = {}
    real = tables.st.download_button

    def button(label, data, *rest, **options):
        given[label] = data
        return real(label, data, *rest, **options)

    at = start(scores=("s.csv", example()))
    monkeypatch.setattr(tables.st, "download_button", button)
    at.selectbox(key="scores-form").set_value("arena").run()
    assert not at.exception
    made = yaml.safe_load(given["Download the YAML"])
    scores = given["Download the scores"]
    assert made["artifact"]["scores_sha256"] == hashlib.sha256(scores).hexdigest()
    assert made["scores"]["n_trials"] == scores.count(b"\n") == 5000
    assert any("`dataset.id`" in c.value and "11.9000 %" in c.value for c in at.caption)
