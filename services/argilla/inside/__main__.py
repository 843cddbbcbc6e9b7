"""`python services/argilla/inside serve|work`: Argilla's web server, or its worker.

The settings are in environment variables, which `services.argilla.server` sets.
"""

import os
import runpy
import socket
import sys
from pathlib import Path


def serve() -> None:
    """Migrate the database, create the owner, then serve on the inherited socket."""
    import alembic.config
    from argilla_server.database import ALEMBIC_CONFIG_FILE, async_engine
    from owner import ensure_owner
    from ranges import ShortRanges
    from text_index import create_text_index
    from write_queue import WriteQueue

    alembic.config.main(argv=["-c", ALEMBIC_CONFIG_FILE, "upgrade", "head"])
    create_text_index(async_engine.url.database)
    import asyncio

    import uvicorn
    from argilla_server import app

    asyncio.run(ensure_owner(os.environ["SRT_OWNER"], os.environ["SRT_OWNER_FILES"]))
    config = uvicorn.Config(
        ShortRanges(WriteQueue(app)),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
        workers=1,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(os.environ["SRT_SOCKET"]))])


def work() -> None:
    """Run the jobs that the server enqueues, each in a forked process, until SIGTERM."""
    import argilla_server.jobs  # noqa: F401 - once here instead of in every job
    from argilla_server.jobs.queues import DEFAULT_QUEUE, HIGH_QUEUE, REDIS_CONNECTION
    from rq import Worker

    # Loaded by path, because its folder must not be on Python's path: it has an `argilla` too.
    leash = runpy.run_path(str(Path(__file__).parents[2] / "leash.py"))["leash"]
    worker = os.getpid()
    os.register_at_fork(after_in_child=lambda: leash(worker) if os.getppid() == worker else None)
    Worker([HIGH_QUEUE, DEFAULT_QUEUE], connection=REDIS_CONNECTION).work(
        logging_level="WARNING", with_scheduler=True
    )


if __name__ == "__main__":
    import sqlite_engine  # noqa: F401 - registers itself
    from patches import patch

    patch()
    {"serve": serve, "work": work}[sys.argv[1]]()
