"""Addresses of any kind on every page: ``python -m benchmarks.fuzz.addresses --inputs 2000``.

Each input is a page and an address that gives the names it knows, and one that it does not, odd
values: too long, no number, markup, marks of order, or what other names hold. Names what ended in
an error instead of a page; ends with status 1 where anything did.
"""

from __future__ import annotations

import argparse
import random

from streamlit.testing.v1 import AppTest

from core.files import ROOT

NAMES = {
    "Benchmarks": (
        *("view", "system", "benchmark", "metric", "attack", "codec", "vocoder", "training"),
        *("bandwidth", "prior", "cost_missed_fake", "cost_false_accusation", "first", "second"),
        *("compare", "compare_on", "cells", "c_miss", "c_fa"),
    ),
    "Systems": (
        *("arena", "along", "corpora", "front", "reporter", "figure", "order", "over", "least"),
        *("seen", "unseen"),
    ),
    "Detect": ("example", "from", "to"),
    "Timeline": ("example", "from", "to"),
    "Your_Scores": ("view", "prior"),
}
"""What an address of a page may say."""

ODD = (
    *("1" * 5_000, "-1", "1e999", "nan", "inf", "0x10", "<script>alert(1)</script>", "\0"),
    *("\ufeff1", "", " ", "\u202e1", "[a](b)", "1,2", "None", "\N{SUPERSCRIPT ONE}"),
)
VALUES = (
    *("1", "3", "0.5", "Table", "Significance", "Error trade-off", "Side by side", "Generators"),
    *("Attacks and codecs", "Heat map", "Contradictions", "Generalisation", "AASIST", "A10"),
    *("gsm", "In-the-Wild", "ASVspoof 2019 LA", "DFADD", "min_dcf", "unseen", "8 kHz audio"),
)


def main() -> int:
    """Print how many were shown, and what was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    draw = random.Random(wanted.seed)
    failed = 0
    for _ in range(wanted.inputs):
        page = draw.choice(list(NAMES))
        at = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=120)
        for name in (*NAMES[page], "unknown"):
            if draw.random() < 0.7:
                at.query_params[name] = draw.choices(ODD + VALUES, k=draw.choice((1, 1, 1, 3)))
        asked = at.query_params.copy()
        if at.run().exception:
            failed += 1
            print(page, asked, at.exception[0].message)
    print(f"{wanted.inputs - failed} of {wanted.inputs} addresses gave a page.")
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
