# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.13,<1.16",
#     "datasets>=5.2,<5.3",
#     "filelock>=3.16,<5",
#     "gguf>=0.17,<1",
#     "huggingface_hub>=2.2,<2.5",
#     "jinja2>=3.1,<4",
#     "matplotlib>=3.9,<4",
#     "numpy>=2.2,<3",
#     "peft>=0.20,<0.22",
#     "platformdirs>=4.3,<5",
#     "pyarrow>=24,<27",
#     "pydantic>=2.12,<2.15",
#     "pyyaml>=6,<7",
#     "rich>=13.9,<16",
#     "torch>=2.10,<2.14",
#     "transformers>=5.18,<5.24",
#     "trl>=1.10,<1.17",
# ]
# ///
"""Stage 1 of Self-Refinement Tuning (arXiv 2406.07168, section 3.1): supervised fine-tuning.

    python train/stage1.py RECIPE.yaml [--key value ...]

Trains a model on the draft, critique and refinement of each instruction in a stage-1 release, with
the loss on the assistant's turns. Example, with the embedded model on two CPU cores:

    python train/stage1.py train/recipes/stage1-embedded.yaml --release releases/my@v1.0.0

Keys, in the recipe or on the command line:
    release             a release folder, or ORG/NAME on the Hub
    revision            tag or commit on the Hub; resolved to a commit, which is recorded
    dataset_config      sft (default), sft-balanced, sft-draft-masked, critique, or an ablation
    chat_template       a Jinja file, for a base model that has no chat template
    push_to_hub         publish the finished model to hub_model_id (ORG/NAME) as hub_tag (v1.0.0)
and all of TRL's SFTConfig (learning_rate, num_train_epochs, output_dir, report_to ...) and
ModelConfig (model_name_or_path, use_peft, lora_r ...). Device and precision depend on the machine.
To resume an interrupted run from its last checkpoint, run the same command again.
"""

from pathlib import Path

from train.arguments import (
    ReleaseArguments,
    check_config,
    parse,
    read_command_line,
    run_script,
    trl_errors,
)


def main(argv: list[str]) -> None:
    recipe = read_command_line(argv, __doc__)

    # Imported here, because it takes seconds and --help should not.
    from trl import ModelConfig, SFTConfig, SFTTrainer

    from builders.training.sft import SFT_FORMS
    from train.checkpoint import begin, finish, rows_folder
    from train.counts import nonempty_splits
    from train.cpu_loss import CpuSFTTrainer, is_supported
    from train.environment import check_packages
    from train.model import base_model, load_model, load_tokenizer, new_adapter
    from train.progress import report_progress, train
    from train.publication import publish, read_publication
    from train.released import open_release
    from train.tokenization import token_dataset

    check_packages(recipe.path, recipe.values)
    source, training, model_config = parse(recipe, ReleaseArguments, SFTConfig, ModelConfig)
    release = open_release(source.release, source.revision, source.dataset_config, stage=1)
    check_config(source.dataset_config, SFT_FORMS)
    if training.should_log:
        print(f"training on {release.title}", flush=True)

    folder = Path(training.output_dir)
    tokenizer, changes = load_tokenizer(
        model_config,
        source.chat_template,
        eos_token=training.eos_token,
        trust_remote_code=training.trust_remote_code,
    )
    for change in changes if training.should_log else ():
        print(change, flush=True)
    with training.main_process_first():
        resume_from = begin(folder, recipe.values | {"revision": release.commit})
        splits = {
            split: token_dataset(
                release.rows(split),
                tokenizer,
                training.max_length,
                rows_folder(folder) / f"{split}.arrow",
            )
            for split in release.splits
        }
    rows = {split: counts.as_facts() for split, (_, counts) in splits.items()}
    data = nonempty_splits(splits)
    if not training.packing:
        training.max_length = None  # nothing to truncate: longer rows were skipped

    model = load_model(model_config, tokenizer, trust_remote_code=training.trust_remote_code)
    with trl_errors(recipe.path):
        trainer_class = CpuSFTTrainer if is_supported(training) else SFTTrainer
        trainer = trainer_class(
            model=model,
            args=training,
            train_dataset=data["train"],
            eval_dataset=data.get("test"),
            processing_class=tokenizer,
            peft_config=new_adapter(model_config),
        )
    report_progress(trainer)
    metrics = train(trainer, resume_from)
    metrics = {**metrics, **(trainer.evaluate() if "test" in data else {})}

    finish(
        folder,
        trainer,
        stage=1,
        base_model=base_model(model_config),
        release=release.facts(),
        recipe=recipe.values,
        rows=rows,
        metrics=metrics,
    )
    publication = read_publication(recipe.values)
    if publication is not None and trainer.is_world_process_zero():
        publish(folder, publication)


if __name__ == "__main__":
    run_script(main)
