"""An Argilla server as the code of schema 1.1 left it, put back through REST from argilla.json."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.argilla import RunningArgilla, ask

LEFT = json.loads((Path(__file__).parent / "argilla.json").read_text(encoding="utf-8"))


class Left:
    """The review's workspace, its people and its datasets, on a server that may have had them.

    `without` are external ids of records that somebody has deleted there.
    """

    def __init__(self, argilla: RunningArgilla, without: Collection[str] = ()) -> None:
        self.argilla = argilla
        spaces = self._owner("GET", "me/workspaces")["items"]
        ids = {space["name"]: space["id"] for space in spaces}
        name = LEFT["workspace"]
        self.workspace = ids.get(name) or self._owner("POST", "workspaces", name=name)["id"]
        self.keys = self._people()
        self.delete()
        # The server's ids of records, by their external ids.
        self.records: dict[str, str] = {}
        for dataset in LEFT["datasets"]:
            self._dataset(dataset, without)

    def delete(self) -> None:
        """Delete the datasets of the workspace."""
        for dataset in self._owner("GET", "me/datasets")["items"]:
            if dataset["workspace_id"] == self.workspace:
                self._owner("DELETE", f"datasets/{dataset['id']}")

    def _owner(self, method: str, path: str, **body: Any) -> Any:
        answer = ask(
            self.argilla.url, self.argilla.api_key, method, path, **({"json": body} if body else {})
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def _people(self) -> dict[str, str]:
        """The API key of everybody, by name."""
        known = {user["username"]: user for user in self._owner("GET", "users")["items"]}
        for name in LEFT["users"]:
            if name not in known:
                account = {"username": name, "first_name": name, "role": "annotator"}
                known[name] = self._owner("POST", "users", **account, password="p" * 12)
        there = self._owner("GET", f"workspaces/{self.workspace}/users")["items"]
        members = {user["username"] for user in there}
        for name in LEFT["users"]:
            if name not in members:
                self._owner("POST", f"workspaces/{self.workspace}/users", user_id=known[name]["id"])
        return {name: known[name]["api_key"] for name in LEFT["users"]}

    def _dataset(self, dataset: dict[str, Any], without: Collection[str]) -> None:
        described = {key: dataset[key] for key in ("name", "guidelines", "distribution")}
        made = self._owner("POST", "datasets", **described, workspace_id=self.workspace)
        path = f"datasets/{made['id']}"
        for kind in ("fields", "questions", "metadata-properties"):
            for one in dataset[kind]:
                self._owner("POST", f"{path}/{kind}", **one)
        self._owner("PUT", f"{path}/publish")
        records = [one for one in dataset["records"] if one["external_id"] not in without]
        self._owner("PUT", f"{path}/records/bulk", items=records)
        for record in self._owner("GET", f"{path}/records?limit=100")["items"]:
            self.records[record["external_id"]] = record["id"]

    def answer(self) -> None:
        """People answer what they answered then, in that order."""
        for response in LEFT["responses"]:
            if (record := self.records.get(response["external_id"])) is None:
                continue
            body = {"status": response["status"], "values": response["values"]}
            key = self.keys[response["user"]]
            answer = ask(self.argilla.url, key, "POST", f"records/{record}/responses", json=body)
            assert answer.status_code == 201, answer.text
