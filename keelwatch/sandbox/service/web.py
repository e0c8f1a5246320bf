"""How our processes serve HTTP: one uvicorn worker on a loopback port, quiet."""

from __future__ import annotations

from starlette.types import ASGIApp

KEEP_ALIVE_SECONDS = 75


def serve(app: ASGIApp, port: int) -> None:
    """Returns when the process was asked to end. Idle connections outlive the edge's, which then never
    meets one that was just closed."""
    import uvicorn

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        http="h11",
        loop="asyncio",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
