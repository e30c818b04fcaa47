"""The rules of the house: imports run one way, and a chart page never pays for torch."""

import ast
import functools
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from core.evaluate import tables
from core.evaluate.tables import figures

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("core", "pages", "training", "benchmarks")

FORBIDDEN = {
    "core/audio": ("streamlit", "torch"),
    "core/detect": ("streamlit",),
    "core/evaluate": ("streamlit",),
    "core/score": ("streamlit",),
    "core/cli": ("streamlit",),
    "core": ("pages", "Home"),
    "training": ("core.show", "core.score", "pages", "streamlit"),
    "pages": ("training", "torch", "transformers"),
}
"""Beside the contracts in pyproject.toml, which import-linter holds."""

HEAVY = ("torch", "transformers")
NETWORKS = (
    *("spectral_transformer", "wav2vec2", "aasist"),
    *("graphs", "encoder", "over_encoder", "graph_encoder", "heads"),
)
"""Modules that load one of those."""


def test_the_design_names_every_module_or_its_folder_within_a_room():
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    said = re.findall(r"[\w*]+\.py", design)
    files = [*modules("core"), *modules("training")]
    missing = [
        file.name
        for file in files
        if not file.name.startswith("__")
        and not any(fnmatch(file.name, name) for name in said)
        and not any(f" {folder}/ " in design for folder in file.relative_to(ROOT).parts[2:-1])
    ]
    assert len(files) > 100 and missing == []


@functools.cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@functools.cache
def nodes(tree: ast.AST) -> list[ast.AST]:
    return list(ast.walk(tree))


