"""Documents with tables of figures say what data/results says."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from core.evaluate import tables
from training.card import TABLES, refresh, refresh_files
from training.commands.measure import DOCUMENTS
from training.commands.options import RESULTS
from training.recipe import RECIPES

ROOT = Path(__file__).parents[2]


def test_shipped_documents_hold_the_shipped_figures(tmp_path: Path) -> None:
    copies = []
    for name in DOCUMENTS:
        copy = tmp_path / Path(name).name
        copy.write_text((ROOT / name).read_text("utf-8"), "utf-8")
        copies.append(copy)
    assert refresh_files(copies, ROOT / RESULTS) == []


def test_the_cards_prose_states_no_figure() -> None:
    """They stand in tables alone, which are made from data/results."""
    card = (ROOT / "data/models/embedded/MODEL_CARD.md").read_text("utf-8")
    prose = re.sub(r"<!-- figures: .*?<!-- end -->", "", card, flags=re.DOTALL)
    prose = prose.replace("An EER of 50 % is chance.", "")
    assert not re.findall(r"\d[\d.]* ?%|LLR [+-]|\d bits\b(?!,)|\bin 100\b", prose)


def row(**given: object) -> dict[str, object]:
    plain = {"system": "embedded", "benchmark": "public_samples", "breakdown": "pooled",
             "condition": "none", "low": None, "high": None, "n_bonafide": 1234,
             "n_spoof": 56}  # fmt: skip
    return {**plain, **given}


def test_tables_are_made_from_the_rows() -> None:
    figures = pd.DataFrame(
        [
            row(metric="eer_percent", value=12.34, low=10.0, high=15.26),
            row(metric="cllr", value=0.5, low=0.4, high=0.6),
            row(breakdown="family", condition="B", metric="eer_percent", value=9.0),
            row(breakdown="family", condition="A", metric="eer_percent", value=3.0),
        ]
    )
    text = (
        "Before\n<!-- figures: main -->\nold\n<!-- end -->\n<!-- figures: family -->\n<!-- end -->"
    )
    new = refresh(text, figures)
    assert "| EER, pooled | 12.3 % (10.0 to 15.3) | 1,234 / 56 |" in new
    assert "| Cllr, bits | 0.500 (0.40 to 0.60) | 1,234 / 56 |" in new
    assert new.index("| A |") < new.index("| B |")
    assert "old" not in new and new.startswith("Before\n") and refresh(new, figures) == new


def test_the_kinds_of_voice_are_one_table_over_both_benchmarks() -> None:
    figures = pd.DataFrame(
        [
            row(benchmark="today_samples", breakdown="kind", condition="cloud",
                metric="eer_percent", value=25.0),
            row(breakdown="material", condition="synthesis", metric="eer_percent", value=14.4),
            row(breakdown="kind", condition="cloud", metric="eer_percent", value=99.0),
        ]
    )  # fmt: skip
    made = refresh("<!-- figures: kinds -->\n<!-- end -->", figures)
    assert "| cloud voices | 25.0 % |" in made and "14.4 %" in made and "99" not in made


def test_errors_by_class_and_spans_are_in_their_tables() -> None:
    figures = pd.DataFrame(
        [
            row(breakdown="abstention", condition="human clips called synthetic",
                metric="wrong_percent", value=23.81, n_bonafide=252, n_spoof=0),
            row(breakdown="abstention", condition="synthetic clips called authentic",
                metric="wrong_percent", value=9.26, n_bonafide=0, n_spoof=443),
            row(breakdown="spliced", metric="span_right_percent", value=80.28),
        ]
    )  # fmt: skip
    main = refresh("<!-- figures: main -->\n<!-- end -->", figures)
    assert "| human clips called synthetic, of those with a verdict | 23.8 % | 252 / 0 |" in main
    assert "| synthetic clips called authentic, of those with a verdict | 9.3 % | 0 / 443 |" in main
    spliced = refresh("<!-- figures: spliced -->\n<!-- end -->", figures)
    assert "| of these, spans mostly in the synthetic half | 80.3 % |" in spliced


def test_other_systems_are_named_beside_the_detector() -> None:
    codec = {"breakdown": "codec", "metric": "eer_percent", "value": 9.0}
    figures = pd.DataFrame(
        [row(system="other", condition="gsm", **codec), row(condition="gsm", **codec)]
    )
    lines = refresh("<!-- figures: codec -->\n<!-- end -->", figures).splitlines()
    assert [line.split(" | ")[0] for line in lines[3:5]] == ["| gsm", "| other: gsm"]


def test_the_detector_stands_beside_others_by_as_many_windows() -> None:
    eer = {"metric": "eer_percent", "condition": "none, 1 window"}
    figures = pd.DataFrame(
        [
            row(system="other", breakdown="codec", value=1.0, **eer),
            row(breakdown="codec", value=23.0, **eer),
            row(breakdown="codec_within", value=28.7, **eer),
            row(system="other", breakdown="other_system", condition="pooled, same trials",
                metric="eer_percent", value=39.4),
        ]
    )  # fmt: skip
    lines = refresh("<!-- figures: compared -->\n<!-- end -->", figures).splitlines()[3:6]
    assert [line.split(" (")[0].split(" | 1,234")[0] for line in lines] == [
        "| embedded, pooled, 1 window per clip | 23.0 %",
        "| embedded, within, 1 window per clip | 28.7 %",
        "| other, pooled, same trials | 39.4 %",
    ]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_without_figures_says_so(name: str) -> None:
    columns = ["system", "benchmark", "breakdown", "condition", "metric", "value", "low", "high"]
    empty = pd.DataFrame(columns=[*columns, "n_bonafide", "n_spoof"])
    made = refresh(f"<!-- figures: {name} -->\n<!-- end -->", empty)
    assert "Not measured yet." in made


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no table 'weather'"):
        refresh("<!-- figures: weather -->\n<!-- end -->", pd.DataFrame())


def test_looks_of_the_legs_are_those_that_the_readme_tells() -> None:
    text = (ROOT / "training" / "README.md").read_text("utf-8")
    looks = tables.load("embedded_training")
    told = {
        tuple(re.findall(r"\d+\.\d", line)[:2])
        for line in text.splitlines()
        if line.startswith("|")
    }
    assert {(f"{r.pooled_eer:.1f}", f"{r.within_eer:.1f}") for r in looks.itertuples()} <= told
    assert set(looks["recipe"]) == {path.stem for path in RECIPES.glob("embedded*.toml")}
    assert (looks["thousand_pairs"].diff().dropna() >= 0).all()
