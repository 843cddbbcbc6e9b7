"""What Argilla does over and over, done once; what it answers stays the same."""

from argilla_server.contexts.webhooks import list_enabled_webhooks
from argilla_server.models import database
from argilla_server.validators import records as validators
from argilla_server.webhooks.v1 import records, responses


def patch() -> None:
    database.TypeAdapter = built_once(database.TypeAdapter)
    # By now all other modules have these under names of their own. Only the notifying functions
    # beside them look here; to delete needs what the original loads.
    records.build_record_event = if_heard(records.build_record_event)
    responses.build_response_event = if_heard(responses.build_response_event)
    validators.Record = Unsaved


def built_once(build):
    """Argilla builds the same validator anew at every access of a question's settings."""
    built = {}

    def adapter(kind):
        # By identity: the types are two of the module's constants, and need not be hashable.
        if id(kind) not in built:
            built[id(kind)] = build(kind)
        return built[id(kind)]

    return adapter


def if_heard(build):
    """For every record that is written Argilla makes an event, with six queries, and then looks
    for a webhook that wants it. Here it looks first, once in a request.
    """

    async def event(db, *about):
        if "srt_heard" not in db.info:
            db.info["srt_heard"] = bool(await list_enabled_webhooks(db))
        return await build(db, *about) if db.info["srt_heard"] else _Unheard()

    return event


class Unsaved:
    """A record that is only looked at, to validate what is to be put in.

    Argilla makes one of the database's own, which hangs itself on the dataset: each further one
    walks over those before it.
    """

    def __init__(self, fields, dataset) -> None:
        self.fields, self.dataset = fields, dataset


class _Unheard:
    """An event that nobody waits for."""

    async def notify(self, db) -> list:  # noqa: ARG002 - Argilla's signature
        return []
