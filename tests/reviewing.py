"""Annotators who answer reviews on a real Argilla server, for tests."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from builders.review.folder import Review, open_review
from builders.review.record import letters
from pipelines.cli.review.pull import pull
from pipelines.cli.review.push import push
from tests.argilla import RunningArgilla, ask, submit

_PAGE = 50


class Reviewing:
    """A pushed review as its annotators see it."""

    def __init__(self, argilla: RunningArgilla, review: Review) -> None:
        self.argilla, self.review = argilla, review
        self.drawn = {row["record"]: row for row in review.drawn()}
        self.of_row = {row["id"]: row for row in self.drawn.values()}
        self.keys = api_keys(argilla)
        datasets = self.owner("GET", "me/datasets")["items"]
        ids = {dataset["name"]: dataset["id"] for dataset in datasets}
        self.datasets = {part: ids[name] for part, name in review.facts.datasets if name}

    def owner(self, method: str, path: str, **body: Any) -> Any:
        answer = ask(self.argilla.url, self.argilla.api_key, method, path, **body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def pages(self, name: str, part: str = "sample") -> dict[str, dict[str, Any]]:
        """The records of an annotator's page by the review's keys, with all that it can request."""
        path = f"me/datasets/{self.datasets[part]}/records/search"
        include = {"include": ["responses", "suggestions"], "limit": _PAGE}
        answer = ask(self.argilla.url, self.keys[name], "POST", path, params=include, json={})
        assert answer.status_code == 200, answer.text
        listed = answer.json()
        assert listed["total"] <= _PAGE
        return {item["record"]["external_id"]: item["record"] for item in listed["items"]}

    def answer(
        self,
        name: str,
        page: Mapping[str, Any],
        answers: Mapping[str, Any],
        status: str = "submitted",
    ) -> str:
        """Submit an annotator's answers to a page, given as columns of a verdict."""
        order = self.drawn[page["external_id"]]["order"]
        values = page_values(answers, order)
        return submit(self.argilla.url, self.keys[name], page["id"], values, status)

    def answer_all(
        self, name: str, answers: Mapping[str, Mapping[str, Any]], part: str = "sample"
    ) -> None:
        """Answer every page whose row has answers; these are by the row's id."""
        for key, page in self.pages(name, part).items():
            if (row_id := self.drawn[key]["id"]) in answers:
                self.answer(name, page, answers[row_id])


def api_keys(argilla: RunningArgilla) -> dict[str, str]:
    users = ask(argilla.url, argilla.api_key, "GET", "users").json()["items"]
    return {user["username"]: user["api_key"] for user in users}


def page_values(answers: Mapping[str, Any], order: str) -> dict[str, Any]:
    """Verdict columns as values of the page's questions; the opposite of `answers_of`."""
    letter = letters(order)
    words = {True: "yes", False: "no"}
    values: dict[str, Any] = {}
    for column, value in answers.items():
        if column == "better":
            values["better"] = letter.get(value, value)
        elif column.endswith("_score"):
            values[f"score_{letter[column.removesuffix('_score')].lower()}"] = value
        else:
            values[column] = words[value] if isinstance(value, bool) else value
    return values


def full_answer(better: str, draft: int, refinement: int, **other: Any) -> dict[str, Any]:
    """A complete answer."""
    return {
        "better": better,
        "draft_score": draft,
        "refinement_score": refinement,
        "weaknesses_real": "all",
        "suggestions_actionable": True,
        "refinement_introduces_error": False,
        **other,
    }


def people_file(folder, names: Iterable[str], workspace: str):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "people.yaml"
    lines = [f"workspace: {workspace}", "annotators:", *(f"  - {name}" for name in names)]
    path.write_text("\n".join(lines) + "\n")
    return path


def pushed(argilla: RunningArgilla, source, capsys, **options) -> tuple[Reviewing, dict[str, Any]]:
    """The review that `srt review push SOURCE --json` creates, and what it prints."""
    push(source, as_json=True, **options)
    result = json.loads(capsys.readouterr().out)
    return Reviewing(argilla, open_review(Path(result["review"]))), result


def pulled(reviewing: Reviewing, capsys) -> dict[str, Any]:
    """What `srt review pull REVIEW --json` prints."""
    pull(reviewing.review.folder, as_json=True)
    return json.loads(capsys.readouterr().out)
