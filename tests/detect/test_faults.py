"""What goes wrong around weights: the network drops, the disk is full, files vanish."""

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.audio.decoding import decode
from core.detect.detector import DetectorError
from core.detect.model_directory import load_directory
from core.detect.registry import AASIST, EMBEDDED, PUBLISHED, fetching

SPEECH = Path(__file__).resolve().parents[1] / "data" / "speech.flac"
WEIGHTS = b"w" * 300_000


class Hub(BaseHTTPRequestHandler):
    """A hub that announces a file, and whose connection drops in the middle of it."""

    def do_HEAD(self):
        self._head()

    def do_GET(self):
        self._head()
        self.wfile.write(WEIGHTS[: len(WEIGHTS) // 2])
        self.wfile.flush()
        self.close_connection = True

    def _head(self):
        self.send_response(200)
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(WEIGHTS).hexdigest()}"')
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.end_headers()

    def log_message(self, *about):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def weights_in(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.name in (PUBLISHED.file, AASIST.file)]


def test_a_download_from_the_hub_that_breaks_off_leaves_no_weights(hub, models, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", hub)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between its tries
    entry = dataclasses.replace(PUBLISHED, bytes=len(WEIGHTS))
    with pytest.raises(DetectorError, match=r"could not be reached\. The weights") as error:
        fetching.fetch_weights(entry, None)
    assert "Traceback" not in str(error.value)
    assert not weights_in(models)
    assert not list(models.rglob("pin.json"))


def test_a_plain_download_that_breaks_off_is_not_kept(hub, models):
    entry = dataclasses.replace(
        AASIST, url=f"{hub}/x", bytes=len(WEIGHTS), sha256=hashlib.sha256(WEIGHTS).hexdigest()
    )
    with pytest.raises(DetectorError, match=r"could not be read|is not the published"):
        fetching.fetch_pinned(entry, None)
    assert not weights_in(models)


def test_a_full_disk_is_told_of_and_leaves_nothing(tmp_path):
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from core.detect.detector import DetectorError\n"
        "from core.detect.registry import fetching\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    fetching._write(Path(sys.argv[1]) / 'w.pt', b'w' * 5000)\n"
        "except DetectorError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=EMBEDDED.parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"What was fetched cannot be kept in {tmp_path}: File too large.")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_vanish_while_running_harm_nobody_who_has_them(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(EMBEDDED, folder)
    loaded, clip = load_directory(folder), decode(SPEECH)
    before = loaded.detect(clip)
    for file in folder.iterdir():
        if file.name != "config.json":
            os.unlink(file)
    after = loaded.detect(clip)
    assert [w.llr for w in after.windows] == [w.llr for w in before.windows]
    with pytest.raises(DetectorError) as error:
        load_directory(folder)
    assert str(error.value).endswith(".")
    assert "Traceback" not in str(error.value)
