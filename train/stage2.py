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
"""Stage 2 of Self-Refinement Tuning (arXiv 2406.07168, section 3.2): DPO on its own refinements.

    python train/stage2.py RECIPE.yaml [--key value ...]

Trains the stage-1 model on a stage-2 release: pairs in which the model's refinement of its draft is
preferred to the draft. Example, with the embedded model on two CPU cores:

    python train/stage2.py train/recipes/stage2-embedded.yaml --release releases/my-pairs@v1.0.0 \\
        --model_name_or_path checkpoints/stage1

Keys, in the recipe or on the command line:
    release             a release folder, or ORG/NAME on the Hub
    revision            tag or commit on the Hub; resolved to a commit, which is recorded
    dataset_config      preferences (default) or preferences-length-matched
    pair_weights        margin or people: pairs that are surer count more (default: all alike)
    chat_template       a Jinja file, for a model that has no chat template
    push_to_hub         publish the finished model to hub_model_id (ORG/NAME) as hub_tag (v1.0.0)
and all of TRL's DPOConfig (beta, loss_type, learning_rate, output_dir, report_to ...) and
ModelConfig (model_name_or_path, use_peft, lora_r ...). Device and precision depend on the machine.
The reference model needs no second copy of the weights: it is a copy of the stage-1 adapter, or the
model with its new adapter disabled, or, if all weights are trained, its log-probabilities are
precomputed (`precompute_ref_log_probs`).
To resume an interrupted run from its last checkpoint, run the same command again.
"""

from pathlib import Path

from train.arguments import (
    PairArguments,
    check_config,
    check_losses,
    parse,
    read_command_line,
    run_script,
    trl_errors,
)


def main(argv: list[str]) -> None:
    recipe = read_command_line(argv, __doc__)

    # Imported here, because it takes seconds and --help should not.
    from trl import DPOConfig, ModelConfig

    from train.checkpoint import begin, finish, rows_folder
    from train.counts import nonempty_splits
    from train.environment import check_packages
    from train.model import base_model, is_adapter, load_model, load_tokenizer, new_adapter
    from train.pair_weights import WeightedPairTrainer, check_weights, weight_of
    from train.pairs import PairTrainer, pair_dataset
    from train.progress import report_progress, train
    from train.publication import publish, read_publication
    from train.released import open_release

    check_packages(recipe.path, recipe.values)
    source, training, model_config = parse(recipe, PairArguments, DPOConfig, ModelConfig)
    check_losses(recipe.path, training.loss_type, training.f_divergence_type)
    check_weights(recipe.path, source.pair_weights, training.loss_type)
    release = open_release(source.release, source.revision, source.dataset_config, stage=2)
    check_config(source.dataset_config, ("preferences", "preferences-length-matched"))
    weight = weight_of(source.pair_weights, release)
    if training.should_log:
        print(f"training on {release.title}", flush=True)

    folder = Path(training.output_dir)
    tokenizer, changes = load_tokenizer(
        model_config,
        source.chat_template,
        trust_remote_code=training.trust_remote_code,
    )
    for change in changes if training.should_log else ():
        print(change, flush=True)
    with training.main_process_first():
        resume_from = begin(folder, recipe.values | {"revision": release.commit})
        splits = {
            split: pair_dataset(
                release.rows(split),
                tokenizer,
                training.max_length,
                rows_folder(folder) / f"{split}.arrow",
                weight if split == "train" else None,
            )
            for split in release.splits
        }
    rows = {split: counts.as_facts() for split, (_, counts) in splits.items()}
    data = nonempty_splits(splits)

    if not (model_config.use_peft or is_adapter(model_config)):
        # Otherwise TRL would load the model a second time as the reference.
        training.precompute_ref_log_probs = True
    model = load_model(model_config, tokenizer, trust_remote_code=training.trust_remote_code)
    with trl_errors(recipe.path):
        trainer_class = WeightedPairTrainer if weight else PairTrainer
        trainer = trainer_class(
            model=model,
            args=training,
            train_dataset=data["train"],
            eval_dataset=data.get("test"),
            processing_class=tokenizer,
            # An existing adapter is trained further; TRL keeps a copy of it as the reference.
            peft_config=new_adapter(model_config),
        )
    report_progress(trainer)
    metrics = train(trainer, resume_from)
    metrics = {**metrics, **(trainer.evaluate() if "test" in data else {})}

    finish(
        folder,
        trainer,
        stage=2,
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
