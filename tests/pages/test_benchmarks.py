"""The Benchmarks page: filters, deep links, every view, empty states, the table below."""

import json
from functools import cache as kept
from itertools import cycle
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.evaluate import tables
from core.show import cache
from tests.pages import words

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "Benchmarks.py")
NARROW = {"G.711 A-law", "G.711 mu-law", "GSM", "telephone network"}
VIEWS = (
    *("Systems", "Attacks and codecs", "Generators", "Side by side", "Error trade-off"),
    "Significance",
)


def run(**query):
    at = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


@kept
def seen(view=VIEWS[0]):
    """A view as it is opened, for tests that only read it."""
    return run(view=view)


def shown(at):
    """The table under the charts."""
    return next(d.value for d in at.dataframe if "condition" in d.value and "source" in d.value)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_charts_and_no_error(view):
    at = seen(view)
    assert at.get("vega_lite_chart")
    assert not at.error
    words.assert_plain(at)
    if view != "Significance":
        assert (shown(at)["source"] != "").all()


def test_headlines_name_subset_interval_and_value():
    at = seen()
    assert [m.value for m in at.metric] == ["0.69 %", "5.55 %", "9.09 %", "26.33 %"]
    cards = [c.value for c in at.caption if c.value.startswith("EER")]
    assert "ASVspoof 2019 LA eval, all trials. 95 % interval 5.27 to 5.83 %" in cards[1]
    assert "checkpoint was chosen" in cards[0]


def test_corrected_claims_are_open_to_the_reader():
    text = " ".join(m.value for m in seen().markdown)
    assert "LFCC-GMM has an EER of 25.56 %" in text
    assert "19.30 %" in text


def test_a_deep_link_by_attack_and_codec_leaves_one_row():
    at = run(view="Attacks and codecs", attack="A10", codec="gsm")
    table = shown(at)
    assert table["condition"].tolist() == ["A10 through GSM"]
    assert table["value"].tolist() == [23.90]
    assert any("A10, GSM" in c.value for c in at.caption)
    assert any("Tacotron 2" in m.value for m in at.markdown)


def drawn(at, title):
    """The rows of the chart whose title begins so."""
    for chart in at.get("vega_lite_chart"):
        spec = json.loads(chart.proto.spec)
        if " ".join(spec["title"]["text"]).startswith(title):
            return pd.DataFrame(max(words._rows(spec, chart.proto), key=len))
    raise AssertionError(title)


def test_what_was_chosen_stays_bright_where_attacks_and_codecs_are_chosen_together():
    at = run(view="Attacks and codecs", attack=["A10", "A12"], codec=["gsm", "alaw"])
    table = shown(at)
    assert len(table) == 4
    for title in ("EER by attack", "EER by codec", "EER of LFCC-GMM"):
        rows = drawn(at, title)
        bright = rows[~rows["faded"]]
        assert len(bright) == 4 < len(rows)
        assert set(bright["attack"]) == {"A10", "A12"} and set(bright["codec"]) == {"gsm", "alaw"}
    every = {(r.attack, r.codec) for t in ("EER by a", "EER by c", "EER of L")
             for r in drawn(at, t).itertuples()}  # fmt: skip
    assert any(f"4 figures chosen, of {len(every)} shown above" in s.value for s in at.subheader)


def test_the_caption_on_codecs_follows_from_its_chart():
    def said(**query):
        at = run(view="Attacks and codecs", benchmark="ASVspoof 2021 LA eval", **query)
        return " ".join(c.value for c in at.caption)

    assert "bandwidth explains the step" in said()
    assert "not so that every codec that carries 8 kHz" in said(attack="A10")


def test_systems_stand_side_by_side_with_their_differences():
    wanted = ["RawGAT-ST mul", "AASIST", "LFCC-ResNet18 Softmax"]
    at = run(view="Side by side", compare=wanted, cells="Differences")
    rows = shown(at).pivot(index="condition", columns="system", values="value")
    assert list(at.session_state["compare"]) == wanted and len(rows) == 14
    made = drawn(at, "Lowest EER of 13 attacks").set_index(["attack", "system"])
    for attack in ("A07", "A17"):
        for system in wanted:
            difference = rows.loc[attack, system] - rows.loc[attack, wanted[0]]
            assert made.loc[(attack, system), "difference"] == pytest.approx(difference)
    wins = rows.drop(index="all")[wanted].idxmin(axis=1).value_counts()
    title = next(f"{s} on {n}" for s, n in wins.items())
    assert any(title in str(c.proto.spec) for c in at.get("vega_lite_chart"))
    assert at.multiselect(key="compare").proto.max_selections == 6


