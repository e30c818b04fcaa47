"""How long a big score file takes and what memory: ``python -m benchmarks.scores [ROWS ...]``.

Each size runs in a process of its own: reading the file, joining nothing, detecting the direction,
every pooled figure with intervals, the breakdown by attack, and what the charts need. Then the
figures alone, without intervals, against the plain way: pandas and one sorted sweep, unchecked.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def made(rows: int) -> bytes:
    """A score file in the form of ASVspoof 2019 with this many trials, 1 in 40 bona fide."""
    rng = np.random.default_rng(0)
    spoof = np.arange(rows) % 40 != 0
    scores = np.where(spoof, rng.normal(-2, 1.5, rows), rng.normal(2, 1.5, rows))
    return "".join(
        f"DF_E_{i:07d} {f'A{7 + i % 13:02d} spoof' if fake else '- bonafide'} {score:.6f}\n"
        for i, (fake, score) in enumerate(zip(spoof.tolist(), scores.tolist(), strict=True))
    ).encode()


def measure(rows: int) -> dict[str, float]:
    """Seconds of each step, and the peak of memory in MB, for one file."""
    from core.evaluate import analysis
    from core.evaluate.trials import direction, guess_layout, read_table, tidy

    data = made(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result: dict[str, float] = {"rows": rows, "file_mb": round(len(data) / 1e6)}
    wall, cpu = time.perf_counter(), time.process_time()

    def step(name: str) -> None:
        nonlocal wall, cpu
        result[f"{name}_s"] = round(time.perf_counter() - wall, 2)
        result[f"{name}_cpu_s"] = round(time.process_time() - cpu, 2)
        wall, cpu = time.perf_counter(), time.process_time()

    frame = read_table(data, "scores.txt")
    trials = tidy(frame, guess_layout(frame))
    step("read_and_check")
    prepared = analysis.prepare(trials, direction(trials).higher)
    analysis.overall(prepared)
    analysis.suspicions(prepared)
    step("figures")
    analysis.histogram(prepared)
    analysis.reliability(prepared)
    analysis.worst(prepared)
    step("charts")
    analysis.by_column(prepared, "attack")
    step("by_attack")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result |= {"before_mb": round(before / 1e3), "peak_mb": round(peak / 1e3)}
    return result


def ours(path: Path) -> tuple[float, ...]:
    """Read a score file with every check; EER, min and actual DCF, Cllr, AUC."""
    from core.evaluate.metrics import Tally
    from core.evaluate.trials import direction, read_scores

    trials = read_scores(path)
    tally = Tally.of(*trials.split(), higher=direction(trials).higher)
    costs = tally.min_dcf().cost, tally.act_dcf().cost
    return tally.eer().rate, *costs, tally.cllr(), tally.auc()


def plain(path: Path) -> tuple[float, ...]:
    """The same by pandas and one sweep, for scores that run towards bona fide speech."""
    import pandas as pd

    table = pd.read_csv(path, sep=" ", names=["trial", "attack", "label", "score"])
    is_bona = (table["label"] == "bonafide").to_numpy()
    scores = table["score"].to_numpy()
    order = np.argsort(scores, kind="mergesort")
    miss = np.cumsum(is_bona[order]) / is_bona.sum()
    fa = 1 - np.cumsum(~is_bona[order]) / (~is_bona).sum()
    at = np.argmin(np.abs(miss - fa))
    bona, spoof = scores[is_bona], scores[~is_bona]
    bayes = np.log(0.5 / 0.95)
    actual = 0.95 * np.mean(bona < bayes) + 0.5 * np.mean(spoof >= bayes)
    bits = np.mean(np.logaddexp(0, -bona)) + np.mean(np.logaddexp(0, spoof))
    least = min(0.95, 0.5, float((0.95 * miss + 0.5 * fa).min()))
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    pairs = ranks[is_bona].sum() - len(bona) * (len(bona) + 1) / 2
    area = pairs / len(bona) / len(spoof)
    return (miss[at] + fa[at]) / 2, least / 0.5, actual / 0.5, bits / 2 / np.log(2), area


def alone(way: str, path: Path) -> dict[str, object]:
    """Seconds and peak memory of one way, in a process of its own."""
    import pandas as pd  # noqa: F401  (what is loaded is not compared)
    import pyarrow.compute
    import pyarrow.csv  # noqa: F401

    import core.evaluate.trials  # noqa: F401

    wall, cpu = time.perf_counter(), time.process_time()
    found = {"ours": ours, "plain": plain}[way](path)
    return {
        "way": way,
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "figures": [round(float(f), 6) for f in found],
    }


def main() -> None:
    """Print one JSON object a size."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(alone(sys.argv[2], Path(sys.argv[3]))))
        return
    for rows in sys.argv[1:] or ["600000", "5000000"]:
        command = [sys.executable, "-m", "benchmarks.scores", "--one", rows]
        subprocess.run(command, check=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.txt"
        path.write_bytes(made(2_000_000))
        found = []
        for way in ("ours", "plain"):
            command = [sys.executable, "-m", "benchmarks.scores", "--alone", way, str(path)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found.append(json.loads(said.splitlines()[-1]))
            print(json.dumps(found[-1]))
    ratios = {k: round(found[0][k] / found[1][k], 2) for k in ("wall_s", "cpu_s", "peak_mb")}
    print(json.dumps({"2,000,000 rows, ours to plain": ratios}))


if __name__ == "__main__":
    main()
