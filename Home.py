"""Entry of the dashboard: the pages, and what is warmed up behind the first one."""

from pathlib import Path

import streamlit as st

from core.settings import SettingsError, settings
from core.show.navigation.history import keep_history
from core.show.prewarm import prewarm
from core.show.server.installation import explained

ICON = Path(__file__).parent / "core" / "show" / "assets" / "icon.png"  # a symbol would be fetched
STYLE = ICON.with_name("style.css")


def known_as(page: st.Page) -> str:
    """The address of a page that is shown by its file name."""
    return page.url_path.lower().replace("_", "-")


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
# A link by a page's file name, such as /Your_Scores, shows that page too.
pages += [
    st.Page(file, title=file.stem.replace("_", " "), url_path=file.stem, visibility="hidden")
    for file in sorted((Path(__file__).parent / "pages").glob("*.py"))
    if file.stem != "Welcome"  # the default page has its own
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
kept = ("benchmarks", "systems", "under-the-hood")
keep_history([p.url_path for p in pages if known_as(p) in kept])
with explained(known_as(page)):
    page.run()
