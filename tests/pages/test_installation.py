"""A part of the installation is missing or damaged: every page says so in a sentence."""

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.evaluate import tables
from core.show import cache
from core.show.server import installation
from core.show.server.installation import DAMAGED, MISSING
from tests.damage import opened

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ("Welcome", "Benchmarks", "Systems", "Overfitting", "Under_the_Hood")
OTHERS = sorted({page.stem for page in (ROOT / "pages").glob("*.py")} - set(FIGURES))


def remove(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def head_only(file: Path) -> None:
    file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", "utf-8")


def first_row_only(file: Path) -> None:
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[:2]) + "\n", "utf-8")


def without_a_column(file: Path) -> None:
    rows = [line.partition(",")[2] for line in file.read_text("utf-8").splitlines()]
    file.write_text("\n".join(rows) + "\n", "utf-8")


def no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00" + file.read_bytes()[:500])


WHOLLY = (remove, empty, without_a_column, no_text)
IN_PART = (cut, head_only, first_row_only)
"""What leaves a table that can be read, or may do so."""

DAMAGES = (*WHOLLY, *IN_PART)


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """Tables, examples and model card in a folder that a test may damage."""
    shutil.copytree(tables.RESULTS, tmp_path / "results")
    shutil.copytree(cache.EXAMPLES, tmp_path / "examples")
    (tmp_path / "models" / "embedded").mkdir(parents=True)
    for name in ("config.json", "MODEL_CARD.md"):
        shutil.copy(cache.MODELS / "embedded" / name, tmp_path / "models" / "embedded" / name)
    for name, folder in (("RESULTS", "results"), ("EXAMPLES", "examples"), ("MODELS", "models")):
        monkeypatch.setattr(cache, name, tmp_path / folder)
    monkeypatch.setattr("core.evaluate.tables.loading.RESULTS", tmp_path / "results")
    for module in ("component", "shutdown"):  # there is no browser
        monkeypatch.setattr(f"streamlit_webrtc.{module}.get_this_session_info", lambda: None)
    return tmp_path


def script(page: str, url_path: str) -> None:
    import runpy

    from core.show.server.installation import explained

    with explained(url_path):  # as Home.py does
        runpy.run_path(page)


def show(page: str) -> AppTest:
    if page == "Welcome":  # it links to others, which only their entry knows
        at = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
    else:
        path, url = str(ROOT / "pages" / f"{page}.py"), page.lower().replace("_", "-")
        at = AppTest.from_function(script, args=(path, url), default_timeout=120).run()
    assert not at.exception, page
    return at


def said(at: AppTest) -> str:
    parts = [*at.error, *at.warning, *at.info, *at.caption, *at.markdown]
    return "\n".join(str(part.value) for part in parts)


def told(at: AppTest) -> str:
    """What a page says of faults, which it says of a whole installation nowhere."""
    return "\n".join(str(part.value) for part in (*at.error, *at.warning))


def read_by(page: str, folder: Path) -> list[str]:
    """The tables that a page opens where no page has kept any."""
    st.cache_resource.clear()
    with opened() as paths:
        assert told(show(page)) == ""
    return sorted({Path(path).name for path in paths if path.startswith(f"{folder}/results/")})


@pytest.mark.parametrize("page", FIGURES)
def test_a_damaged_table_ends_every_page_that_reads_it_by_a_sentence(installed, page):
    names = read_by(page, installed)
    assert len(names) >= 2
    for number, name in enumerate(names):
        damage = WHOLLY[number % len(WHOLLY)]
        damage(file := installed / "results" / name)
        text = told(show(page))
        shutil.copy(tables.RESULTS / name, file)
        optional = damage is remove and name == "embedded.csv"
        assert optional or name in text or text in (MISSING, DAMAGED), (name, damage)
    for first, damage in enumerate(IN_PART):  # all that are damaged so, until the page is silent
        left = names[first :: len(IN_PART)]
        for name in left:
            damage(installed / "results" / name)
        while left and (text := told(show(page))):
            for name in [name for name in left if name in text] or left[:1]:
                shutil.copy(tables.RESULTS / name, installed / "results" / name)
                left.remove(name)
        for name in left:
            shutil.copy(tables.RESULTS / name, installed / "results" / name)


def test_the_other_pages_stand_without_figures_and_name_those_that_are_broken(installed):
    file = installed / "results" / "embedded.csv"
    remove(file)
    assert [page for page in OTHERS if told(show(page))] == []
    shutil.copy(tables.RESULTS / "embedded.csv", file)
    without_a_column(file)
    found = {page: text for page in OTHERS if (text := told(show(page)))}
    assert found and all("embedded.csv" in text for text in found.values())


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_examples_and_model_files_are_said(installed, damage):
    damage(installed / "examples" / "examples.csv")
    for page in ("Detect", "Timeline"):
        text = told(show(page))
        assert ("examples.csv" in text) == (damage in (without_a_column, no_text))
    for name in ("MODEL_CARD.md", "config.json"):  # the card alone, then both
        damage(installed / "models" / "embedded" / name)
        show("Under_the_Hood")


def test_a_value_out_of_range_is_named_with_its_line(installed):
    file = installed / "results" / "measured.csv"
    head, first, rest = file.read_text("utf-8").split("\n", 2)
    cells = first.split(",")
    cells[head.split(",").index("value")] = "-4"
    file.write_text("\n".join([head, ",".join(cells), rest]), "utf-8")
    assert "measured.csv, line 2" in show("Benchmarks").error[0].value


def test_home_explains_its_pages(installed, monkeypatch):
    def fail(*args, **wanted):
        raise tables.TableError("The table data/results/x.csv is missing.")

    monkeypatch.setattr("core.show.figures.headlines.figures_in", fail)
    at = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
    assert not at.exception
    assert "x.csv is missing. Restore the file" in at.error[0].value


def test_a_fault_of_another_page_is_not_called_one_of_the_installation():
    with pytest.raises(KeyError), installation.explained("detect"):
        raise KeyError("a fault")


def test_a_page_that_ends_itself_is_left_alone():
    def page():
        import streamlit as st

        from core.show.server.installation import explained

        with explained(""):
            st.write("before")
            st.stop()

    at = AppTest.from_function(page).run()
    assert not at.error and at.markdown[0].value == "before"


@pytest.mark.parametrize("own", ["0", "1"])
def test_home_says_where_it_runs(own, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", own)
    text = said(show("Welcome"))
    assert ("your own machine" in text) == (own == "1")
    assert ("the server that shows you this page" in text) == (own == "0")
