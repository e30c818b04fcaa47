"""Entry of the dashboard: the pages, and what is warmed up behind the first one."""

import streamlit as st

from core.show.prewarm import prewarm

st.set_page_config(page_title="Spoofscope", page_icon=":material/graphic_eq:", layout="wide")

pages = [
    st.Page("pages/Welcome.py", title="Home", icon=":material/home:", default=True),
    st.Page("pages/Detect.py", title="Detect", icon=":material/hearing:", url_path="detect"),
    st.Page(
        "pages/Timeline.py", title="Timeline", icon=":material/graphic_eq:", url_path="timeline"
    ),
    st.Page(
        "pages/Benchmarks.py",
        title="Benchmarks",
        icon=":material/leaderboard:",
        url_path="benchmarks",
    ),
    st.Page(
        "pages/Overfitting.py",
        title="Overfitting",
        icon=":material/stairs:",
        url_path="overfitting",
    ),
    st.Page(
        "pages/Under_the_Hood.py",
        title="Under the hood",
        icon=":material/build:",
        url_path="under-the-hood",
    ),
]
page = st.navigation(pages)
prewarm()
page.run()
