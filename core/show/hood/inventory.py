"""What is installed here, and what the pages rest on."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

import streamlit as st

from core import version
from core.detect.registry import ENTRIES, list_detectors
from core.evaluate.names import readable
from core.evaluate.tables import FIGURES
from core.show import cache
from core.show.figures.known_detectors import NO_COMMERCE, described, in_short, known, name_of
from core.show.hood import diagrams
from core.show.hood.calibrating import calibrate
from core.show.markdown import plain
from core.show.navigation.choices import names_of
from core.show.widgets import numbers, show_table

if TYPE_CHECKING:
    import pandas as pd

CHOSEN = "hood-detector"
"""Key of the detector of which all is said, and its name in the address."""

PACKAGES = ("streamlit", "altair", "pandas", "numpy", "scipy", "torch", "transformers", "av")


def detector_names() -> dict[str, str]:
    """What an address may call the detectors -> their labels."""
    return names_of([entry.id for entry in list_detectors()], name_of)


def by_name() -> None:
    """Detectors that can be chosen by name, and all that is known of one."""
    config = cache.model_config("embedded")
    st.header("Detectors by name", anchor=False)
    listed = list_detectors()
    rows = []
    for entry in listed:
        parameters, trained_on = in_short(entry, _table)
        digest = entry.sha256
        if entry.id == "embedded":
            digest = config.get("weights", {}).get("sha256", "")
        rows.append(
            {
                "detector": entry.name,
                "here": entry.state,
                "licence": entry.licence + ("" if entry.commercial else NO_COMMERCE),
                "parameters": parameters,
                "trained on": trained_on,
                "published at": entry.home or "this repository",
                "weights (SHA-256)": digest or (None if entry.code else "checked when fetched"),
            }
        )
    show_table(rows, key="hood-detectors")
    ids = [entry.id for entry in listed]
    chosen = st.selectbox(
        "All that is known of",
        ids,
        format_func=name_of,
        key=CHOSEN,
        bind="query-params",
    )
    entry = ENTRIES[chosen]
    of = known(entry, _table)
    st.markdown(plain(entry.summary))
    said = described(entry, of)
    st.markdown("\n".join(f"- **{word}**: {plain(text)}" for word, text in said))
    calibrate(entry)
    if not entry.file:
        return
    if of.figures.empty:
        st.caption("No published figure of it is in the tables here.")
    else:
        st.dataframe(
            readable(of.figures.rename(columns={"value": "EER, %", "seen": "corpus was"})),
            hide_index=True,
            key="hood-detector-figures",
        )
    if not entry.ready and not entry.obstacle:
        st.code(f"python -m core detectors {entry.id} --fetch", language="shell")


def _table(name: str) -> pd.DataFrame:
    """A table; that of the embedded detector has no rows where nothing was measured."""
    import pandas as pd

    found = cache.results(name) if name == "embedded" else cache.table(name)
    return pd.DataFrame(columns=list(FIGURES.columns)) if found is None else found


def installed() -> None:
    """Versions on this server."""
    st.header("What is installed here", anchor=False)
    versions = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    st.markdown(version.in_words())
    st.caption("  ·  ".join(f"{name} {found}" for name, found in versions.items()))


def systems_table() -> None:
    """What is known of the systems."""
    systems = cache.table("systems")
    st.header("Systems", anchor=False)
    show_table(
        readable(systems),
        key="hood-systems",
        column_config={
            "link": st.column_config.LinkColumn("paper's link"),
            **numbers("localized", "parameters"),
        },
    )


def references() -> None:
    """What the pages cite."""
    citations = cache.table("citations")
    for topic, part in citations.groupby("topic", sort=False):
        st.markdown(
            f"**{topic.capitalize()}**\n\n"
            + "\n".join(
                f"- {c.authors.split(' and ')[0].split(',')[0]} et al. ({c.year}), "
                f"[{c.title}]({c.link}). *{c.venue}*. {c.used_for}."
                for c in part.itertuples()
            )
        )
    with st.expander("BibTeX", icon=":material/format_quote:"):
        entries = "\n\n".join(diagrams.bibtex(c) for c in citations.to_dict("records"))
        st.code(entries, language="latex")
        st.download_button("Download", entries, "spoofscope.bib", "application/x-bibtex")
