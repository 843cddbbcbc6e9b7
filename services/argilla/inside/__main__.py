"""`python services/argilla/inside serve|work`: Argilla's web server, or its worker.

The settings come in the environment, as `services.argilla.server` puts them there.
"""

import os
import socket
import sys


def serve() -> None:
    """Migrate the database, make the owner, then serve on the socket that is handed down."""
    import alembic.config
    from argilla_server.database import ALEMBIC_CONFIG_FILE, async_engine
    from owner import ensure_owner
    from text_index import create_text_index
    from turns import Turns

    alembic.config.main(argv=["-c", ALEMBIC_CONFIG_FILE, "upgrade", "head"])
    create_text_index(async_engine.url.database)
    import asyncio

    import uvicorn
    from argilla_server import app

    asyncio.run(ensure_owner(os.environ["SRT_OWNER"], os.environ["SRT_OWNER_FILES"]))
    config = uvicorn.Config(
        Turns(app), access_log=False, log_level="warning", timeout_graceful_shutdown=3, workers=1
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(os.environ["SRT_SOCKET"]))])


def work() -> None:
    """Do the jobs that the server enqueues, each in a process of its own, until SIGTERM."""
    import argilla_server.jobs  # noqa: F401 - once here, not again in every job
    from argilla_server.jobs.queues import DEFAULT_QUEUE, HIGH_QUEUE, REDIS_CONNECTION
    from leash import leash
    from rq import Worker

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
