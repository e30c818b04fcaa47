"""Your scores with files of other kinds: spoof-aware verification, fakes within recordings."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.evaluate.segments import figures, pieces
from core.evaluate.spoof_aware import SpoofAware
from core.evaluate.trials import read_reference, read_scored_spans, read_spoof_aware
from core.show.scores import tables
from tests.evaluate.test_spoof_aware import HEAD, lines
from tests.pages.test_your_scores import PAGE

SPANS = b"file,start,end\n" + b"".join(b"f%d,1,2\n" % i for i in range(8))


def stretches():
    rng = np.random.default_rng(1)
    rows = [f"f{i},{k},{k + 1},{rng.normal(2 * (k == 1)):.4f}" for i in range(8) for k in range(4)]
    return ("file,start,end,score\n" + "\n".join(rows)).encode()


@pytest.fixture
def page():
    return AppTest.from_file(PAGE, default_timeout=120).run()


def give(at, key, name, data):
    next(f for f in at.file_uploader if f.key == key).upload(name, data, "text/plain").run()
    assert not at.exception
    return at


def test_targets_others_and_fakes_get_an_adcf_and_a_teer(page):
    data = lines(f"{HEAD}\tasv-label")
    at = give(page, "scores.upload.scores", "mine.tsv", data)
    figures = SpoofAware(read_spoof_aware(data, "mine.tsv")).figures.set_index("metric")
    shown = {m.label: m.value for m in at.metric}
    assert shown["min a-DCF"] == f"{figures.loc['min_adcf', 'value']:.4f}"
    assert shown["concurrent t-EER"] == f"{figures.loc['teer', 'value']:.2f} %"
    at.number_input(key="scores-c-fake").set_value(1.0).run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["min a-DCF"] != shown["min a-DCF"]


def test_kinds_may_come_from_the_key(page):
    at = give(page, "scores.upload.scores", "mine.tsv", lines(HEAD, label=False))
    key = [line.split(b"\t") for line in lines().split(b"\n")]
    rows = b"".join(b"%s\t%s\t%s\n" % (c[0], c[1], c[5]) for c in key)
    at = give(at, "scores.upload.protocol", "key.tsv", b"filename\tspk\tasv-label\n" + rows)
    assert "concurrent t-EER" in {m.label for m in at.metric}


def test_stretches_get_a_range_eer_once_the_fakes_and_the_direction_are_known(page):
    at = give(page, "scores.upload.scores", "mine.csv", stretches())
    assert any("which of them are fakes" in i.value for i in at.info)
    at = give(at, "scores-spans", "spans.csv", SPANS)
    assert not at.subheader
    ways = next(c for c in at.segmented_control if c.label == "A higher score means")
    ways.set_value("spoof").run()
    assert not at.exception
    found = pieces(
        read_scored_spans(stretches(), "mine.csv"), read_reference(SPANS, "spans.csv"), "spoof"
    )
    value = figures(found)["value"].iloc[0]
    assert f"range EER {value:.2f} %" in at.subheader[0].value


def test_what_is_wrong_with_the_spans_is_said_where_they_are(page):
    at = give(page, "scores.upload.scores", "mine.csv", stretches())
    next(c for c in at.segmented_control if c.label == "A higher score means").set_value("spoof")
    at = give(at, "scores-spans", "spans.csv", b"file,start,end\nelsewhere,0,1\n")
    assert any("no file in common" in e.value for e in at.error)


def pressed(at, monkeypatch):
    """What the report's button hands over."""
    made = {}
    real = tables.st.download_button

    def button(label, data, *rest, **options):
        made[label] = data
        return real(label, data, *rest, **options)

    monkeypatch.setattr(tables.st, "download_button", button)
    at.run()
    assert not at.exception
    return made["Report (HTML)"]().decode()


def test_the_report_of_verification_holds_every_figure_of_the_page(page, monkeypatch):
    data = lines(f"{HEAD}\tasv-label")
    at = give(page, "scores.upload.scores", "a<b.tsv", data)
    report = pressed(at, monkeypatch)
    figures = SpoofAware(read_spoof_aware(data, "a.tsv")).figures
    assert all(f"<td>{v:.6g}</td>" in report for v in figures["value"].dropna())
    assert "a&lt;b.tsv" in report and "<b.tsv" not in report and "<svg" in report
    assert (
        "Priors 0.9405, 0.0095, 0.05" in report
        and f"{figures['n_spoof'].iloc[0]:,} fakes" in report
    )


def test_the_report_of_stretches_holds_every_figure_of_the_page(page, monkeypatch):
    at = give(page, "scores.upload.scores", "mine.csv", stretches())
    next(c for c in at.segmented_control if c.label == "A higher score means").set_value("spoof")
    at = give(at, "scores-spans", "spans.csv", SPANS)
    report = pressed(at, monkeypatch)
    found = pieces(
        read_scored_spans(stretches(), "mine.csv"), read_reference(SPANS, "spans.csv"), "spoof"
    )
    assert all(f"<td>{v:.6g}</td>" in report for v in figures(found)["value"].dropna())
    assert "<svg" in report and "spans.csv" in report and "Higher means spoofed" in report
