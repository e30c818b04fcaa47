"""Under the hood: how the detectors work, how they were trained, what they cannot do."""

import streamlit as st

from core.show.hood import detectors, inventory, signs

TABS = {
    "How they work": (detectors.architecture, detectors.stages),
    "Why so": (detectors.decisions, detectors.limits),
    "How far to trust it": (detectors.trust, signs.signs_of_history, signs.watermark_found),
    "Model card": (detectors.model_card,),
    "Detectors by name": (inventory.by_name,),
    "Installed here": (inventory.installed, inventory.systems_table),
    "References": (inventory.references,),
}

st.title("Under the hood", anchor=False)
st.markdown(
    "Two detectors: the one that ships here, and the published system that it is measured against."
)
for tab, parts in zip(st.tabs(list(TABS)), TABS.values(), strict=True):
    with tab:
        for part in parts:
            part()
