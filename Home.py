"""Entry of the dashboard: the server as `streamlit run` starts it, and what each run shows."""

import sys
from pathlib import Path

import streamlit as st

from core.api.mount import routes
from core.settings import SettingsError, settings
from core.show.navigation.history import keep_history
from core.show.navigation.press import keep_presses
from core.show.prewarm import prewarm
from core.show.serve import announce, before_visitors, log
from core.show.server.headers import MIDDLEWARE
from core.show.server.installation import explained

ICON = Path(__file__).parent / "core" / "show" / "assets" / "icon.png"  # a symbol would be fetched
STYLE = ICON.with_name("style.css")

PAGES = {  # by file: the title and the symbol
    "Welcome": ("Home", "home"),
    "Detect": ("Detect", "hearing"),
    "Timeline": ("Timeline", "graphic_eq"),
    "Live": ("Live", "mic"),
    "Benchmarks": ("Benchmarks", "leaderboard"),
    "Systems": ("Systems", "grid_on"),
    "Overfitting": ("Overfitting", "stairs"),
    "Your_Scores": ("Your scores", "upload_file"),
    "Under_the_Hood": ("Under the hood", "build"),
}
FIRST = "Welcome"


def address(name: str) -> str:
    """Of the page in a file of that name."""
    return name.lower().replace("_", "-")


def dashboard() -> None:
    """Show a visitor the page that was asked for."""
    from core.show import session

    pages = [
        st.Page(
            f"pages/{name}.py",
            title=title,
            icon=f":material/{symbol}:",
            url_path=address(name),
            default=name == FIRST,
        )
        for name, (title, symbol) in PAGES.items()
    ]
    # A link by a page's file name, such as /Your_Scores, shows that page too.
    pages += [
        st.Page(f"pages/{name}.py", title=title, url_path=name, visibility="hidden")
        for name, (title, _) in PAGES.items()
        if name != FIRST
    ]
    # Before st.navigation, which would else take a page's symbol as the tab's icon and fetch it.
    st.set_page_config(page_title="Spoofscope", page_icon=str(ICON), layout="wide")
    page = st.navigation(pages)
    st.set_page_config(page_title=f"{page.title} · Spoofscope")
    st.html(STYLE)
    prewarm()
    keep_history([p.url_path for p in pages])
    keep_presses()
    session.note_page(address(page.url_path))
    with explained(address(page.url_path)):
        page.run()
    session.forget_wishes()


if st.runtime.exists():
    dashboard()
else:  # Streamlit finds this name in the file's text, and serves it
    st.secrets.load_if_toml_exists()  # where a host has no other way to set variables
    try:
        log(settings().log_level)
        before_visitors()
        app = st.App(__file__, routes=routes(), middleware=MIDDLEWARE)
    except SettingsError as error:
        sys.exit(str(error))
    announce()
