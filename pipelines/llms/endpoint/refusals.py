"""Replies that stop a run, because every other request would get the same one."""

from builders.errors import BadInput, RunFailed, SrtError
from pipelines.llms.endpoint.address import Endpoint
from pipelines.llms.endpoint.chat_body import ChatBody
from pipelines.llms.endpoint.http_replies import RejectedRequest


def stopping_error(
    endpoint: Endpoint, rejected: RejectedRequest, missing: str, body: ChatBody | None = None
) -> SrtError | None:
    """The error that ends the run, or None if the rejection concerns one request only.

    `missing` says what an endpoint lacks that answers 404. `body` is that of the request, if it was
    one for a chat completion.
    """
    status, message = rejected.status, endpoint.printable(rejected.message)
    if status in (401, 403):
        if endpoint.key_env is None:
            return BadInput(f"{endpoint} needs a key, set api_key_env ({status}): {message}")
        return BadInput(f"{endpoint} refused the key in ${endpoint.key_env} ({status}): {message}")
    if status == 402:
        return RunFailed(f"{endpoint}: payment required (402): {message}")
    if status in (404, 405, 410, 501):
        return BadInput(f"{endpoint}: {missing} ({status}): {message}")
    if 300 <= status < 400:
        return BadInput(f"{endpoint} redirects to {message} ({status}): set base_url to it")
    if body and (key := body.refused_key(rejected)):
        return BadInput(f"{endpoint} refuses this value of {key} ({status}): {message}")
    if "unsupported_" in rejected.code:
        return BadInput(f"{endpoint} refuses a setting of the recipe ({status}): {message}")
    return None
