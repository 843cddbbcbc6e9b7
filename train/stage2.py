"""Stage 2 of Self-Refinement Tuning (arXiv 2406.07168, section 3.2): DPO on its own refinements.

    python train/stage2.py RECIPE.yaml [--key value ...]

Trains the stage-1 model on a stage-2 release: pairs in which its refinement of a draft is
preferred to the draft. Example, with the embedded model on two CPU cores:

    python train/stage2.py train/recipes/stage2-embedded.yaml --release releases/my-pairs@v1.0.0 \\
        --model_name_or_path checkpoints/stage1

Keys, in the recipe or on the command line:
    release             a release folder, or ORG/NAME on the Hub
    revision            tag or commit on the Hub; the commit is what is trained on, and recorded
    dataset_config      preferences (default) or preferences-length-matched
    chat_template       a Jinja file, for a model that has no chat template
    push_to_hub         publish the finished model to hub_model_id (ORG/NAME) as hub_tag (v1.0.0)
and all of TRL's DPOConfig (beta, loss_type, learning_rate, output_dir, report_to ...) and
ModelConfig (model_name_or_path, use_peft, lora_r ...). Device and precision are the machine's.
The reference model takes no second copy of the weights: it is the stage-1 adapter beside the one
that is trained, or the model with its new adapter switched off, or its log-probabilities computed
beforehand (`precompute_ref_log_probs`, where all weights are trained).
A run that was stopped goes on from its last checkpoint under the same command.
"""

from pathlib import Path

from train.arguments import (
    PairArguments,
    check_losses,
    parse,
    read_command_line,
    run_script,
    told_by,
)


def main(argv: list[str]) -> None:
    asked = read_command_line(argv, __doc__)

    # After the command line: these take seconds.
    from trl import DPOConfig, DPOTrainer, ModelConfig

    from train.checkpoint import begin, finish, rows_folder
    from train.counts import not_empty
    from train.model import base_model, is_adapter, load_model, load_tokenizer, new_adapter
    from train.pairs import fitting
    from train.progress import report_progress
    from train.publication import publication, publish
    from train.released import open_release

    source, training, network = parse(asked, PairArguments, DPOConfig, ModelConfig)
    check_losses(asked.recipe, training.loss_type)
    release = open_release(source.release, source.revision, source.dataset_config, stage=2)
    if training.should_log:
        print(f"training on {release.title}", flush=True)

    folder = Path(training.output_dir)
    tokenizer = load_tokenizer(network, source.chat_template)
    with training.main_process_first():
        resume_from = begin(folder, asked.values | {"revision": release.commit})
        splits = {
            split: fitting(
                release.rows(split),
                tokenizer,
                training.max_length,
                rows_folder(folder) / f"{split}.arrow",
            )
            for split in release.splits
        }
    rows = {split: counts.as_facts() for split, (_, counts) in splits.items()}
    data = not_empty(splits)

    if not (network.use_peft or is_adapter(network)):
        # Otherwise TRL loads the model a second time, to be the reference.
        training.precompute_ref_log_probs = True
    model = load_model(network)
    with told_by(asked.recipe):
        trainer = DPOTrainer(
            model=model,
            args=training,
            train_dataset=data["train"],
            eval_dataset=data.get("test"),
            processing_class=tokenizer,
            # An adapter is trained further; TRL keeps a copy of it as it was for the reference.
            peft_config=new_adapter(network),
        )
    report_progress(trainer)
    result = trainer.train(resume_from_checkpoint=resume_from)
    metrics = {**result.metrics, **(trainer.evaluate() if "test" in data else {})}

    finish(
        folder,
        trainer,
        stage=2,
        base_model=base_model(network),
        release=release.facts(),
        recipe=asked.values,
        rows=rows,
        metrics=metrics,
    )
    wanted = publication(asked.values)
    if wanted is not None and trainer.is_world_process_zero():
        publish(folder, wanted)


if __name__ == "__main__":
    run_script(main)
