"""Known weaknesses of the installed packages: ``python -m deploy.audit``, part of ``./run check``.

Ends with status 1 where pip-audit knows of one, and where it broke off. Where no database can be
reached it says that the audit was passed over, and ends well.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

from core.interrupts import run

COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--timeout", "10"]
PATIENCE_S = 180

UNREACHED = re.compile(
    r"Could not connect to .{1,40} vulnerability feed|PyPI is not redirecting properly"
    r"|^requests\.exceptions\.(ConnectionError|ConnectTimeout|ReadTimeout|ProxyError): ",
    re.MULTILINE,
)
"""What pip-audit says, or the error it ends with, where no database answers."""


def main() -> int:
    """Audit this environment."""
    try:
        done = subprocess.run(
            [*COMMAND, "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"The audit failed: it did not end within {PATIENCE_S} s.")
        return 1
    try:
        listed = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        listed = []
    if not listed and UNREACHED.search(done.stderr):
        print("Audit passed over: no database of known weaknesses could be reached.")
        return 0
    found = [package for package in listed if "skip_reason" not in package]
    weak = [p for p in found if p.get("vulns")]
    if not listed or done.returncode != int(bool(weak)):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"The audit failed: pip-audit ended with status {done.returncode}: {last[:300]}")
        return 1
    if not found:
        print("Audit passed over: the index that was reached knows of no weaknesses.")
        return 0
    for package in weak:
        for known in package["vulns"]:
            better = ", ".join(known["fix_versions"]) or "none yet"
            print(f"{package['name']} {package['version']}: {known['id']}, fixed in {better}")
    print(f"Audited {len(found)} packages: {len(weak)} with known weaknesses.")
    return int(bool(weak))


if __name__ == "__main__":
    sys.exit(run(main))
