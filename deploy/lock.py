"""Every package with its hashes: ``python -m deploy.lock`` writes deploy/requirements.lock.

For Linux on x86-64 with Python 3.11 or newer, by ``uv``, which has to be installed for it. PyTorch
is left out, because its CPU build comes from an index of its own; so is what only its CUDA build
brings.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys

from deploy.licences import CUDA, ROOT

LOCK = ROOT / "deploy" / "requirements.lock"
HEADER = """\
# Written by: python -m deploy.lock
# Install: pip install --require-hashes --no-deps -r deploy/requirements.lock
# then:    pip install -r requirements.txt    (adds PyTorch, from its CPU index)
"""


def main() -> int:
    """Write the lock file."""
    if shutil.which("uv") is None:
        print("uv is not installed: pip install uv, then run this again.", file=sys.stderr)
        return 2
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    wanted = "\n".join(line for line in lines if line and not line.startswith(("-", "#")))
    command = ["uv", "pip", "compile", "-", "--no-config", "--generate-hashes", "--no-annotate"]
    command += ["--no-header", "--quiet", "--python-version", "3.11", "--no-emit-package", "torch"]
    command += ["--python-platform", "x86_64-manylinux_2_28"]
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return 2
    entries = re.split(r"^(?=[a-z0-9])", done.stdout, flags=re.MULTILINE)[1:]
    kept = [e for e in entries if not any(fnmatch.fnmatch(e.split("==")[0], c) for c in CUDA)]
    LOCK.write_text(HEADER + "".join(kept), "utf-8")
    print(f"{LOCK.relative_to(ROOT)}: {len(kept)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
