"""What a training run is told: a recipe file, keys on the command line over it, and the machine.

`python train/stage1.py RECIPE.yaml [--key value ...]`. A key is one of ours, of TRL's config or
of TRL's ModelConfig; any other ends the run, named. Device and precision are the machine's.
"""

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

import yaml

from builders.errors import BadInput, SrtError
from train.publication import publication

# What TRL would take from a recipe and is not a recipe's to say, and why.
_MACHINE = "device and precision are the machine's to say"
_REFUSED = {
    **dict.fromkeys(("use_cpu", "bf16", "fp16", "bf16_full_eval", "fp16_full_eval"), _MACHINE),
    **dict.fromkeys(("tf32", "dtype"), _MACHINE),
    "hub_token": "a token is no recipe's to hold; `hf auth login` stores it, HF_TOKEN gives it",
    "hub_strategy": "the finished model is published, once",
    "hub_always_push": "the finished model is published, once",
    "hub_revision": "a tag is given by hub_tag",
    # TRL would read it after the rows have been tokenised.
    "chat_template_path": "the key is chat_template here",
}
# Of TRL's DPO, which looks at the name when it computes the first one.
LOSSES = (
    *("sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair"),
    *("sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down", "discopop", "sft"),
)
_HABITS = {
    # By default the trainer writes the last finite loss in the place of one that is not.
    "logging_nan_inf_filter": False,
    "disable_tqdm": not sys.stderr.isatty(),
}


@dataclass
class ReleaseArguments:
    """Which rows to train on."""

    release: str = field(metadata={"help": "a release folder, or ORG/NAME on the Hub"})
    revision: str | None = field(
        default=None, metadata={"help": "tag or commit on the Hub; give one"}
    )
    dataset_config: str = field(
        default="sft", metadata={"help": "the release's config, such as sft-draft-masked"}
    )
    chat_template: str | None = field(
        default=None, metadata={"help": "a Jinja file, for a base model without chat template"}
    )
    hub_tag: str | None = field(
        default=None, metadata={"help": "with push_to_hub, the tag of what is published"}
    )


@dataclass
class PairArguments(ReleaseArguments):
    """The same, of a stage-2 release."""

    dataset_config: str = field(
        default="preferences", metadata={"help": "preferences or preferences-length-matched"}
    )


@dataclass(frozen=True)
class Asked:
    """A recipe with the command line's keys over it, as they were given."""

    recipe: Path
    values: dict[str, Any]


def read_command_line(argv: list[str], about: str) -> Asked:
    """The recipe and overrides of a command line; prints `about` and exits for --help."""
    if not argv or argv[0] in ("-h", "--help"):
        print(about.strip())
        sys.exit(0)
    path = Path(argv[0])
    if argv[0].startswith("-"):
        raise BadInput(f"{argv[0]}: the recipe file comes first")
    values = {**_read(path), **_overrides(argv[1:])}
    release = Path(str(values.get("release"))).expanduser()
    if release.is_dir():
        # A run goes on from wherever it is called, and stage 2 looks up what stage 1 was shown.
        values["release"] = str(release.resolve())
    return Asked(path, values)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such recipe") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: not a YAML file ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: a recipe is a mapping of keys to values")
    return values


def _overrides(words: list[str]) -> dict[str, Any]:
    """`--key value` and `--key=value`; a key alone is true."""
    values: dict[str, Any] = {}
    position = 0
    while position < len(words):
        key, equals, value = words[position].partition("=")
        position += 1
        if not key.startswith("--"):
            raise BadInput(f"{key}: keys are given as --key value")
        if not equals:
            follows = position < len(words) and not words[position].startswith("--")
            value = words[position] if follows else "true"
            position += follows
        try:
            values[key[2:].replace("-", "_")] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise BadInput(f"{key}: {value!r} is not a YAML value") from None
    return values


def parse(asked: Asked, *classes: type) -> tuple[Any, ...]:
    """One object of each dataclass, filled from what was asked for and from the machine.

    BadInput names a key that none of them has, that the machine decides, or whose value is
    wrong.
    """
    from trl import TrlParser

    class Parser(TrlParser):
        def error(self, message: str) -> NoReturn:
            raise BadInput(f"{asked.recipe}: {message}")

    known = {one.name: one for each in classes for one in fields(each) if one.init}
    # Not the fields' own, which transformers rewrites.
    types = {key: of for each in classes for key, of in get_type_hints(each).items()}
    for key, value in asked.values.items():
        if key in _REFUSED:
            raise BadInput(f"{asked.recipe}: {key}: {_REFUSED[key]}")
        if key not in known:
            near = difflib.get_close_matches(str(key), sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadInput(f"{asked.recipe}: unknown key {key!r}{hint}")
        if isinstance(value, list) and "list" not in str(types[key]).lower():
            raise BadInput(f"{asked.recipe}: {key}: one value is wanted, not a list")
    try:
        publication(asked.values)
    except BadInput as error:
        raise BadInput(f"{asked.recipe}: {error}") from None

    # The trainer's own pushing stays off: `train.publication` has what is asked for.
    values = {**_HABITS, **asked.values, "push_to_hub": False, **_machine()}
    # Words go through the parser's own checks. What no word can say is put there as it is.
    words = [
        f"--{key}={_word(value, types[key])}"
        for key, value in values.items()
        if value is not None and not isinstance(value, dict | list)
    ]
    parser = Parser(classes)
    parser.set_defaults_with_config(
        **{
            key: value
            for key, value in values.items()
            if isinstance(value, dict | list) or (value is None and not _is_required(known[key]))
        }
    )
    try:
        return parser.parse_args_into_dataclasses(args=words, look_for_args_file=False)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{asked.recipe}: {reason}") from None


@contextmanager
def told_by(recipe: Path) -> Iterator[None]:
    """BadInput for values that TRL finds do not go together; it looks when a trainer is made."""
    try:
        yield
    except ValueError as error:
        raise BadInput(f"{recipe}: {str(error).splitlines()[0]}") from None


def check_losses(recipe: Path, names: Iterable[str]) -> None:
    """Raise BadInput unless each is a loss of TRL's DPO."""
    for name in names:
        if name not in LOSSES:
            raise BadInput(f"{recipe}: loss_type: {name!r} is not one of {', '.join(LOSSES)}")


def _word(value: Any, of: Any) -> str:
    if isinstance(value, bool) and "bool" not in str(of):
        # `save_strategy: no` is false to YAML.
        return "yes" if value else "no"
    return str(value)


def _is_required(key: Field) -> bool:
    return key.default is MISSING and key.default_factory is MISSING


def _machine() -> dict[str, Any]:
    import torch

    gpu = torch.cuda.is_available()
    return {
        "use_cpu": not gpu and not torch.backends.mps.is_available(),
        # On a CPU the weights themselves are bfloat16 where that is faster (see train/model.py).
        "bf16": gpu and torch.cuda.is_bf16_supported(),
        "fp16": gpu and not torch.cuda.is_bf16_supported(),
    }


def run_script(main: Callable[[list[str]], None]) -> None:
    """Run a script on the command line; what the user can act on ends as one line."""
    try:
        main(sys.argv[1:])
    except SrtError as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
