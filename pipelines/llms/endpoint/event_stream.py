"""A stream of server-sent events, from an endpoint that was not asked for one."""

import orjson


def is_event_stream(body: bytes) -> bool:
    return body.lstrip()[:6].startswith((b"data:", b"event:", b": "))


def read_event_stream(body: bytes) -> bytes:
    """The JSON of the chat completion that the events of a stream make up.

    What is no event of a completion, such as an error, is returned as it is if it comes alone.
    """
    choices: dict[int, dict] = {}
    usage, last = None, b""
    for line in body.splitlines():
        if not line.startswith(b"data:"):
            continue
        text = line.removeprefix(b"data:").strip()
        try:
            event = orjson.loads(text)
        except ValueError:
            continue
        if not isinstance(event, dict):
            continue
        last = text
        usage = event.get("usage") or usage
        if event.get("error"):
            return text
        found = event.get("choices")
        for choice in found if isinstance(found, list) else ():
            if isinstance(choice, dict):
                _add(choices, choice)
    if not choices:
        return last
    return orjson.dumps({"choices": list(choices.values()), "usage": usage})


def _add(choices: dict[int, dict], choice: dict) -> None:
    """Append the text of an event's choice to what came before of it."""
    index = choice.get("index")
    whole = choices.setdefault(
        index if isinstance(index, int) else 0, {"message": {}, "finish_reason": None}
    )
    whole["finish_reason"] = choice.get("finish_reason") or whole["finish_reason"]
    delta = choice.get("delta") or choice.get("message")
    for name, value in delta.items() if isinstance(delta, dict) else ():
        if isinstance(value, str):
            whole["message"][name] = whole["message"].get(name, "") + value
