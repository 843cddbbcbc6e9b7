"""One audit, from the judges' names to `audit.json`, the report and the pictures."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from builders.audit.frozen import FrozenSet, open_set
from builders.audit.judge import Judge, control_judges
from builders.audit.measure import Panel, measure
from builders.audit.result import (
    RESULT,
    Audit,
    AuditSettings,
    Role,
    audits_of,
    read_audit,
    write_audit,
)
from builders.errors import BadInput
from builders.files.atomic import atomic_file, write_json
from builders.files.documents import read_json
from builders.files.folder import has_files
from builders.files.lock import locked, locked_file
from builders.rows import Row
from cards.audit_report import render_audit_report
from pipelines.asking.asking import Asking, cost_of
from pipelines.asking.session import Progress, Session, require_sense
from pipelines.audit.ask import judge_of_answers, questions, scores_asked
from pipelines.audit.judges import MAX_NEW_TOKENS, AskedModel, Scores, Source, judge_of
from pipelines.audit.leaks import Leaks, leaks_of, own_names
from pipelines.generate.meanwhile import import_meanwhile
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import ExecutionSettings, price_of

REPORT, PICTURE, REQUEST = "audit.md", "assets/audit.png", "request.json"
# Seconds that another audit of the set may take to be measured, and what is said after them.
_MEASURING = 120.0
_BUSY = "another audit of this set (pid {}) is being measured; the same command continues"
_HERE = ExecutionSettings()


@dataclass(frozen=True)
class AuditRequest:
    """What is to be measured, as on the command line."""

    model: str
    set: Path
    against: str | None = None
    judges: Sequence[str] = ()
    repeat: int = 1
    limit: int | None = None
    margin: float = 0.05
    alpha: float = 0.05
    settings: ExecutionSettings = _HERE
    max_new_tokens: int = MAX_NEW_TOKENS
    scores: Scores = "sampled"

    def judge(self, name: str, frozen: FrozenSet) -> Source:
        """The judge of that name, as this request asks it."""
        return judge_of(name, frozen, self.max_new_tokens, self.scores)


def run_audit(
    request: AuditRequest,
    out: Path | None = None,
    *,
    store: CompletionStore | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Audit]:
    """Make the audit in `out` (default: SET/audits/MODEL), or continue it; its folder and result.

    A complete audit of the same request is returned as it is. BadInput if a judge, the set or the
    folder is wrong; RunFailed if an endpoint failed, and the same call continues.
    """
    frozen = open_set(request.set)
    pairs = chosen_pairs(frozen, request.limit)
    judges = judges_of(request, frozen)
    folder = out or frozen.folder / "audits" / _name(judges["model"])
    if not frozen.facts.counts.choices:
        raise BadInput(f"{frozen.folder}: nobody chose anything in this set")
    askings = askings_of(request, pairs, judges, folder)
    require_sense(request.settings, askings)
    facts = _request_facts(request, frozen, judges)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if not _is_same(folder, facts):
            raise BadInput(f"{folder}: holds another audit; choose another --out")
        if (folder / RESULT).is_file():
            return folder, read_audit(folder)
        write_json(folder / REQUEST, facts)
        if askings:
            import_meanwhile("cards.audit_plot", "statsmodels.stats.proportion")
        Session(
            askings,
            request.settings,
            folder,
            store=store,
            stop=stop,
            progress=progress,
            notify=notify,
        ).ask()
        # Imported here: matplotlib takes a second, for which the first request need not wait.
        from cards.audit_plot import plot_audit

        with _turn(folder, frozen):
            audit, judgments = _measured(request, frozen, pairs, judges, askings)
            facts = audit.model_dump(mode="json")
            plot_audit(facts, folder / PICTURE)
            with atomic_file(folder / REPORT) as temporary:
                temporary.write_text(render_audit_report(facts, PICTURE), encoding="utf-8")
            write_audit(folder, audit, judgments)
    return folder, audit


def _turn(folder: Path, frozen: FrozenSet) -> AbstractContextManager[None]:
    """One audit of a set at a time is measured: each is a look of its own, and knows the ones
    before it."""
    looks = frozen.folder / "audits"
    if folder.resolve().parent != looks.resolve():
        return nullcontext()
    return locked_file(looks / ".lock", _BUSY, wait=_MEASURING)


def judges_of(request: AuditRequest, frozen: FrozenSet) -> dict[str, Source]:
    """The model, the one that it is compared with and the control judges, by their roles.

    Scorers that all the ledger's rows have beside the first one are control judges without being
    named.
    """
    names = {"model": request.model}
    if request.against:
        names["against"] = request.against
    names |= {f"control-{number}": name for number, name in enumerate(request.judges, 1)}
    judges = {role: request.judge(name, frozen) for role, name in names.items()}
    _require_expected(request, judges["model"])
    known = {judge.facts.name for judge in judges.values()}
    stored = [
        judge
        for judge in control_judges(frozen)
        if judge.facts.name not in known and len(judge.scores) == len(frozen.pairs)
    ]
    first = len(request.judges) + 1
    return judges | {f"control-{number}": judge for number, judge in enumerate(stored, first)}


def _require_expected(request: AuditRequest, model: Source) -> None:
    """BadInput if expected scores were asked for that there cannot be."""
    if request.scores == "expected" and isinstance(model, Judge):
        problem = f"{request.model} has its scores already; expected ones are asked of a model"
        raise BadInput(f"scores: {problem}")
    if request.repeat > 1 and isinstance(model, AskedModel) and model.scores == "expected":
        raise BadInput("repeat: expected scores are not sampled, and the same each time")


def askings_of(
    request: AuditRequest, pairs: Sequence[Row], judges: Mapping[str, Source], folder: Path
) -> dict[str, Asking]:
    """What each judge without scores is asked, by its role; its answers are kept in `folder`.

    Only the model is asked about a pair twice.
    """
    return {
        role: scores_asked(
            judge,
            questions(pairs, request.repeat if role == "model" else 1),
            folder / "answers" / role,
            price_of(judge.block, request.settings.execution),
        )
        for role, judge in judges.items()
        if isinstance(judge, AskedModel)
    }


def _measured(
    request: AuditRequest,
    frozen: FrozenSet,
    pairs: Sequence[Row],
    judges: Mapping[str, Source],
    askings: Mapping[str, Asking],
) -> tuple[Audit, list[Row]]:
    """The audit of the answers on disk, and its judgments."""
    answers = {role: asking.answers() for role, asking in askings.items()}
    scored = {
        role: judge if isinstance(judge, Judge) else judge_of_answers(judge, answers[role])
        for role, judge in judges.items()
    }
    earlier = audits_of(frozen.folder)
    model = scored["model"]
    compared: list[tuple[Role, Judge]] = []
    if "against" in scored:
        compared.append(("against", scored["against"]))
    if first := _first_audit(earlier, frozen, model, compared):
        compared.append(("first audit", first))
    controls = [judge for role, judge in scored.items() if role.startswith("control")]
    asked = [judges[role] for role in ("model", "against") if role in askings]
    own = judges["model"]
    return measure(
        frozen,
        pairs,
        Panel(model, compared, controls),
        leaks=_with_earlier(leaks_of(asked, frozen) if asked else Leaks(), compared),
        look=len(earlier) + 1,
        made_at=datetime.now(UTC).replace(microsecond=0),
        settings=AuditSettings(margin=request.margin, alpha=request.alpha),
        own_names=own_names(own) if isinstance(own, AskedModel) else [model.facts.name],
        cost=cost_of(answers["model"]) if "model" in answers else {},
    )


def chosen_pairs(frozen: FrozenSet, limit: int | None) -> list[Row]:
    """`limit` pairs of the set, or all, in an order that their ids decide."""
    ordered = sorted(frozen.pairs, key=lambda pair: hashlib.sha256(pair["id"].encode()).digest())
    return ordered[:limit]


def _name(model: Source) -> str:
    name = model.facts.name
    if isinstance(model, AskedModel) and model.scores == "expected":
        name += "-expected"
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip(".") or "model"


def _request_facts(request: AuditRequest, frozen: FrozenSet, judges: Mapping[str, Source]) -> dict:
    """What the result depends on: not how the judges are asked, nor what they may cost."""
    prints = {role: judge.facts.fingerprint for role, judge in judges.items()}
    return {
        "set": frozen.digest,
        "model": prints["model"],
        "against": prints.get("against"),
        "judges": [one for role, one in prints.items() if role.startswith("control")],
        "repeat": request.repeat,
        "limit": request.limit,
        "margin": request.margin,
        "alpha": request.alpha,
    }


def _is_same(folder: Path, facts: dict) -> bool:
    """Whether the folder is new, or holds an audit of this request."""
    path = folder / REQUEST
    if not path.is_file():
        return not has_files(folder)
    return read_json(path) == facts


def _with_earlier(leaks: Leaks, compared: Sequence[tuple[Role, Judge]]) -> Leaks:
    """The leaks, with what the models that are compared were trained on: pairs are the same."""
    return replace(leaks, ids=leaks.ids.union(*(judge.leaked for _, judge in compared)))


def _first_audit(
    earlier: Sequence[tuple[Path, Audit]],
    frozen: FrozenSet,
    model: Judge,
    compared: Sequence[tuple[Role, Judge]],
) -> Judge | None:
    """The judge of the set's first audit, unless it is compared already or is this model."""
    if not earlier:
        return None
    judge = judge_of(str(earlier[0][0]), frozen)
    known = {model.facts.fingerprint, *(one.facts.fingerprint for _, one in compared)}
    return None if not isinstance(judge, Judge) or judge.facts.fingerprint in known else judge
