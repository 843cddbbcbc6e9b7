"""Loads models by folder or Hub name, each once per process."""

import os
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.errors import BadInput, reason_of
from builders.training.trained_template import stop_tokens
from services.model.embedded import CHECKPOINT, MODEL_NAME, checkpoint_path
from services.model.resources import ONE_AT_A_TIME

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

from pipelines.llms.weights import attention, weight_layout
from services.model.precision import has_fast_bfloat16

# PEFT 0.21 reads an attribute that transformers 5.23 has renamed.
warnings.filterwarnings("ignore", r".*gradient_checkpointing.* is deprecated", FutureWarning)

_ADAPTER, _CONFIG = "adapter_config.json", "config.json"


@dataclass(eq=False, slots=True, weakref_slot=True)
class LoadedModel:
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
        """Bytes of the keys and values of one token, in all layers."""
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        return 2 * config.num_hidden_layers * heads * width * self.model.dtype.itemsize


# A model is freed when the last LLM that uses it is unloaded.
_LOADED: weakref.WeakValueDictionary[tuple, LoadedModel] = weakref.WeakValueDictionary()


def load_model(model: str, device: str, dtype: str) -> LoadedModel:
    """The model of a folder or Hub name, shared with other LLMs that use it.

    `device` is auto, cpu or cuda; `dtype` is auto, float32 or bfloat16. BadInput if the model,
    the device or a chat template is missing.
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


def _device(choice: str) -> str:
    if choice == "cuda" and not torch.cuda.is_available():
        raise BadInput("device: cuda, but torch sees no GPU on this machine")
    if choice != "auto":
        return choice
    return "cuda" if torch.cuda.is_available() else "cpu"


def _dtype(choice: str, device: str) -> torch.dtype:
    if choice != "auto":
        return getattr(torch, choice)
    return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32


def _locate(model: str) -> tuple[str, str]:
    """A resolved folder or a Hub name, and the name of its configuration file."""
    folder = Path(model).expanduser()
    for name in (_ADAPTER, _CONFIG):
        if (folder / name).is_file():
            return str(folder.resolve()), name
    problem = f"model: {model} is not a folder with a {_CONFIG} or {_ADAPTER}"
    if folder.is_file() and folder.suffix == ".gguf":
        raise BadInput(f"{problem}; a GGUF file is for `kind: llamacpp`")
    if folder.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise BadInput(problem)
    hub_problem = f"the Hub's {model} has neither"
    for name in (_CONFIG, _ADAPTER):
        try:
            hf_hub_download(model, name)
            return model, name
        except (LocalEntryNotFoundError, OfflineModeIsEnabled):
            hub_problem = "the Hub cannot be reached"
        except EntryNotFoundError:
            continue
        except GatedRepoError:
            hub_problem = "the Hub's needs its terms accepted, and $HF_TOKEN"
        except RepositoryNotFoundError:
            hub_problem = "the Hub has no such model, or $HF_TOKEN may not see it"
        except (HFValidationError, OSError) as error:
            hub_problem = f"the Hub answered: {reason_of(error)}"
    raise BadInput(f"{problem}, and {hub_problem}")


def _load(
    model: str, source: str, is_adapter: bool, device: str, precision: torch.dtype
) -> LoadedModel:
    try:
        if is_adapter:
            network, tokenizer = _load_adapter(source, precision)
        else:
            network = AutoModelForCausalLM.from_pretrained(source, dtype=precision)
            tokenizer = AutoTokenizer.from_pretrained(source)
        network = network.to(device).eval()
        attention.replace_sdpa(network)
        weight_layout.store_by_columns(network)
    except torch.OutOfMemoryError:
        raise BadInput(f"model: {model} does not fit into the memory of {device}") from None
    # Damaged files surface as whatever their reader raises.
    except Exception as error:
        raise BadInput(f"model: {model} does not load: {reason_of(error)}") from error
    if not tokenizer.chat_template:
        raise BadInput(f"model: {model} has no chat template; an instruction-tuned one is needed")
    eos = _eos(network, tokenizer)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(eos, default=0)
    # A model may come with a temperature, a repetition penalty or a length of its own. Only
    # what the recipe says, and the ledger records, may shape the text.
    network.generation_config = GenerationConfig(eos_token_id=sorted(eos), pad_token_id=pad)
    context = getattr(network.config.get_text_config(), "max_position_embeddings", None)
    return LoadedModel(network, tokenizer, eos, pad, context)


def _load_adapter(source: str, precision: torch.dtype) -> tuple[Any, Any]:
    from peft import PeftConfig, PeftModel

    base = PeftConfig.from_pretrained(source).base_model_name_or_path
    # An adapter trained on the embedded model names the cache folder of the machine it was
    # trained on.
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
    """Every token that ends a turn, according to the model, its tokenizer or its template."""
    of_model = network.generation_config.eos_token_id
    of_model = of_model if isinstance(of_model, list) else [of_model]
    tokens = [*of_model, *stop_tokens(tokenizer)]
    return frozenset(token for token in tokens if token is not None)
