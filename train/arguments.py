"""The arguments of a training run: a recipe file and keys on the command line that override it.

`python train/stage1.py RECIPE.yaml [--key value ...]`. Keys are ours, TRL's config's, or those of
TRL's ModelConfig; any other key is an error. Device and precision depend on the machine and cannot
be set.
"""

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

import yaml

from builders.errors import BadInput, RunFailed, SrtError
from cards.printable import printable
from train.environment import disk_reason
from train.publication import read_publication

# Keys of TRL and transformers that a recipe cannot set, and why.
_MACHINE = "device and precision depend on the machine and cannot be set"
_REFUSED = {
    **dict.fromkeys(("use_cpu", "bf16", "fp16", "bf16_full_eval", "fp16_full_eval"), _MACHINE),
    **dict.fromkeys(("tf32", "dtype"), _MACHINE),
    "hub_token": "do not put a token into a recipe; use `hf auth login` or set HF_TOKEN",
    "hub_strategy": "only the finished model is published",
    "hub_always_push": "only the finished model is published",
    "hub_revision": "use hub_tag for the tag",
    # TRL would read it after the rows have been tokenized.
    "chat_template_path": "use chat_template",
    # What TRL does with these is done before its trainer gets the rows, or not at all.
    "model_init_kwargs": "use the keys of the model itself, such as attn_implementation",
    **dict.fromkeys(
        ("dataset_text_field", "dataset_kwargs"), "a release's rows have fixed columns"
    ),
    "truncation_mode": "rows longer than max_length are skipped, not truncated",
    **dict.fromkeys(("do_train", "do_eval", "do_predict"), "the splits of the release decide that"),
}
# Keys that can only say what is done anyway.
_LOSS = "the loss is on the assistant's turns only"
_FIXED = {"completion_only_loss": (True, _LOSS), "assistant_only_loss": (False, _LOSS)}
# Keys of TrainingArguments and TRL whose values are counts; with -1, as a count that is not given.
_AT_LEAST_1 = (
    *("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps"),
    *("max_length", "lora_r", "lora_alpha"),
)
# The losses of TRL's DPO, which checks the name only when it computes the first loss.
LOSSES = (
    *("sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair"),
    *("sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down", "discopop", "sft"),
)
# Likewise.
DIVERGENCES = ("reverse_kl", "forward_kl", "js_divergence", "alpha_divergence")
_DEFAULTS = {
    # By default the trainer replaces a NaN loss in its log with the last finite one.
    "logging_nan_inf_filter": False,
    "disable_tqdm": not sys.stderr.isatty(),
}


@dataclass
class ReleaseArguments:
    """The rows to train on, and our keys for model and publication."""

    release: str = field(metadata={"help": "a release folder, or ORG/NAME on the Hub"})
    revision: str | None = field(
        default=None, metadata={"help": "a tag or commit on the Hub (recommended)"}
    )
    dataset_config: str = field(
        default="sft", metadata={"help": "the release's config, such as sft-draft-masked"}
    )
    chat_template: str | None = field(
        default=None, metadata={"help": "a Jinja file, for a base model without a chat template"}
    )
    hub_tag: str | None = field(
        default=None, metadata={"help": "with push_to_hub, the tag to publish under"}
    )


@dataclass
class PairArguments(ReleaseArguments):
    """The same for a stage-2 release."""

    dataset_config: str = field(
        default="preferences", metadata={"help": "preferences or preferences-length-matched"}
    )
    pair_weights: str | None = field(
        default=None, metadata={"help": "what pairs are weighted by: margin or people"}
    )


@dataclass(frozen=True)
class TrainingRecipe:
    """The keys of a recipe file, overridden by those of the command line."""

    path: Path
    values: dict[str, Any]


def read_command_line(argv: list[str], usage: str) -> TrainingRecipe:
    """The recipe with the overrides of a command line; --help prints `usage` and exits."""
    if not argv or argv[0] in ("-h", "--help"):
        print(usage.strip())
        sys.exit(0)
    path = Path(argv[0])
    if argv[0].startswith("-"):
        raise BadInput(f"{argv[0]}: the first argument must be the recipe file")
    values = {**_read(path), **_overrides(argv[1:])}
    release = Path(str(values.get("release"))).expanduser()
    if release.is_dir():
        # Absolute, so that a run can be resumed from another folder.
        values["release"] = str(release.resolve())
    return TrainingRecipe(path, values)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such recipe") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: not a YAML file ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: a recipe must be a mapping of keys to values")
    return values


def _overrides(words: list[str]) -> dict[str, Any]:
    """Parse `--key value` and `--key=value`; a key without a value is true."""
    values: dict[str, Any] = {}
    position = 0
    while position < len(words):
        key, equals, value = words[position].partition("=")
        position += 1
        if not key.startswith("--"):
            raise BadInput(f"{key}: write keys as --key value")
        if not equals:
            has_value = position < len(words) and not words[position].startswith("--")
            value = words[position] if has_value else "true"
            position += has_value
        try:
            values[key[2:].replace("-", "_")] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise BadInput(f"{key}: {value!r} is not a YAML value") from None
    return values