def test_an_address_with_more_systems_than_stand_side_by_side_says_so():
    every = seen("Side by side").multiselect(key="compare").options
    at = run(view="Side by side", compare=every)
    said = [f"The address names {len(every)} of these systems: the first 6 stand here."]
    assert [i.value for i in at.info] == said
    assert at.multiselect(key="compare").value == every[:6] and not at.run().info
    elsewhere = sorted({*tables.load_figures()["system"]} - {*every})[:3]
    at = run(view="Side by side", compare=[*elsewhere, *every[:5]])
    assert at.multiselect(key="compare").value == every[:5]
    assert not [i.value for i in at.info if "stand here" in i.value]


def test_filters_combine_and_reset():
    at = run(view="Attacks and codecs", benchmark="ASVspoof 2019 LA eval")
    at.multiselect(key="system").set_value(["AASIST"]).run()
    assert set(shown(at)["system"]) == {"AASIST"}
    assert len(shown(at)) == 13
    at.multiselect(key="training").set_value(["unseen"]).run()
    assert len(shown(at)) == 11
    next(b for b in at.button if b.label == "Reset").click().run()
    assert at.multiselect(key="system").value == []
    assert len(shown(at)) > 200


def test_bandwidth_filter_keeps_narrow_codecs():
    table = shown(run(view="Attacks and codecs", bandwidth="8 kHz audio"))
    assert set(table["condition"].str.split(" through ").str[-1]) == NARROW


def test_nothing_matching_says_so_and_offers_a_way_back():
    at = run(view="Attacks and codecs", system="XLS-R 300M + AASIST")
    assert "Reset" in at.info[0].value
    assert not any("shown above" in s.value for s in at.subheader)
    at = run(view="Error trade-off", system="AASIST")
    assert "No score file" in at.info[0].value


def test_another_metric_changes_the_figures():
    at = run(view="Attacks and codecs", metric="min t-DCF", system="LFCC-GMM (official)")
    table = shown(at)
    assert set(table["metric"]) == {"min t-DCF"}
    assert table["value"].max() == 1.0


def test_costs_move_the_cheapest_threshold():
    at = run(view="Error trade-off")
    first = at.dataframe[0].value.set_index("system")["lowest DCF"]
    assert first["RawGAT-ST mul"] == "0.0299"
    measured = tables.load("measured").query("metric == 'min_dcf' and condition == 'all'")
    for row in measured.itertuples():
        assert float(first[row.system]) == pytest.approx(row.value, abs=1e-4)
    at.slider(key="prior").set_value(50.0).run()
    second = at.dataframe[0].value.set_index("system")["lowest DCF"]
    assert (second != first).all()


def test_significance_is_symmetric_in_its_choice():
    at = run(view="Significance", first="RawGAT-ST mul", second="RawGAT-ST add")
    row = tables.load("paired").query(
        "first == 'RawGAT-ST mul' and second == 'RawGAT-ST add' and condition == 'all' "
        "and metric == 'eer'"
    )
    assert any(f"p = {row['p_holm'].iloc[0]:.3f}" in c.value for c in at.caption)
    back = run(view="Significance", first="RawGAT-ST add", second="RawGAT-ST mul")
    assert [c.value for c in at.caption] == [c.value for c in back.caption]


def own_rows():
    """Rows as the benchmark of the embedded detector writes them."""
    base = {
        "system": "Embedded detector",
        "benchmark": "public_samples",
        "subset": "test",
        "low": 5.0,
        "high": 9.0,
        "n_bonafide": 340,
        "n_spoof": 536,
        "kind": "measured",
        "source": "python -m core benchmark",
        "note": "",
    }
    rows = [
        ("pooled", "none", "eer_percent", 7.0),
        ("codec", "gsm", "eer_percent", 8.0),
        ("family", "VITS", "eer_percent", 6.0),
        ("material", "synthesis", "eer_percent", 5.5),
        ("coverage", "judged", "share_percent", 97.0),
    ]
    return pd.DataFrame(
        [{**base, "breakdown": b, "condition": c, "metric": m, "value": v} for b, c, m, v in rows]
    )[list(tables.FIGURES.columns)]


def test_rows_of_the_embedded_detector_join_in(results):
    own_rows().to_csv(results / "embedded.csv", index=False)
    assert "Embedded detector" in set(shown(run())["system"])
    families = shown(run(view="Generators", system="Embedded detector"))
    assert {"VITS", "synthesis"} <= set(families["condition"])
    codecs = shown(run(view="Attacks and codecs", system="Embedded detector"))
    assert codecs["condition"].tolist() == ["GSM"]


@pytest.mark.parametrize("view", VIEWS)
def test_two_benchmarks_of_the_embedded_detector_stand_apart(results, view):
    rows = own_rows()
    today = rows.assign(benchmark="today_samples", value=rows["value"] + 1)
    kinds = today.head(1).assign(breakdown="kind", condition="cloud")
    pd.concat([rows, today, kinds]).to_csv(results / "embedded.csv", index=False)
    at = run(view=view, system=[] if view == "Side by side" else "Embedded detector")
    assert not at.error
    if view == "Generators":
        table = shown(at)
        assert set(table["benchmark"]) == {"Public samples", "Voices of today"}
        assert "cloud" in set(table["condition"])


