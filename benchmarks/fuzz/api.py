"""The HTTP API against its own OpenAPI document: ``python -m benchmarks.fuzz.api --seconds 600``.

Starts the dashboard with the API on loopback and has schemathesis derive requests from
``openapi.json``: valid ones, ones that break a rule, unknown methods, missing tokens, bodies of
noise and, in a second run, of real sound. Every answer must be of a status, a type and a shape
that the document names, and no server error. Ends with status 1 where one was not, or where the
server's log holds a traceback.

Needs schemathesis 4.32.5 in an environment of its own (``pip install schemathesis==4.32.5``), whose
``st`` is found on the path or named by ``--st``.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import load

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Print what schemathesis says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="of each of the two runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--st", default="st", metavar="PATH")
    wanted = parser.parse_args()
    token = secrets.token_urlsafe(24)
    os.environ |= {
        "SPOOFSCOPE_API": "1",
        "SPOOFSCOPE_API_METRICS": "1",
        "SPOOFSCOPE_API_TOKENS": f"fuzz:{token}",
        "SPOOFSCOPE_MAX_UPLOAD_MB": "4",
    }
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        server, address = load.serve(Path(folder))
        try:
            for hooks in ("", str(HERE / "sounds.py")):
                line = [wanted.st, "--config-file", str(HERE / "schemathesis.toml"), "run"]
                line += [f"{address}/api/v1/openapi.json", "-H", f"Authorization: Bearer {token}"]
                line += [f"--max-time={wanted.seconds}", f"--seed={wanted.seed}"]
                line += ["--continue-on-failure", "--warnings=off"]
                own = os.environ | {"SCHEMATHESIS_HOOKS": hooks}
                failed |= subprocess.run(line, cwd=folder, env=own, check=False).returncode
        finally:
            server.terminate()
            server.wait(60)
        log = (Path(folder) / "log.txt").read_text("utf-8")
    print(log[-4000:] if "Traceback" in log else "The server's log holds no traceback.")
    return int(bool(failed) or "Traceback" in log)


if __name__ == "__main__":
    sys.exit(main())