def dotted(node: ast.AST) -> str:
    """``a.b`` as it is written; of what is not a name, only what is asked of it."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imports(tree: ast.AST, top_level_only: bool) -> set[str]:
    found: set[str] = set()
    for node in tree.body if top_level_only else nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def hits(names: set[str], forbidden: tuple[str, ...]) -> set[str]:
    return {n for n in names for f in forbidden if n == f or n.startswith(f + ".")}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_room_is_free_of_what_it_does_not_know(folder):
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in modules(folder)
        if (found := hits(imports(parsed(path), False), FORBIDDEN[folder]))
    }
    assert not wrong


IN_PROCESS = ("core.audio.decoding", "core.decode", "core.provenance.look",
              "core.provenance.credentials", "core.provenance.native")  # fmt: skip
OWN_CORPUS = {"audio", "audio/decoding", "provenance"}  # and what worker processes call


def in_process(tree: ast.AST) -> set[str]:
    """Names by which a module reaches the decoder that is not apart from it."""
    attributes = {dotted(n) for n in nodes(tree) if isinstance(n, ast.Attribute)}
    return hits(imports(tree, False) | attributes, IN_PROCESS)


def test_all_but_ones_own_corpus_is_decoded_in_a_process_that_may_break():
    files = [*modules("core"), *modules("pages"), ROOT / "Home.py"]
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in files
        if path != ROOT / "core" / "__init__.py"  # names it for those who import it from there
        and path.parent not in {ROOT / "core" / folder for folder in OWN_CORPUS}
        and (found := in_process(parsed(path)))
    }
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "from core.audio.decoding import decode",
        "from core.audio.decoding import decode as d",
        "from core.audio import decoding",
        "from core import decode",
        "from core.audio.decoding import *",
        "import core.audio.decoding",
        "import core; core.decode(b'')",
        "from core.provenance.look import look_into",
    ],
)
def test_a_decoder_that_is_not_apart_would_be_seen(line):
    assert in_process(ast.parse(line))
    assert not in_process(ast.parse("from core.audio.isolated import decode_safely"))


SAFE = {
    "allow_pickle": "False",
    "shell": "False",
    "trust_remote_code": "False",
    "weights_only": "True",
}
"""By the name of an argument, the one value that runs nothing."""


def unsafe(tree: ast.AST) -> list[int]:
    """Lines that run text as code or read pickles."""
    found = []
    for node in nodes(tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        given = {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg in SAFE}
        if (
            name in ("eval", "exec", "compile", "__import__", "os.system", "os.popen")
            or name.split(".")[0] in ("pickle", "marshal", "shelve", "dill", "joblib")
            or name.endswith(("read_pickle", "yaml.load", "unsafe_load"))
            or (name == "torch.load" and given.get("weights_only") != "True")
            or any(value != SAFE[name] for name, value in given.items())
        ):
            found.append(node.lineno)
    return found


def test_nothing_runs_text_as_code_or_reads_pickles():
    files = [*modules("core"), *modules("training"), *modules("pages"), ROOT / "Home.py"]
    wrong = {
        str(path.relative_to(ROOT)): lines for path in files if (lines := unsafe(parsed(path)))
    }
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "eval(x)",
        "pickle.load(f)",
        "pd.read_pickle(f)",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "subprocess.run(x, shell=True)",
        "AutoModel.from_pretrained(x, trust_remote_code=True)",
    ],
)
def test_that_would_be_seen(line):
    assert unsafe(ast.parse(line)) == [1]


def test_heavy_libraries_are_imported_inside_functions_only():
    networks = {f"core.detect.networks.{n}" for n in NETWORKS}
    late = {ROOT / "training" / f"{name}.py" for name in ("echo", "trainer", "vocoder_networks")}
    networks |= {f"training.{path.stem}" for path in late}
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in [*modules("core"), *modules("training")]
        if "networks" not in path.parts
        and path not in late
        and (found := hits(imports(parsed(path), True), (*HEAVY, *networks)))
    }
    assert not wrong


def test_pages_open_without_torch():
    others = (page for page in modules("pages") if page.stem != "Welcome")  # which Home.py opens
    pages = [ROOT / "Home.py", *others]
    script = (
        "import functools, sys\n"
        "from streamlit.components.v2 import manifest_scanner as scanner\n"  # once for all pages
        "scanner.scan_component_manifests = functools.cache(scanner.scan_component_manifests)\n"
        "from streamlit_webrtc import component, shutdown\n"  # there is no browser's session
        "component.get_this_session_info = shutdown.get_this_session_info = lambda: None\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"for page in {[str(page) for page in pages]!r}:\n"
        "    at = AppTest.from_file(page, default_timeout=60).run()\n"
        "    assert not at.exception, (page, at.exception)\n"
        "    loaded = {'torch', 'transformers'} & set(sys.modules)\n"
        "    assert not loaded, (page, loaded)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert len(pages) > 8 and done.returncode == 0, done.stderr[-2000:]


def test_importing_core_costs_nothing():
    script = (
        "import sys, core\n"
        "loaded = {'torch', 'numpy', 'pandas', 'streamlit', 'av', 'soundfile'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_charts_words_and_reports_need_no_streamlit():
    show = ROOT / "core" / "show"
    free = {
        *show.rglob("*charts.py"),
        *show.rglob("*words.py"),
        *(show / "documents").glob("[!_]*.py"),
        *(show / "figures" / f"{name}.py" for name in ("known_detectors", "track_record")),
        *(file for file in (show / "evidence").glob("[!_]*.py") if file.stem != "view"),
    }
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sorted(free)]
    script = (
        f"import importlib, sys\nfor name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'streamlit' not in sys.modules, name\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_pages_and_modules_stay_short():
    room = [*modules("core"), *modules("training"), *modules("benchmarks")]
    pages = {p.name: n for p in modules("pages") if (n := lines(p)) > 150}
    files = {str(p.relative_to(ROOT)): n for p in room if (n := lines(p)) > 400}
    assert len(modules("pages")) > 5 and not pages | files


LONGEST = 80
FLAT = {"training/example_pool.py": "_synthetic"}
"""Functions that are a table and read best whole."""


def code_lines(tree: ast.AST) -> dict[str, int]:
    """Lines of every function, its docstring not counted."""
    found = {}
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = node.body[0] if ast.get_docstring(node) else None
            words = (said.end_lineno or 0) - said.lineno + 1 if said else 0
            long = (node.end_lineno or 0) - node.lineno + 1 - words
            found[node.name] = max(long, found.get(node.name, 0))
    return found


def test_functions_stay_short_but_for_tables():
    files = [path for folder in FOLDERS for path in modules(folder)]
    long = {
        (str(path.relative_to(ROOT)), name)
        for path in files
        for name, n in code_lines(parsed(path)).items()
        if n > LONGEST
    }
    assert long == set(FLAT.items())


def test_a_long_function_would_be_seen():
    body = 'def f():\n    """Says\n    much."""\n' + "    a = 1\n" * LONGEST
    assert code_lines(ast.parse(body)) == {"f": LONGEST + 1}


def lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


WRITES_CSV = re.compile(
    r"\.to_csv$|^(csv|pyarrow\.csv|pa_csv)\.(writer|DictWriter|CSVWriter|write_csv)$"
)


def writes_csv(tree: ast.AST) -> bool:
    """Whether a module writes tables as text by itself."""
    calls = (dotted(n.func) for n in nodes(tree) if isinstance(n, ast.Call))
    named = {"csv.writer", "csv.DictWriter", "pyarrow.csv.CSVWriter", "pyarrow.csv.write_csv"}
    return any(map(WRITES_CSV.search, calls)) or bool(imports(tree, False) & named)


def test_one_module_writes_csv():
    """So that no table lets a formula run, a separator split or a hidden character through."""
    files = [*modules("core"), *modules("pages"), ROOT / "Home.py"]
    found = [path for path in files if writes_csv(parsed(path))]
    assert found == [ROOT / "core" / "plain.py"]


@pytest.mark.parametrize(
    "line",
    ["frame.to_csv(f)", "csv.writer(f)", "from csv import DictWriter", "pyarrow.csv.CSVWriter(f)"],
)
def test_another_writer_would_be_seen(line):
    assert writes_csv(ast.parse(line))
    assert not writes_csv(ast.parse("import csv; csv.reader(f); rows.csv()"))


def lists_of_names(tree: ast.AST) -> list[tuple[int, set[str]]]:
    """Line and strings of every list, tuple and set that is written out, with what it unpacks."""

    def said(node: ast.AST) -> set[str]:
        if isinstance(node, ast.Starred):
            node = node.value
        if isinstance(node, ast.Constant):
            return {node.value} if isinstance(node.value, str) else set()
        within = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
        return {name for one in within for name in said(one)}

    kinds = (ast.List, ast.Tuple, ast.Set)
    return [(n.lineno, said(n)) for n in nodes(tree) if isinstance(n, kinds)]


def columns_again(tree: ast.AST) -> list[int]:
    """Lines that write out most of the columns of a table of figures or of data/results."""
    known = [set(t.columns) for t in tables.TABLES.values() if len(t.columns) > 5]
    known += [{*figures.SCORE_FILE}, {*figures.DIFFERENCES}, {*figures.VERIFICATION}]
    return [
        line
        for line, names in lists_of_names(tree)
        if any(len(names & columns) > 2 / 3 * len(columns) for columns in known)
    ]


def test_one_place_knows_the_columns_of_tables():
    files = [path for folder in FOLDERS for path in modules(folder)]
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in files
        if path.parent != ROOT / "core" / "evaluate" / "tables"
        and (found := columns_again(parsed(path)))
    }
    assert len(files) > 300 and not wrong


def test_a_second_list_of_columns_would_be_seen():
    names = list(figures.COLUMNS)
    assert columns_again(ast.parse(f"A = 1\nCOLUMNS = (*{names[:7]}, *{names[7:]})")) == [2]
    assert columns_again(ast.parse(f"shown = {names[:9]}")) == []
