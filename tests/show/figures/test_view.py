"""Filters over the figures, and what a chart saves."""

import io

import altair as alt
import pandas as pd

from core.evaluate import tables
from core.show.figures import charts
from core.show.figures.view import (
    COLUMNS,
    Filters,
    _spec,
    by_attack,
    by_benchmark,
    by_codec,
    csv,
    image,
    spread,
    with_lower_headings,
)
from core.show.hood import diagrams
from core.show.theme import DARK, LIGHT, system_colours

FIGURES = tables.described(tables.load_figures())
EER = FIGURES[FIGURES["metric"] == "eer"]


def test_filters_combine_and_an_empty_one_lets_everything_pass():
    assert len(Filters().apply(EER)) == len(EER)
    rows = Filters(attack=["A10", "A11"], codec=["gsm"], kind=["published"]).apply(EER)
    assert set(rows["condition"]) == {"A10/gsm", "A11/gsm"}
    rows = Filters(training=["unseen"], benchmark=["ASVspoof 2021 LA eval"]).apply(EER)
    assert not {"A16", "A19"} & set(rows["attack"])
    assert Filters(system=["nobody"]).apply(EER).empty
    assert len(Filters(attack=["A10"]).apply(EER, ignoring=("attack",))) == len(EER)


def test_a_codec_filter_turns_attacks_into_attacks_through_it():
    plain = by_attack(EER, Filters(attack=["A10"]))
    assert set(plain["breakdown"]) == {"attack"}
    assert plain["attack"].nunique() == 13  # its own filter only highlights
    through = by_attack(EER, Filters(codec=["alaw"]))
    assert set(through["condition"].str.endswith("/alaw")) == {True}
    narrow = by_attack(EER, Filters(bandwidth=["8 kHz audio"]))
    assert set(narrow["codec"]) == {"alaw", "ulaw", "gsm", "pstn"}


def test_an_attack_filter_turns_codecs_into_that_attack_through_each():
    assert set(by_codec(EER, Filters(codec=["gsm"]))["breakdown"]) == {"codec"}
    rows = by_codec(EER, Filters(attack=["A12"]))
    assert rows.set_index("codec").loc["pstn", "value"] == 45.83
    assert len(rows) == 7


def test_several_subsets_of_a_benchmark_stay_apart():
    rows = EER[EER["breakdown"] == "overall"].head(2).assign(benchmark="B", subset=["dev", "test"])
    assert [(n, s, len(g)) for n, s, g in by_benchmark(rows)] == [
        ("B, dev", "b-dev", 1),
        ("B, test", "b-test", 1),
    ]
    assert [n for n, _, _ in by_benchmark(rows.head(1))] == ["B"]


def test_csv_leaves_helper_columns_out():
    back = pd.read_csv(io.BytesIO(csv(EER.head(5))))
    assert list(back) == list(COLUMNS)
    other = pd.DataFrame({"x": [1]})
    assert csv(other) == b'"x"\n1\n'


def test_saved_pictures_show_the_chart_on_its_own_background():
    rows = EER[(EER["breakdown"] == "vocoder")]
    colours = system_colours(list(rows["system"].unique()))
    for palette in (LIGHT, DARK):
        chart = charts.ranked(rows, "eer", "By vocoder", colours, palette=palette)
        svg = image(chart.to_dict(), "svg").decode()
        assert "By vocoder" in svg and "33.85" in svg
        assert palette.background.lower() in svg.lower()
    assert image(chart.to_dict(), "png")[:4] == b"\x89PNG"


def test_a_chart_is_kept_until_one_of_its_figures_is_another():
    rows, built = EER.head(3), []

    def build(frame):
        built.append(frame["value"].tolist())
        return alt.Chart(frame).mark_bar()

    for value in (1.0, 1.0, 1.0 + 1e-9, float("nan")):
        changed = rows.assign(value=[value, 2.0, 3.0])
        _spec("chart of a test", changed, (), {}, "", _build=build)
    assert [values[0] for values in built[:2]] == [1.0, 1.0 + 1e-9] and len(built) == 3


def test_headings_of_an_embedded_text_sink_but_code_does_not():
    text = "# Card\n\ntext\n\n```sh\n# a comment\n```\n## Part"
    assert with_lower_headings("<!-- figures: main -->\n| a |\n<!-- end -->") == "| a |"
    assert with_lower_headings(text) == "### Card\n\ntext\n\n```sh\n# a comment\n```\n#### Part"


def test_spread_of_one_and_of_many():
    assert spread(pd.DataFrame({"value": [5.24, 5.42, 5.3]})) == "5.24 to 5.42 %"
    assert spread(pd.DataFrame({"value": [5.0]})) == "5.00 %"


def test_diagrams_carry_the_theme_and_the_calibration():
    config = {
        "calibration": {"scale": 1.5, "offset": -0.25},
        "decision": {"inconclusive_llr": [-0.7, 0.7]},
    }
    for palette in (LIGHT, DARK):
        dot = diagrams.embedded_system(config, palette)
        assert palette.text in dot and "llr = 1.5 x score -0.25" in dot
        assert "inconclusive from -0.70 to +0.70" in dot
        assert diagrams.published_system(palette).count("->") == 9
    assert "log-likelihood ratio" in diagrams.embedded_system({})
    # The layer norm of the encoder comes before its layers.
    published = diagrams.published_system()
    assert published.index("Encoder layer norm") < published.index("Transformer layers 1 to 10")


def test_bibtex_of_every_citation():
    for row in tables.load("citations").to_dict("records"):
        entry = diagrams.bibtex(row)
        assert entry.startswith(f"@misc{{{row['key']},")
        assert entry.count("{") == entry.count("}")
        assert ("doi = {10." in entry) == ("doi.org/" in row["link"])