def parse(recipe: TrainingRecipe, *classes: type) -> tuple[Any, ...]:
    """One object of each dataclass, from the recipe's values and the machine's settings.

    BadInput names a key that is unknown, cannot be set, or has an invalid value.
    """
    from trl import TrlParser

    class Parser(TrlParser):
        def error(self, message: str) -> NoReturn:
            raise BadInput(f"{recipe.path}: {message}")

    known = {field.name: field for cls in classes for field in fields(cls) if field.init}
    # The annotations, because transformers rewrites the types of the fields.
    types = {key: hint for cls in classes for key, hint in get_type_hints(cls).items()}
    for key, value in recipe.values.items():
        if key in _REFUSED:
            raise BadInput(f"{recipe.path}: {key}: {_REFUSED[key]}")
        if key not in known:
            near = difflib.get_close_matches(str(key), sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadInput(f"{recipe.path}: unknown key {key!r}{hint}")
        if key in _FIXED and value not in (None, _FIXED[key][0]):
            raise BadInput(f"{recipe.path}: {key}: {_FIXED[key][1]}; leave the key out")
        if isinstance(value, list) and "list" not in str(types[key]).lower():
            raise BadInput(f"{recipe.path}: {key}: must be one value, not a list")
    try:
        read_publication(recipe.values)
    except BadInput as error:
        raise BadInput(f"{recipe.path}: {error}") from None

    # The trainer itself never pushes; see train/publication.py.
    values = {**_DEFAULTS, **recipe.values, "push_to_hub": False, **_machine()}
    # As command-line words, values are checked by the parser. Null, lists and mappings cannot be
    # written as words, so they become defaults.
    words = [
        f"--{key}={_as_word(value, types[key])}"
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
    with trl_errors(recipe.path, TypeError):
        parsed = parser.parse_args_into_dataclasses(args=words, look_for_args_file=False)
    values = {key: value for part in parsed for key, value in vars(part).items()}
    _check_numbers(recipe.path, values)
    return parsed


def _check_numbers(recipe: Path, values: Mapping[str, Any]) -> None:
    """BadInput for a number with which training could not start."""
    for key in _AT_LEAST_1:
        if values.get(key) is not None and values[key] < 1:
            raise BadInput(f"{recipe}: {key}: must be at least 1, not {values[key]}")
    if values.get("beta", 1) <= 0:
        raise BadInput(f"{recipe}: beta: must be above 0, not {values['beta']}")
    if not 0 <= values.get("label_smoothing", 0) < 0.5:
        raise BadInput(f"{recipe}: label_smoothing: must be at least 0 and below 0.5")
    if values.get("activation_offloading") and values.get("use_cpu"):
        raise BadInput(f"{recipe}: activation_offloading: true needs a GPU")
    steps, epochs = values.get("max_steps", -1), values.get("num_train_epochs", 1)
    if steps == 0 or (steps < 0 and epochs <= 0):
        key, value = ("max_steps", steps) if steps == 0 else ("num_train_epochs", epochs)
        raise BadInput(f"{recipe}: {key}: {value} is no training at all")


@contextmanager
def trl_errors(recipe: Path, *others: type[Exception]) -> Iterator[None]:
    """Turn TRL's errors about incompatible values into BadInput; TRL checks them in its trainer.

    `others` are further types to turn into it.
    """
    try:
        yield
    except (ImportError, NotImplementedError, ValueError, *others) as error:
        raise BadInput(f"{recipe}: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def check_config(config: str, trained: Iterable[str]) -> None:
    """BadInput if this stage trains on no such rows."""
    if config not in (names := list(trained)):
        raise BadInput(
            f"dataset_config: the rows of {config!r} are for other uses; this script trains on "
            f"{', '.join(names)}"
        )


def check_losses(recipe: Path, names: Iterable[str], divergence: str = "reverse_kl") -> None:
    """Raise BadInput if one is not a loss of TRL's DPO, or if `divergence` is none of its own."""
    if divergence not in DIVERGENCES:
        known = ", ".join(DIVERGENCES)
        raise BadInput(f"{recipe}: f_divergence_type: {divergence!r} is not one of {known}")
    for name in names:
        if name not in LOSSES:
            raise BadInput(f"{recipe}: loss_type: {name!r} is not one of {', '.join(LOSSES)}")


def _as_word(value: Any, hint: Any) -> str:
    if isinstance(value, bool) and "bool" not in str(hint):
        # YAML parses `save_strategy: no` as false.
        return "yes" if value else "no"
    return str(value)


def _is_required(key: Field) -> bool:
    return key.default is MISSING and key.default_factory is MISSING


def _machine() -> dict[str, Any]:
    import torch

    gpu = torch.cuda.is_available()
    return {
        "use_cpu": not gpu and not torch.backends.mps.is_available(),
        # On a CPU the weights themselves are bfloat16 if that is faster (see train/model.py).
        "bf16": gpu and torch.cuda.is_bf16_supported(),
        "fp16": gpu and not torch.cuda.is_bf16_supported(),
    }


def run_script(main: Callable[[list[str]], None]) -> None:
    """Run a script's `main` with the command line; user errors end it with one line on stderr."""
    script = Path(sys.argv[0]).stem
    try:
        main(sys.argv[1:])
    except SrtError as error:
        print(printable(f"{script}: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; the same command continues from the last checkpoint", file=sys.stderr)
        sys.exit(130)
    # The libraries that write checkpoints have errors of their own for a full disk.
    except Exception as error:
        if (reason := disk_reason(error)) is None:
            raise
        print(
            f"{script}: {reason}; the same command continues from the last checkpoint",
            file=sys.stderr,
        )
        sys.exit(RunFailed.exit_code)