def test_a_changed_table_changes_the_page(results):
    figures = pd.read_csv(results / "published_eer.csv")
    mine = figures["system"].str.contains("stage 2") & figures["benchmark"].eq("WaveFake")
    figures.loc[mine & (figures["metric"] == "eer") & (figures["condition"] == "all"), "value"] = 30
    figures.to_csv(results / "published_eer.csv", index=False)
    assert "30.00 %" in [m.value for m in run().metric]


ODD = ["1" * 5_000, "-1", "1e999", "nan", "<script>alert(1)</script>", "\0", "\ufeff1", ""]


@pytest.mark.parametrize(
    ("view", "value"),
    [
        *zip(ODD, ODD, strict=True),
        *zip(cycle(["Error trade-off", "Significance"]), ODD, strict=False),
    ],
)
def test_an_address_that_holds_anything_else_shows_the_page(view, value):
    names = (
        "system",
        "benchmark",
        "metric",
        "prior",
        "cost_missed_fake",
        "cost_false_accusation",
        "first",
        "second",
    )
    run(view=view, **dict.fromkeys(names, value))


@pytest.mark.parametrize(
    "spelt",
    [
        {
            "metric": (["min_dcf", "min DCF", "MIN_DCF"], "min_dcf"),
            "system": (["aasist-l", "AASIST-L"], ["AASIST-L"]),
            "benchmark": (["public_samples", "Public samples"], ["Public samples"]),
            "attack": (["a10", "A10"], ["A10"]),
            "codec": (["gsm", "GSM"], ["gsm"]),
            "vocoder": (["ljspeech_hifiGAN", "HiFi-GAN"], ["ljspeech_hifiGAN"]),
            "training": (["unseen", "Unseen"], ["unseen"]),
            "view": (["significance", "Significance"], "Significance"),
            "first": (["rawgat-st cat", "RawGAT-ST cat"], "RawGAT-ST cat"),
        },
        {"system": (["embedded", "Embedded detector"], ["Embedded detector"])},
        {
            "system": (
                ["wav2vec2-base-asvspoof2019", "wav2vec2-base, ASVspoof 2019 LA (published)"],
                ["wav2vec2-base stage 2 (published)"],
            )
        },
    ],
)
def test_an_address_may_name_things_by_key_or_by_label_and_one_is_written(spelt):
    written = {key: set() for key in spelt}
    for turn in range(max(len(spellings) for spellings, _ in spelt.values())):
        asked = {key: spellings[turn % len(spellings)] for key, (spellings, _) in spelt.items()}
        at = run(**{"view": "Significance", **asked})
        for key, (_, value) in spelt.items():
            assert at.session_state[key] == value, key
            written[key].add(str(at.query_params[key]))
    assert {key: len(found) for key, found in written.items()} == dict.fromkeys(spelt, 1)


def test_systems_side_by_side_can_be_named_by_the_ids_of_detectors():
    asked = {
        "compare": ["aasist", "wav2vec2-base-asvspoof2019"],
        "compare_on": "asvspoof 2019 la eval",
    }
    at = run(view="Side by side", **asked)
    assert at.session_state["compare"] == ["AASIST", "wav2vec2-base stage 2 (published)"]
    assert at.session_state["compare_on"] == "ASVspoof 2019 LA eval"


def test_an_address_that_names_a_system_without_figures_says_so():
    at = run(system=["aasist", "own:mine"])
    assert at.session_state["system"] == ["AASIST"]
    assert any("own" in i.value and "no such choice" in i.value for i in at.info)


def test_every_option_of_a_filter_can_be_named_by_its_key():
    figures = cache.figures()
    keys = ("system", "benchmark", "attack", "codec", "vocoder", "training", "bandwidth")
    wanted = {key: [value for value in figures[key].unique() if value] for key in keys}
    assert all(wanted.values())
    at = run(**wanted)
    assert {key: sorted(at.session_state[key]) for key in keys} == {
        key: sorted(values) for key, values in wanted.items()
    }


def test_addresses_of_before_keep_their_costs(monkeypatch):
    log = Mock()
    monkeypatch.setattr("streamlit.elements.lib.policies._LOGGER", log)
    at = run(view="Error trade-off", c_miss="3", c_fa="40")
    assert at.slider(key="cost_false_accusation").value == 3
    assert at.slider(key="cost_missed_fake").value == 40
    assert "c_miss" not in at.query_params and "c_fa" not in at.query_params
    assert not log.warning.called  # of a default beside another value in the state
    at = run(view="Error trade-off", c_miss="1000", c_fa="x")
    assert at.slider(key="cost_false_accusation").value == 1
    assert at.slider(key="cost_missed_fake").value == 10
