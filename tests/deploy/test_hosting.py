"""What somebody who hosts the dashboard relies on."""

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from core.evaluate.tables import load
from deploy import audit, licences

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text("utf-8")


def test_every_installed_package_has_its_licence_in_the_list():
    listed = dict(
        re.findall(
            r"^\| ([a-z0-9-]+) \| [^|]+ \| ([^|]+?) \|",
            (ROOT / "docs" / "licences.md").read_text("utf-8"),
            re.MULTILINE,
        )
    )
    found = licences.packages()
    assert {"torch", "streamlit", "av", "starlette", "numpy"} <= set(found)
    assert not sorted(set(found) - set(listed)), "run python -m deploy.licences"
    assert not [name for name, under in listed.items() if not under.strip()]


def test_everything_shipped_has_its_licence_in_the_list():
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    for folder in ("examples", "data/models/embedded", "data/benchmarks", "data/results"):
        assert f"`{folder}/`" in page
    for where, _, under in licences.DATA:
        assert under
        for place in re.findall(r"`([^`]+)`", where):
            assert (ROOT / place).exists()


def package(*vulns: str) -> dict[str, object]:
    held = [{"id": id, "fix_versions": ["2"]} for id in vulns]
    return {"name": "a", "version": "1", "vulns": held}


SKIPPED = {"name": "a", "skip_reason": "not found"}
REFUSED = (
    "Traceback (most recent call last):\n"
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x', port=443): Max retries\n"
)


@pytest.mark.parametrize(
    ("listed", "stderr", "ends", "status", "says"),
    [
        (
            None,
            "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\nTip: ",
            1,
            0,
            "over",
        ),
        (None, REFUSED, 1, 0, "passed over: no database"),
        ([SKIPPED], "", 0, 0, "passed over: the index"),
        ([package()], "", 0, 0, "Audited 1 packages: 0 with"),
        ([package("X"), SKIPPED], "Found 1 known vulnerability", 1, 1, "a 1: X, fixed in 2"),
        (None, "No module named pip_audit", 1, 1, "status 1: No module named pip_audit"),
        (None, "Traceback\nKeyError: 'requests.exceptions.ConnectionError: '", 1, 1, "KeyError"),
        (None, "Traceback\npip_audit._service.interface.ServiceError", 1, 1, "ServiceError"),
        (None, "", 0, 1, "said nothing"),
        ([], "", 0, 1, "said nothing"),
        ([package()], "MemoryError", 1, 1, "MemoryError"),
        ([package("X")], "", -9, 1, "failed"),
    ],
)
def test_the_audit_fails_for_a_weakness_and_for_a_crash_and_not_for_a_missing_network(
    listed, stderr, ends, status, says, monkeypatch, capsys
):
    answer = "" if listed is None else json.dumps({"dependencies": listed})
    script = (
        "import os, signal, sys\n"
        f"print({answer!r}); print({stderr!r}, file=sys.stderr)\n"
        "sys.stdout.flush(); sys.stderr.flush()\n"
        f"os.kill(os.getpid(), signal.SIGKILL) if {ends} < 0 else sys.exit({ends})\n"
    )
    monkeypatch.setattr(audit, "COMMAND", [sys.executable, "-c", script])
    assert audit.main() == status
    assert says in capsys.readouterr().out


def test_an_audit_that_hangs_has_failed(monkeypatch, capsys):
    endless = "import threading; threading.Event().wait()"
    monkeypatch.setattr(audit, "COMMAND", [sys.executable, "-c", endless])
    monkeypatch.setattr(audit, "PATIENCE_S", 0.2)
    assert audit.main() == 1
    assert "did not end within" in capsys.readouterr().out


def test_the_lock_holds_every_package_that_runs_with_hashes_and_as_pinned():
    text = (ROOT / "deploy" / "requirements.lock").read_text("utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    locked = dict(entry.split()[0].split("==") for entry in entries)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in text
    requirements = licences.required("requirements.txt")
    pinned = {licences.normal(n): v for n, v in (r.split("==") for r in requirements)}
    assert {n: locked.get(n) for n in pinned if n != "torch"} == {
        n: v for n, v in pinned.items() if n != "torch"
    }
    needed = {
        name
        for name in licences.closure(requirements)
        if name != "torch" and not any(fnmatch.fnmatch(name, c) for c in licences.CUDA)
    }
    assert needed <= set(locked), "run python -m deploy.lock"


def test_the_container_runs_what_is_here_as_nobody_special():
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            copied.add(source)
    assert {"Home.py", "core", "pages", "data", "examples", ".streamlit"} <= copied
    assert re.search(r"^USER \d+$", CONTAINERFILE, re.MULTILINE)
    assert "/_stcore/health" in CONTAINERFILE
    options = json.loads(re.search(r"^ENTRYPOINT (.+)$", CONTAINERFILE, re.MULTILINE).group(1))
    assert options[1:3] == ["-m", "core.show.serve"]


def test_other_origins_are_kept_out_by_streamlits_own_options():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["enableCORS"] is config["server"]["enableXsrfProtection"] is True
    assert config["server"]["disconnectedSessionTTL"] <= 90
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    assert config["logger"]["hideWelcomeMessage"] is True  # it asks an outside host


def test_libraries_that_would_report_to_their_makers_are_told_not_to():
    script = (
        "import core, os\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'], os.environ['HF_HUB_DISABLE_TELEMETRY'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 1\n"


def test_what_a_core_serves_is_what_was_measured():
    text = (ROOT / "docs" / "hosting.md").read_text("utf-8")
    rows = [
        f"| {row.clip_s:.0f} s | {row.clips_a_minute} | {row.processor_s:.2f} s |"
        for row in load("serving").itertuples()
    ]
    assert rows and "\n".join(rows) in text
