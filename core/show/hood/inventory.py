"""What is installed here, and what the pages rest on."""

from __future__ import annotations

import platform
from importlib import metadata

import streamlit as st

from core import version
from core.detect.registry import list_detectors
from core.evaluate.names import readable
from core.show import cache, diagrams

PACKAGES = ("streamlit", "altair", "pandas", "numpy", "scipy", "torch", "transformers", "av")


def installed() -> None:
    """Detectors and versions on this server."""
    config = cache.model_config("embedded")
    st.header("What is loaded here", anchor=False)
    rows = []
    for entry in list_detectors():
        digest = entry.sha256
        if entry.id == "embedded":
            digest = config.get("weights", {}).get("sha256", "")
        rows.append(
            {
                "detector": entry.name,
                "installed here": "yes" if entry.ready else "no",
                "weights (SHA-256)": digest or "checked when fetched",
                "licence": entry.licence,
                "published at": entry.home or "this repository",
            }
        )
    st.dataframe(rows, hide_index=True, key="hood-detectors")
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
    st.dataframe(
        readable(systems),
        hide_index=True,
        placeholder="–",
        key="hood-systems",
        column_config={
            "link": st.column_config.LinkColumn("paper's link"),
            "parameters": st.column_config.NumberColumn("parameters", format="localized"),
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
