"""The API put before the pages, in the same process."""

from __future__ import annotations

import sys
from typing import Any

from core.api.access import Access, is_loopback, tokens_of
from core.settings import settings, variable

OPEN = (
    "The API would answer to other machines without asking who they are. Set "
    f"{variable('api_tokens')}, or serve this machine alone with --server.address=127.0.0.1."
)


def add_routes() -> None:
    """Let Streamlit's web server answer under ``/api/v1``, where the settings say so.

    It takes no routes when it is started by ``streamlit run``.

    Raises
    ------
    SettingsError
        If the tokens cannot be used.
    """
    found = settings()
    if not found.api:
        return
    access = Access(tokens_of(found.api_tokens))
    from streamlit import config
    from streamlit.web.server.starlette import starlette_app

    own = starlette_app.create_streamlit_routes

    def with_api(runtime: Any) -> list[Any]:
        if not access.by_token and not is_loopback(config.get_option("server.address") or ""):
            sys.exit(OPEN)
        from starlette.routing import Mount

        from core.api.routes import api

        base = (config.get_option("server.baseUrlPath") or "").strip("/")
        return [Mount(f"{f'/{base}' if base else ''}/api/v1", api(access)), *own(runtime)]

    starlette_app.create_streamlit_routes = with_api
