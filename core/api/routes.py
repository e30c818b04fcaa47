"""The addresses of the API as one Starlette application."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.api import query, work
from core.api.access import Access
from core.api.body import Upload, uploads_of
from core.api.description import PUBLIC, document, page
from core.api.events import KIND, Events
from core.api.metrics import Metrics
from core.api.problems import HANDLERS, problem_of
from core.api.query import Query, Takes, query_of
from core.api.work import ClientGone, Job
from core.detect.registry import list_detectors
from core.settings import settings

Answer = Callable[[Request, str], Awaitable[Response]]
Work = Callable[[Sequence[Upload], Query, Job], str | bytes]

LEFT = 499  # as proxies count a client that left; nobody reads it


def api(access: Access) -> Starlette:
    """The application, to be mounted where it shall answer.

    Parameters
    ----------
    access : Access
        Who is answered.
    """
    metrics = Metrics()

    def route(path: str, answer: Answer, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            found = await _answered(request, access, answer, path in PUBLIC)
            found.headers["Cache-Control"] = "no-store"
            metrics.count(path, found.status_code)
            return found

        return Route(path, endpoint, methods=[method])

    async def counts(request: Request, _: str) -> Response:
        return PlainTextResponse(metrics.text())

    routes = [
        route("/detect", partial(_files, work.detect, query.DETECT), "POST"),
        route("/inspect", partial(_files, work.inspect, query.INSPECT), "POST"),
        route("/report", partial(_files, work.report, query.REPORT), "POST"),
        route("/detectors", _detectors),
        route("/health", _health),
        route("/openapi.json", _document),
        route("/docs", _page),
    ]
    if settings().api_metrics:
        routes.append(route("/metrics", counts))
    made = Starlette(routes=routes, exception_handlers=HANDLERS)
    made.router.redirect_slashes = False
    return made


async def _answered(request: Request, access: Access, answer: Answer, public: bool) -> Response:
    """An answer, whatever happens; files are taken from a caller as the settings say."""
    try:
        if public and access.by_token:
            return await answer(request, "")
        caller = access.caller(request)
        if request.method != "POST":
            return await answer(request, caller)
        with ExitStack() as held:
            held.enter_context(access.place(caller))
            found = await answer(request, caller)
            if isinstance(found, Events):
                found.held = held.pop_all()
            return found
    except (ClientDisconnect, ClientGone):
        return Response(status_code=LEFT)
    except Exception as error:
        return problem_of(error).response()


async def _files(do: Work, takes: Takes, request: Request, caller: str) -> Response:
    asked = query_of(request.query_params.multi_items(), takes)
    uploads = await uploads_of(request, asked.name)
    job = Job(caller)
    if do is not work.report and KIND in request.headers.get("accept", ""):
        return Events(partial(do, uploads, asked), job)
    found = await _worked(request, partial(do, uploads, asked), job)
    if isinstance(found, str):
        return Response(found, media_type="application/json")
    kind = "application/pdf" if asked.format == "pdf" else "text/html"
    name = f'attachment; filename="report.{asked.format}"'
    return Response(found, media_type=kind, headers={"Content-Disposition": name})


async def _worked(request: Request, do: Callable[[Job], str | bytes], job: Job) -> str | bytes:
    """Work in a thread, and tell it when the client has left."""

    async def watch() -> None:
        try:
            while (await request.receive())["type"] != "http.disconnect":
                pass
        finally:  # also where the server stops: the thread would keep its process from ending
            job.gone.set()

    outcome: str | bytes | Exception
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            # As many threads as the callers' quotas allow; the queue decides who works.
            limiter = anyio.CapacityLimiter(math.inf)
            outcome = await to_thread.run_sync(do, job, limiter=limiter)
        except Exception as error:  # raised outside of the group, which would wrap it
            outcome = error
        tasks.cancel_scope.cancel()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _detectors(request: Request, _: str) -> Response:
    query_of(request.query_params.multi_items(), query.NOTHING)
    return JSONResponse(
        [
            {
                "id": entry.id,
                "name": entry.name,
                "summary": entry.summary,
                "ready": entry.ready,
                "licence": entry.licence,
                "commercial": entry.commercial,
            }
            for entry in list_detectors()
        ]
    )


async def _health(*_: object) -> Response:
    return JSONResponse({"status": "ok"})


async def _document(request: Request, _: str) -> Response:
    return JSONResponse(document(request.scope.get("root_path", "")))


async def _page(*_: object) -> Response:
    return HTMLResponse(page())
