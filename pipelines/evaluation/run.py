"""One evaluation, from the names of its models to `evaluate.json`, the report and the picture."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.evaluation.annotations import Judgments
from builders.evaluation.existing import Controls
from builders.evaluation.folder import write_folder
from builders.evaluation.measure import Facts, measure
from builders.evaluation.outputs import write_outputs
from builders.evaluation.pairs import write_pairs
from builders.evaluation.result import Benchmark, Evaluation, Instructions, Who
from builders.evaluation.review import read_review
from builders.files.atomic import write_json
from builders.files.documents import read_json
from builders.files.folder import has_files
from builders.files.lock import locked
from builders.rows import Row
from pipelines.asking.asking import Asking, cost_of
from pipelines.asking.session import Progress, Session, require_sense
from pipelines.audit.judges import AskedModel
from pipelines.audit.lineage import TRAINING
from pipelines.evaluation.answers import answers_asked
from pipelines.evaluation.compare import (
    CHECKER,
    Compared,
    Pair,
    compared,
    comparison_sha256,
    judging,
)
from pipelines.evaluation.material import Material, is_answers, read_material
from pipelines.evaluation.models import model_of
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import ExecutionSettings, price_of

REQUEST = "request.json"
MAX_NEW_TOKENS = 512
_HERE = ExecutionSettings()

Answerer = AskedModel | Material


@dataclass(frozen=True)
class EvaluationRequest:
    """What is to be measured, as on the command line; `people` is a review of the evaluation."""

    model: str
    reference: str
    judge: str
    instructions: Path | None = None
    limit: int | None = None
    max_new_tokens: int = MAX_NEW_TOKENS
    controls: Controls = field(default_factory=Controls)
    answers_out: Path | None = None
    people: Path | None = None
    benchmark: Benchmark | None = None
    settings: ExecutionSettings = _HERE
    seed: int = 0


@dataclass(frozen=True)
class Plan:
    """A request with everything opened; `facts` tell it from another one of the same folder."""

    model: Answerer
    reference: Answerer
    judge: AskedModel | str
    material: Material
    facts: Mapping[str, Any]
    request: EvaluationRequest

    def askings(self, folder: Path) -> dict[str, Asking]:
        """Who is asked, by role: the judge about no pairs yet, as their answers are not known."""
        found, rows = {}, self.material.rows
        for role, one in (("model", self.model), ("reference", self.reference)):
            if isinstance(one, AskedModel):
                at, refine = folder / "answers" / role, role == "model"
                found[role] = answers_asked(one, rows, at, refine=refine, **self._how(one))
        if isinstance(self.judge, AskedModel):
            found["judge"] = self.judging([], folder)
        return found

    def judging(self, pairs: Sequence[Pair], folder: Path) -> Asking:
        return judging(self.judge, pairs, folder / "replies", **self._how(self.judge))

    def _how(self, model: AskedModel) -> dict[str, Any]:
        execution = self.request.settings.execution
        return {"seed": self.request.seed, "price": price_of(model.block, execution)}


def plan_of(request: EvaluationRequest) -> Plan:
    """The models and files of a request; BadInput if one is wrong."""
    model = _answerer(request.model, request)
    reference = _answerer(request.reference, request)
    if request.instructions is not None:
        material = read_material(request.instructions, request.limit)
    elif isinstance(model, Material):
        material = read_material(Path(request.model), request.limit)
    else:
        raise BadInput("--instructions: name the file of instructions that the model answers")
    judge = CHECKER if request.judge == CHECKER else _asked(request.judge, request)
    if judge == CHECKER and not all(row["task"] for row in material.rows):
        raise BadInput(
            f"--judge {CHECKER}: the checker knows the answers of verifiable problems only; "
            f"{material.name} has others"
        )
    for name, one in (("MODEL", model), ("--reference", reference)):
        if isinstance(one, Material):
            _require_answers(name, one, material)
    facts = {
        "model": _fingerprint(model),
        "reference": _fingerprint(reference),
        "judge": judge if judge == CHECKER else [_fingerprint(judge), comparison_sha256(judge)],
        "instructions": material.digest,
        "limit": request.limit,
        "seed": request.seed,
    }
    return Plan(model, reference, judge, material, facts, request)


def run_evaluation(
    request: EvaluationRequest,
    folder: Path,
    *,
    store: CompletionStore | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Make the evaluation in `folder`, or continue it; a complete one is measured again.

    Calls that failed are tried again then. BadInput if a model, a file or the folder is wrong;
    RunFailed if the budget is used up, an endpoint failed or a batch is in progress, and the same
    call continues.
    """
    plan = plan_of(request)
    askings = plan.askings(folder)
    require_sense(request.settings, askings, "model")
    path = folder / REQUEST
    if folder.exists() and not path.is_file() and has_files(folder):
        raise BadInput(f"{folder}: has something else than an evaluation; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if path.is_file() and read_json(path) != plan.facts:
            raise BadInput(f"{folder}: holds another evaluation; choose another --out")
        write_json(path, plan.facts)
        session = Session(
            askings,
            request.settings,
            folder,
            store=store,
            stop=stop,
            progress=progress,
            notify=notify,
        )
        session.ask({role: one for role, one in askings.items() if role != "judge"})
        texts = _texts(plan, askings)
        pairs = list(_pairs(plan.material.rows, texts))
        if not pairs:
            raise BadInput(f"{folder}: no instruction has an answer of both")
        asked = plan.judging(pairs, folder) if "judge" in askings else None
        if asked is not None:
            session.ask({"judge": asked})
        verdicts = compared(plan.judge, pairs, asked)
        write_pairs(folder, map(vars, pairs))
        judgments = _judgments(pairs, verdicts)
        difficulties, anchors = request.controls.read(judgments)
        evaluation = measure(
            judgments.rows,
            replace(_facts(plan, texts, verdicts), benchmark=request.benchmark),
            difficulties=difficulties,
            anchors=anchors,
            verdicts=read_review(request.people, folder) if request.people else None,
        )
        if request.answers_out is not None:
            name, source = _name(plan.model), plan.material.name
            write_outputs(request.answers_out, name, source, plan.material.rows, texts.parts)
        write_folder(folder, evaluation, judgments.rows)
    return evaluation


@dataclass(frozen=True)
class Texts:
    """Answers by item: of the model by part, and of the reference; `missing` had no answer.

    `unrefined` drafts stand for refinements, because their critique could not be read. `cost` is by
    who was asked.
    """

    parts: Mapping[str, Mapping[str, str]]
    reference: Mapping[str, str]
    missing: int = 0
    unrefined: int = 0
    cost: Mapping[str, Any] = field(default_factory=dict)


def _answerer(text: str, request: EvaluationRequest) -> Answerer:
    path = Path(text).expanduser()
    return read_material(path) if is_answers(path) else _asked(text, request)


def _asked(text: str, request: EvaluationRequest) -> AskedModel:
    return model_of(text, request.max_new_tokens)


def _require_answers(name: str, answers: Material, material: Material) -> None:
    """BadInput unless a file or run has an answer to each instruction."""
    missing = [row for row in material.rows if row["item"] not in answers.drafts]
    if missing:
        text = " ".join(missing[0]["instruction"].split())[:60]
        raise BadInput(
            f"{name}: {answers.name} has no answer to {len(missing):,} of "
            f"{len(material.rows):,} instructions, “{text}” among them"
        )


def _fingerprint(one: Answerer) -> str:
    return one.digest if isinstance(one, Material) else one.facts.fingerprint


def _weights(model: AskedModel) -> str | None:
    return getattr(model.block, "training_sha256", None)


def _trained_on(model: AskedModel) -> str | None:
    """The release that a checkpoint of this project was trained on, NAME@VERSION."""
    if model.folder is None:
        return None
    release = read_json(model.folder / TRAINING).get("release") or {}
    return (
        f"{release['name']}@{release['version']}" if {"name", "version"} <= release.keys() else None
    )


def _name(one: Answerer) -> str:
    return one.writer or one.name if isinstance(one, Material) else one.name


def _texts(plan: Plan, askings: Mapping[str, Asking]) -> Texts:
    """The answers of both sides, from files or from those that were asked for."""
    model, reference = plan.model, plan.reference
    items = [row["item"] for row in plan.material.rows]
    found = {role: askings[role].answers() for role in ("model", "reference") if role in askings}
    if isinstance(model, Material):
        drafts = {item: model.drafts[item] for item in items}
        parts: dict[str, dict[str, str]] = {"answer": drafts}
        if model.refinements:
            refinements = {item: model.refinements.get(item, drafts[item]) for item in items}
            parts = {"draft": drafts, "refinement": refinements}
        unrefined = sum(item not in model.refinements for item in items) * (len(parts) - 1)
    else:
        answered = [row for row in found["model"] if row["draft"] is not None]
        drafts = {row["item"]: row["draft"] for row in answered}
        refinements = {
            row["item"]: row["draft"] if row["refinement"] is None else row["refinement"]
            for row in answered
        }
        parts = {"draft": drafts, "refinement": refinements}
        unrefined = sum(row["refinement"] is None for row in answered)
    if isinstance(reference, Material):
        others = {item: reference.drafts[item] for item in items}
    else:
        texts = ((row["item"], row["draft"]) for row in found["reference"])
        others = {item: draft for item, draft in texts if draft is not None}
    missing = sum(item not in drafts or item not in others for item in items)
    cost = {role: cost_of(rows) for role, rows in found.items()}
    return Texts(parts, others, missing, unrefined, cost)


def _pairs(rows: Sequence[Row], texts: Texts) -> Iterator[Pair]:
    for part, own in texts.parts.items():
        for row in rows:
            item = row["item"]
            if item in own and item in texts.reference:
                conversation = {key: row[key] for key in row if key != "item"}
                yield Pair(item, part, conversation, own[item], texts.reference[item])


def _judgments(pairs: Sequence[Pair], verdicts: Compared) -> Judgments:
    rows, instructions, indices = [], {}, {}
    for pair in pairs:
        first, second = verdicts.preferences[pair.item, pair.part]
        both = first is not None and second is not None
        rows.append(
            {
                "item": pair.item,
                "part": pair.part,
                "characters": len(pair.answer),
                "reference_characters": len(pair.reference),
                "shown_first": first if verdicts.orders else None,
                "shown_second": second if verdicts.orders else None,
                "preference": (first + second) / 2 if both else None,
            }
        )
        instructions[pair.item] = pair.conversation["instruction"]
        indices.setdefault(pair.item, len(indices))
    return Judgments(rows, instructions, indices=indices)


def _facts(plan: Plan, texts: Texts, verdicts: Compared) -> Facts:
    material, notes = plan.material, []
    if texts.missing:
        notes.append(
            f"{texts.missing:,} of {len(material.rows):,} instructions got no answer from an "
            "endpoint, and count for nothing."
        )
    if texts.unrefined:
        notes.append(
            f"{texts.unrefined:,} of {len(material.rows):,} critiques could not be read; the "
            "draft stands for the refinement there."
        )
    if plan.judge == CHECKER:
        judge = Who(name="the checker, a program that knows the right answers")
    elif plan.judge.trained:
        judge = Who(
            name=f"{plan.judge.name}, which scores each answer alone",
            fingerprint=plan.judge.facts.fingerprint,
        )
    else:
        judge = Who(name=plan.judge.name, fingerprint=plan.judge.facts.fingerprint)
    return Facts(
        model=Who(
            name=_name(plan.model),
            weights=None if isinstance(plan.model, Material) else _weights(plan.model),
            trained_on=None if isinstance(plan.model, Material) else _trained_on(plan.model),
            fingerprint=_fingerprint(plan.model),
        ),
        reference=Who(name=_name(plan.reference), fingerprint=_fingerprint(plan.reference)),
        judge=judge,
        instructions=Instructions(
            name=material.name, digest=material.digest, count=len(material.rows)
        ),
        made_at=datetime.now(UTC).replace(microsecond=0),
        unreadable=verdicts.unreadable,
        notes=notes,
        cost={**texts.cost, **({"judge": verdicts.cost} if verdicts.cost else {})},
    )
