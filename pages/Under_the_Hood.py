"""Under the hood: how the detectors work, how they were trained, what they cannot do."""

import streamlit as st

from core.show.hood import detectors, inventory, signs
from core.show.navigation.choices import check, names_of

BY_NAME = "Detectors by name"
TABS = {
    "How they work": (detectors.architecture, detectors.legs, detectors.stages),
    "Why so": (detectors.decisions, detectors.limits),
    "How far to trust it": (detectors.trust, signs.signs_of_history, signs.watermark_found),
    "Model card": (detectors.model_card,),
    BY_NAME: (inventory.by_name,),
    "Installed here": (inventory.installed, inventory.systems_table),
    "References": (inventory.references,),
}

st.title("Under the hood", anchor=False)
st.markdown(
    "Two detectors: the one that ships here, and the published system that it is measured against."
)
linked = inventory.CHOSEN in st.query_params and "hood" not in st.query_params
if linked and "hood" not in st.session_state:
    st.session_state["hood"] = BY_NAME
check({"hood": names_of(TABS), inventory.CHOSEN: inventory.detector_names()})
tabs = st.tabs(list(TABS), key="hood", bind="query-params")
for tab, parts in zip(tabs, TABS.values(), strict=True):
    with tab:
        for part in parts:
            part()
