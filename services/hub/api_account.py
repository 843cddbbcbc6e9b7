"""Who the client is, and whether a card's front matter will do."""

from typing import Any

import yaml
from aiohttp import web

from services.hub.errors import HubError
from services.hub.handling import HUB, answer, body_of, off_loop, role_of
from services.hub.operations import text_field
from services.hub.shapes import front_matter
from services.hub.state import USER

_TEXT_OR_TEXTS = ("license", "language", "tags", "task_categories", "source_datasets")


async def whoami(request: web.Request) -> web.Response:
    """The account of the token, with the role that decides what it may do."""
    role = role_of(request)
    if role is None:
        raise HubError(401, "Invalid username or password.")
    catalog = request.app[HUB].catalog
    namespaces = await off_loop(lambda: sorted({repo.namespace for repo in catalog.ids()} - {USER}))
    return answer(
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
    """The client asks before it commits a README.md."""
    body = await body_of(request)
    errors, warnings = _judge(text_field(body, "content"))
    said = {
        "errors": [{"message": message} for message in errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return answer(said, 400 if errors else 200)


def _judge(card: str) -> tuple[list[str], list[str]]:
    try:
        data: Any = front_matter(card)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return [f"the front matter is not YAML: {' '.join(str(error).split())}"], []
    if data is None:
        return [], ["empty or missing yaml metadata in repo card"]
    if not isinstance(data, dict):
        return ["the front matter must be a mapping"], []
    errors = [
        f'"{key}" must be a text or a list of texts'
        for key in _TEXT_OR_TEXTS
        if key in data and not _is_text_or_texts(data[key])
    ]
    if not _are_configs(data.get("configs", [])):
        errors.append('"configs" must be a list of mappings with a "config_name"')
    return errors, []


def _is_text_or_texts(value: Any) -> bool:
    many = value if isinstance(value, list) else [value]
    return all(isinstance(one, str) or one is None for one in many)


def _are_configs(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and isinstance(one.get("config_name"), str) for one in value
    )
