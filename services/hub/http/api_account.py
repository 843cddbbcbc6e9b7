"""The client's account, and validation of a card's front matter."""

from typing import Any

from aiohttp import web

from cards.front_matter import MAX_CHARS, FrontMatterError, front_matter
from cards.metadata import metadata_problems
from services.hub.errors import HubError
from services.hub.fields import text_field
from services.hub.http.handling import HUB, body_of, in_turn, json_response, off_loop, role_of
from services.hub.storage.state import USER

# The client sends no token with some cards, so that anyone can ask about a short one.
_WITHOUT_TOKEN_CHARS = MAX_CHARS // 10
_STRING_OR_LIST = ("license", "language", "tags", "task_categories", "source_datasets")


async def whoami(request: web.Request) -> web.Response:
    """GET /api/whoami-v2: the account and role of the token."""
    role = role_of(request)
    if role is None:
        raise HubError(401, "Invalid username or password.")
    catalog = request.app[HUB].catalog
    namespaces = await off_loop(lambda: sorted({repo.namespace for repo in catalog.ids()} - {USER}))
    return json_response(
        {
            "type": "user",
            "id": "0" * 24,
            "name": USER,
            "fullname": "Embedded Hub",
            "isPro": False,
            "orgs": [
                {"type": "org", "name": name, "fullname": name, "roleInOrg": role}
                for name in namespaces
            ],
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": f"{role} token", "role": role},
            },
        }
    )


async def validate_yaml(request: web.Request) -> web.Response:
    """POST /api/validate-yaml, which the client calls before it commits a README.md."""
    body = await body_of(request)
    longest = _WITHOUT_TOKEN_CHARS if role_of(request) is None else MAX_CHARS
    errors, warnings = await in_turn(request, _check_card, text_field(body, "content"), longest)
    report = {
        "errors": [{"message": message} for message in errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return json_response(report, 400 if errors else 200)


def _check_card(card: str, longest: int) -> tuple[list[str], list[str]]:
    """(errors, warnings) about the card's front matter, of at most so many characters."""
    try:
        data: Any = front_matter(card, longest)
    except FrontMatterError as error:
        return [f"the front matter cannot be read: {error}"], []
    if data is None:
        return [], ["empty or missing yaml metadata in repo card"]
    if not isinstance(data, dict):
        return ["the front matter must be a mapping"], []
    errors = [
        f'"{key}" must be a string or a list of strings'
        for key in _STRING_OR_LIST
        if key in data and not _is_string_or_list(data[key])
    ]
    if not _are_configs(data.get("configs", [])):
        errors.append('"configs" must be a list of mappings with a "config_name"')
    # A value of the wrong type was named above.
    return [*errors, *(metadata_problems(data) if not errors else ())], []


def _is_string_or_list(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str) or item is None for item in items)


def _are_configs(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and isinstance(item.get("config_name"), str) for item in value
    )
