"""Patches that make Argilla do repeated work once, without changing its responses."""

from argilla_server.contexts.webhooks import list_enabled_webhooks
from argilla_server.models import database
from argilla_server.validators import records as validators
from argilla_server.webhooks.v1 import records, responses


def patch() -> None:
    database.TypeAdapter = built_once(database.TypeAdapter)
    # Other modules have imported these by name already, so only the notify functions in the same
    # module see the patch. That is intended: deleting needs what the original loads.
    records.build_record_event = if_subscribed(records.build_record_event)
    responses.build_response_event = if_subscribed(responses.build_response_event)
    validators.Record = UnsavedRecord


def built_once(build):
    """Cache validators: Argilla rebuilds them on each access to a question's settings."""
    built = {}

    def adapter(kind):
        # By identity: the types are two constants of the module, which may not be hashable.
        if id(kind) not in built:
            built[id(kind)] = build(kind)
        return built[id(kind)]

    return adapter


def if_subscribed(build):
    """Build webhook events only if there are webhooks, which is checked once per request.

    Argilla builds an event for every written record, with six queries, and then looks for webhooks.
    """

    async def event(db, *about):
        if "srt_has_webhooks" not in db.info:
            db.info["srt_has_webhooks"] = bool(await list_enabled_webhooks(db))
        return await build(db, *about) if db.info["srt_has_webhooks"] else _NoEvent()

    return event


class UnsavedRecord:
    """A record that only serves to validate input.

    Argilla uses its database model, which SQLAlchemy appends to the dataset's records: each new
    one iterates over those before it.
    """

    def __init__(self, fields, dataset) -> None:
        self.fields, self.dataset = fields, dataset


class _NoEvent:
    """An event without subscribers."""

    async def notify(self, db) -> list:  # noqa: ARG002 - Argilla's signature
        return []
