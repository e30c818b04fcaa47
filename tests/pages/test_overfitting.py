"""The Overfitting page: its numbers come from the tables, its claims open to their evidence."""

from functools import cache
from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from core.evaluate import arena, tables
from tests.pages.words import assert_plain

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "Overfitting.py")


def run():
    at = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not at.exception
    return at


@cache
def seen():
    """The page as it is opened, for tests that only read it."""
    return run()


def text(at):
    return " ".join(m.value for m in at.markdown)


def test_the_staircase_and_its_fair_ratios():
    assert_plain(seen())
    words = text(seen())
    for one_in in ("145", "18", "11"):
        assert f"one clip in **{one_in}**" in words
    assert "**26 %**" in words and "one clip in **4**" not in words
    assert "**8 times**" in words and "**4.7 times**" in words
    assert "38, but mixes both steps" in words


def test_numbers_follow_the_tables(results):
    figures = pd.read_csv(results / "published_eer.csv")
    foreign = (figures["benchmark"] == "WaveFake") & (figures["condition"] == "all")
    figures.loc[foreign & (figures["metric"] == "eer"), "value"] = 50.0
    figures.to_csv(results / "published_eer.csv", index=False)
    words = text(run())
    assert "**9.0 times**" in words
    assert "50.00 % on another corpus" in words
    assert "26.33" not in words.split("Often")[0].split("Right:")[0]


def test_claims_open_to_what_is_right_and_to_the_evidence():
    at = seen()
    claims = [e.label for e in at.expander if e.label.startswith("Often claimed")]
    assert len(claims) >= 8
    words = text(at)
    assert words.count("**Right:**") == words.count("**Evidence:**") == len(claims)


def test_moving_the_threshold_trades_one_error_for_the_other():
    at = run()
    before = [float(m.value.split()[0]) for m in at.metric]
    at.slider[1].set_value(2.0).run()
    after = [float(m.value.split()[0]) for m in at.metric]
    assert after[0] < before[0] and after[1] > before[1] and after[2] == before[2]
    at.slider[0].set_value(0.0).run()
    assert at.metric[2].value == "50.0 %"


def test_every_attack_says_what_it_stands_for():
    at = run()
    for attack in ("A10", "A16", "A01"):
        at.selectbox(key="overfitting-story").set_value(attack).run()
        assert not at.exception
        words = tables.load("attacks").set_index("attack").loc[attack, "in_words"]
        assert words in text(at)
    assert any("no system reports it" in c.value for c in at.caption)


def test_the_embedded_detector_has_a_staircase_once_it_is_measured(results):
    assert "as soon as its benchmark has been run" in run().info[0].value
    row = {
        "system": "embedded",
        "benchmark": "public_samples",
        "subset": "test",
        "breakdown": "pooled",
        "condition": "none",
        "metric": "eer_percent",
        "value": 7.25,
        "low": 6.0,
        "high": 9.0,
        "n_bonafide": 340,
        "n_spoof": 536,
        "kind": "measured",
        "source": "python -m core benchmark",
        "note": "",
    }
    other = {**row, "system": "AASIST-L", "value": 1.5}
    rows = [row, {**row, "breakdown": "codec", "condition": "gsm", "value": 9.5}, other]
    pd.DataFrame(rows).to_csv(results / "embedded.csv", index=False)
    at = run()
    assert not any("benchmark has been run" in i.value for i in at.info)
    table = next(d.value for d in at.dataframe if "condition" in d.value)
    assert table["value"].tolist() == [7.25, 9.5]
    today = [{**r, "benchmark": "today_samples", "value": r["value"] + 1} for r in rows]
    pd.DataFrame(rows + today).to_csv(results / "embedded.csv", index=False)
    table = next(d.value for d in run().dataframe if "condition" in d.value)
    assert sorted(table["value"]) == [7.25, 8.25, 9.5, 10.5]


def test_the_path_forward_follows_from_the_tables():
    joined = arena.joined(*map(tables.load, ("arena", "arena_systems", "arena_corpora")))
    points = arena.inside_and_outside(arena.cells(joined))
    large = points[(points["parameters"] >= 3e8) & (points["way"] == arena.WAYS[3])]
    words = text(seen())
    assert "errs **26.33 %** on WaveFake" in words
    assert f"**{large['outside'].median():.1f} %** ({len(large)} systems)" in words
