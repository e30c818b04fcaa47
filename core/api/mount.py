"""The API put before the pages, in the same process."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from streamlit import get_option

from core.api.access import Access, is_loopback, tokens_of
from core.settings import SettingsError, settings, variable

OPEN = (
    "The API would answer to other machines without asking who they are. Set "
    f"{variable('api_tokens')}, or serve this machine alone with --server.address=127.0.0.1."
)


def routes() -> list[BaseRoute]:
    """The API under ``/api/v1``, behind ``server.baseUrlPath``, where the settings switch it on.

    Returns
    -------
    list of starlette.routing.BaseRoute
        None where it is off.

    Raises
    ------
    SettingsError
        If the tokens cannot be used, or there are none and other machines could ask.
    """
    found = settings()
    if not found.api:
        return []
    access = Access(tokens_of(found.api_tokens))
    if not access.by_token and not is_loopback(get_option("server.address") or ""):
        raise SettingsError(OPEN)
    from core.api.routes import api

    base = (get_option("server.baseUrlPath") or "").strip("/")
    root = f"{f'/{base}' if base else ''}/api/v1"
    return [Route(root, lambda _: RedirectResponse(f"{root}/docs")), Mount(root, api(access))]
