"""Entry of the dashboard: the pages, and what is warmed up behind the first one."""

from pathlib import Path

import streamlit as st

from core.settings import SettingsError, settings
from core.show.history import keep_history
from core.show.installation import explained
from core.show.prewarm import prewarm

ICON = Path(__file__).parent / "core" / "show" / "assets" / "icon.png"  # a symbol would be fetched
STYLE = ICON.with_name("style.css")

pages = [
    st.Page("pages/Welcome.py", title="Home", icon=":material/home:", default=True),
    st.Page("pages/Detect.py", title="Detect", icon=":material/hearing:", url_path="detect"),
    st.Page(
        "pages/Timeline.py", title="Timeline", icon=":material/graphic_eq:", url_path="timeline"
    ),
    st.Page("pages/Live.py", title="Live", icon=":material/mic:", url_path="live"),
    st.Page(
        "pages/Benchmarks.py",
        title="Benchmarks",
        icon=":material/leaderboard:",
        url_path="benchmarks",
    ),
    st.Page("pages/Systems.py", title="Systems", icon=":material/grid_on:", url_path="systems"),
    st.Page(
        "pages/Overfitting.py",
        title="Overfitting",
        icon=":material/stairs:",
        url_path="overfitting",
    ),
    st.Page(
        "pages/Your_Scores.py",
        title="Your scores",
        icon=":material/upload_file:",
        url_path="your-scores",
    ),
    st.Page(
        "pages/Under_the_Hood.py",
        title="Under the hood",
        icon=":material/build:",
        url_path="under-the-hood",
    ),
]
# Before st.navigation, which would else take a page's symbol as the tab's icon and fetch it.
st.set_page_config(page_title="Spoofscope", page_icon=str(ICON), layout="wide")
page = st.navigation(pages)
st.set_page_config(page_title=f"{page.title} · Spoofscope")
st.html(STYLE)
try:
    settings()
except SettingsError as error:
    st.error(str(error).replace("_", "\\_"), icon=":material/error:")
    st.stop()
prewarm()
keep_history(("benchmarks", "systems", "under-the-hood"))
with explained(page.url_path):
    page.run()
