"""Start the dashboard: ``python -m core.show.serve [streamlit options]``.

A host may also run ``Home.py`` by itself: `before_visitors` is all that both have in common.
"""

from __future__ import annotations

from core.interrupts import end_at_once

if __name__ == "__main__":
    end_at_once()  # what follows takes a while to load

import logging
import os
import sys
import threading
from collections.abc import Mapping

from core.files import ROOT
from core.machine import share_arenas
from core.plain import Inert
from core.settings import SettingsError, settings, unknown, variable
from core.show.server import downloads, expiry
from core.version import in_words

logger = logging.getLogger(__name__)

HOME = ROOT / "Home.py"

_prepared = threading.Lock()


def disable_external_ip_lookup() -> None:
    """Keep Streamlit from asking an outside host for this machine's public address.

    It does so to print an address at the start, and where a visitor's origin is none that it
    knows. Without an answer it goes on with the addresses that it finds by itself.
    """
    from streamlit import net_util

    net_util.get_external_ip = lambda: None


def keep_uploads_in_memory() -> None:
    """Keep the web server from writing an upload to a temporary file once it exceeds 1 MB."""
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = sys.maxsize


def options(environ: Mapping[str, str]) -> list[str]:
    """Streamlit's options that follow from the settings; what is not set stays with its file.

    Raises
    ------
    SettingsError
        As in `core.settings.settings`.
    """
    found = settings(environ)
    given = ["--server.showEmailPrompt=false", "--logger.hideWelcomeMessage=false"]
    if environ.get(variable("max_upload_mb")):
        given.append(f"--server.maxUploadSize={found.max_upload_mb}")
    return given


def log(level: str) -> None:
    """Send what the project's loggers say to standard error, from a level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    project = logging.getLogger("core")
    project.handlers = [handler]
    project.propagate = False
    project.setLevel(level.upper())


def log_no_requests() -> None:
    """Keep the web server's log of requests, with names and notes in their queries, shut for good.

    Streamlit has it shut, and opens it where its file of settings changes under a running server.
    """
    logging.getLogger("uvicorn.access").addFilter(lambda _: False)


def before_visitors() -> None:
    """What a process needs before its first visitor, however it was started; once.

    Notes
    -----
    `st.navigation` decides the pages. Until its first run in a process Streamlit would take every
    file in ``pages/`` for a page instead, and answer the very first deep link with a page of its
    own or with 'Page not found'; so it is told beforehand.
    """
    if not _prepared.acquire(blocking=False):
        return
    from streamlit.runtime.pages_manager import PagesManager

    log_no_requests()
    share_arenas()
    PagesManager.uses_pages_directory = False
    disable_external_ip_lookup()
    keep_uploads_in_memory()
    downloads.keep_made()
    expiry.start()


def announce() -> None:
    """Print the address where Streamlit did not, and open it in a browser where there is one."""
    logger.info("starting %s", in_words())
    from streamlit import cli_util, get_option
    from streamlit.web.server.server_util import get_url

    address = get_url(get_option("browser.serverAddress"))
    if get_option("logger.hideWelcomeMessage"):
        print(f"Spoofscope: {address}", flush=True)
    if not get_option("server.headless"):
        cli_util.open_browser(address)


def main() -> None:
    """Run Streamlit on ``Home.py`` with the process's own arguments as options.

    The sentence of a `SettingsError` ends the start.
    """
    # What is logged may name files and quote errors of libraries.
    sys.stdout, sys.stderr = Inert(sys.stdout), Inert(sys.stderr)
    from streamlit.web import cli

    from core.show.live.relay import own_urls
    from core.show.server.arrival import limit_waiting
    from core.show.server.headers import send_security_headers

    try:
        given = options(os.environ)
        send_security_headers()
        limit_waiting()
        own_urls()
    except SettingsError as error:
        sys.exit(str(error))
    for name in unknown():
        print(f"{name} sets nothing: docs/settings.md lists what can be set.", file=sys.stderr)
    disable_external_ip_lookup()  # it prints an address before it looks at Home.py
    sys.argv = ["streamlit", "run", str(HOME), *given, *sys.argv[1:]]
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
