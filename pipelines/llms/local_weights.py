"""Weights in this process: where they come from, where they go, and one copy of each."""

import os
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from pipelines.embedded import CHECKPOINT, MODEL_NAME, checkpoint_path
from pipelines.llms.openmp import ONE_AT_A_TIME

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

# isort: split
import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from pipelines.llms import attention, weight_layout
from pipelines.llms.precision import has_fast_bfloat16

# PEFT 0.21 reads an attribute that transformers 5.23 has renamed.
warnings.filterwarnings("ignore", r".*gradient_checkpointing.* is deprecated", FutureWarning)

_ADAPTER, _CONFIG = "adapter_config.json", "config.json"


@dataclass(eq=False, slots=True, weakref_slot=True)
class Weights:
    """A model in evaluation mode on its device, with the tokenizer that belongs to it."""

    model: Any
    tokenizer: Any
    eos: frozenset[int]
    pad: int
    context: int | None  # in tokens; None where the configuration has no limit

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def cache_bytes(self) -> int:
        """Of the keys and values of one token, in all layers."""
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        return 2 * config.num_hidden_layers * heads * width * self.model.dtype.itemsize


# A model goes when the last LLM that uses it is unloaded.
_LOADED: weakref.WeakValueDictionary[tuple, Weights] = weakref.WeakValueDictionary()


def weights(model: str, device: str, dtype: str) -> Weights:
    """The model of a folder or Hub name; what is loaded already is shared.

    `device` is auto, cpu or cuda; `dtype` is auto, float32 or bfloat16. BadInput if there
    is no such model, no such device, or no chat template.
    """
    device = _device(device)
    precision = _dtype(dtype, device)
    with ONE_AT_A_TIME:
        source, config_name = _locate(model)
        key = (source, device, precision)
        loaded = _LOADED.get(key)
        if loaded is None:
            logging.set_verbosity_error()
            logging.disable_progress_bar()
            loaded = _load(model, source, config_name == _ADAPTER, device, precision)
            _LOADED[key] = loaded
        return loaded


def _device(wanted: str) -> str:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("device: cuda was asked for, and torch sees no GPU here")
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _dtype(wanted: str, device: str) -> torch.dtype:
    if wanted != "auto":
        return getattr(torch, wanted)
    return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32


def _locate(model: str) -> tuple[str, str]:
    """A resolved folder or a Hub name, and the name of the configuration found there."""
    folder = Path(model).expanduser()
    for name in (_ADAPTER, _CONFIG):
        if (folder / name).is_file():
            return str(folder.resolve()), name
    here = f"model: {model} is not a folder with a {_CONFIG} or {_ADAPTER}"
    if folder.is_file() and folder.suffix == ".gguf":
        raise BadInput(f"{here}; a GGUF file is for `kind: llamacpp`")
    if folder.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise BadInput(here)
    trouble = f"nor has {model} on the Hub one"
    for name in (_CONFIG, _ADAPTER):
        try:
            hf_hub_download(model, name)
            return model, name
        except (LocalEntryNotFoundError, OfflineModeIsEnabled):
            trouble = "the Hub could not be asked"
        except EntryNotFoundError:
            continue
        except GatedRepoError:
            trouble = "the Hub wants its terms accepted, and $HF_TOKEN"
        except RepositoryNotFoundError:
            trouble = "the Hub has no such model, or none that $HF_TOKEN may see"
        except (HFValidationError, OSError) as error:
            trouble = f"the Hub said: {_line(error)}"
    raise BadInput(f"{here}, and {trouble}")


def _load(
    model: str, source: str, is_adapter: bool, device: str, precision: torch.dtype
) -> Weights:
    try:
        if is_adapter:
            network, tokenizer = _load_adapter(source, precision)
        else:
            network = AutoModelForCausalLM.from_pretrained(source, dtype=precision)
            tokenizer = AutoTokenizer.from_pretrained(source)
        network = network.to(device).eval()
        attention.use_on(network)
        weight_layout.by_columns(network)
    except torch.OutOfMemoryError:
        raise BadInput(f"model: {model} does not fit into the memory of {device}") from None
    # Broken files surface as whatever their reader raises.
    except Exception as error:
        raise BadInput(f"model: {model} does not load: {_line(error)}") from error
    if not tokenizer.chat_template:
        raise BadInput(f"model: {model} has no chat template; an instruction-tuned one is needed")
    eos = _eos(network, tokenizer)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(eos, default=0)
    # A model may bring a temperature, a repetition penalty or a length of its own. What
    # shapes the text is what the recipe says, and nothing that no ledger records.
    network.generation_config = GenerationConfig(eos_token_id=sorted(eos), pad_token_id=pad)
    context = getattr(network.config.get_text_config(), "max_position_embeddings", None)
    return Weights(network, tokenizer, eos, pad, context)


def _load_adapter(source: str, precision: torch.dtype) -> tuple[Any, Any]:
    from peft import PeftConfig, PeftModel

    base = PeftConfig.from_pretrained(source).base_model_name_or_path
    # An adapter trained on the embedded model names the cache of whoever trained it.
    if Path(base).name in (CHECKPOINT, MODEL_NAME) and not Path(base).is_dir():
        base = str(checkpoint_path())
    network = AutoModelForCausalLM.from_pretrained(base, dtype=precision)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError):
        tokenizer = AutoTokenizer.from_pretrained(base)
    if len(tokenizer) > network.get_input_embeddings().num_embeddings:
        network.resize_token_embeddings(len(tokenizer))
    return PeftModel.from_pretrained(network, source).merge_and_unload(), tokenizer


def _eos(network: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a turn, according to the model or to its tokenizer."""
    of_model = network.generation_config.eos_token_id
    of_model = of_model if isinstance(of_model, list) else [of_model]
    return frozenset(token for token in [*of_model, tokenizer.eos_token_id] if token is not None)


def _line(error: Exception) -> str:
    """The first line of a message, since the libraries explain themselves at length."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]
