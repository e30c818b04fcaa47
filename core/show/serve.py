"""Start the dashboard: ``python -m core.show.serve [streamlit options]``."""

from __future__ import annotations

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / "Home.py"


def stay_home() -> None:
    """Keep Streamlit from asking an outside host for this machine's public address.

    It does so to print an address at the start, and where a visitor's origin is none that it
    knows. Without an answer it goes on with the addresses that it finds by itself.
    """
    from streamlit import net_util

    net_util.get_external_ip = lambda: None


def main() -> None:
    """Run Streamlit on ``Home.py`` with the process's own arguments as options.

    `st.navigation` decides the pages. Until its first run in a process Streamlit would take every
    file in ``pages/`` for a page instead, and answer the very first deep link with a page of its
    own or with 'Page not found'; so it is told beforehand.
    """
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import cli

    PagesManager.uses_pages_directory = False
    stay_home()
    sys.argv = ["streamlit", "run", str(HOME), "--server.showEmailPrompt=false", *sys.argv[1:]]
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
