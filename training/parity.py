"""Whether published networks, rebuilt here, give what their authors' own code gives.

The authors' code runs elsewhere: with random weights, over an encoder of few layers, on a few
waves. What it leaves is compared here, through the same reading of checkpoint files that a visitor
uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.evaluate.tables import TABLES
from core.plain import csv_text

COLUMNS = tuple(TABLES["network_parity"].columns)
COMMAND = "python -m training parity"


def compared(folder: Path) -> Iterator[dict[str, Any]]:
    """Compare every network that an authors' code left in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Of folders, each with ``checkpoint.pth`` (or ``head.pth`` and ``encoder.pt``),
        ``expected.npz`` (``waves`` float32 ``[k, n]`` as the network's input window, and ``logits``
        ``[k, 2]`` of spoof and bona fide) and ``about.json`` (``network``, ``naming``, ``encoder``,
        ``source``).

    Yields
    ------
    dict
        By `COLUMNS`.

    Raises
    ------
    ValueError, OSError
        If there are none, or one cannot be read.
    """
    cases = sorted(path.parent for path in folder.glob("*/expected.npz"))
    if not cases:
        raise ValueError(f"{folder} has no folders with expected.npz in them.")
    for case in cases:
        try:
            yield _compared(case)
        except KeyError as error:
            raise ValueError(
                f"{case} lacks {error}: a file there says less than it has to."
            ) from error


def _compared(case: Path) -> dict[str, Any]:
    import torch

    from core.detect.registry import load_checkpoint

    about = json.loads((case / "about.json").read_text("utf-8"))
    whole, head = case / "checkpoint.pth", case / "head.pth"
    apart = case / "encoder.pt" if head.is_file() else None
    detector = load_checkpoint(head if apart else whole, case.name, case.name, encoder=apart)
    with np.load(case / "expected.npz") as held:
        waves, logits = held["waves"], held["logits"]
    network = detector.engine.network  # type: ignore[attr-defined]
    with torch.inference_mode():
        found = network.logits(torch.from_numpy(waves))[0].double().numpy()
    expected = logits.astype(np.float64)
    if about["network"] == "xlsr-sls":  # whose authors give logarithms of a softmax
        found = found - np.logaddexp.reduce(found, 1, keepdims=True)
    return {
        "network": about["network"],
        "naming": about["naming"],
        "encoder": about["encoder"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "waves": len(waves),
        "largest_difference": float(f"{np.abs(found - expected).max():.2g}"),
        "largest_logit": float(f"{np.abs(expected).max():.3g}"),
        "kind": "measured",
        "source": f"{COMMAND} FOLDER; authors' code: {about['source']}",
        "note": about.get("note", ""),
    }


TABLE = Path("data/results/network_parity.csv")
DOCUMENT = Path("docs/detectors.md")
_MARK = re.compile(r"(<!-- figures: network_parity -->\n).*?(<!-- end -->)", re.DOTALL)


def write(folder: Path, table: Path = TABLE, document: Path = DOCUMENT) -> None:
    """Compare, keep the rows as a table, and put them into the document.

    Parameters
    ----------
    folder : pathlib.Path
        As for `compared`.
    table : pathlib.Path
        A CSV file, written anew.
    document : pathlib.Path
        Markdown with the table's mark.
    """
    rows = list(compared(folder))
    table.write_text(csv_text(COLUMNS, (row.values() for row in rows)), "utf-8")
    document.write_text(refreshed(document.read_text("utf-8"), pd.DataFrame(rows)), "utf-8")
    for row in rows:
        print(f"{row['network']:20} {row['naming']:34} {row['largest_difference']:.2g}")


def refreshed(document: str, rows: pd.DataFrame) -> str:
    """The document with its table made anew from rows of `COLUMNS`."""
    lines = [
        "| network | names of the encoder's tensors | encoder | authors' code | largest logit | "
        "largest difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        source = str(row["source"]).split("authors' code: ")[-1]
        lines.append(
            f"| {row['network']} | {row['naming']} | {row['encoder']} | {source} | "
            f"{row['largest_logit']:g} | {row['largest_difference']:g} |"
        )
    table = "\n".join(lines) + "\n"
    return _MARK.sub(lambda found: f"{found[1]}{table}{found[2]}", document)
