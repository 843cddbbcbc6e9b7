"""Stage 1 of Self-Refinement Tuning (arXiv 2406.07168, section 3.1): supervised fine-tuning.

    python train/stage1.py RECIPE.yaml [--key value ...]

Trains a model on a stage-1 release: draft, critique and refinement of each instruction, with the
loss on the assistant's turns. Example, with the embedded model on two CPU cores:

    python train/stage1.py train/recipes/stage1-embedded.yaml --release releases/my@v1.0.0

Keys, in the recipe or on the command line:
    release             a release folder, or ORG/NAME on the Hub
    revision            tag or commit on the Hub; the commit is what is trained on, and recorded
    dataset_config      sft (default), sft-balanced, sft-draft-masked, or an ablation
    chat_template       a Jinja file, for a base model that has no chat template
    push_to_hub         publish the finished model to hub_model_id (ORG/NAME) as hub_tag (v1.0.0)
and all of TRL's SFTConfig (learning_rate, num_train_epochs, output_dir, report_to ...) and
ModelConfig (model_name_or_path, use_peft, lora_r ...). Device and precision are the machine's.
A run that was stopped goes on from its last checkpoint under the same command.
"""

from pathlib import Path

from train.arguments import ReleaseArguments, parse, read_command_line, run_script, told_by


def main(argv: list[str]) -> None:
    asked = read_command_line(argv, __doc__)

    # After the command line: these take seconds.
    from trl import ModelConfig, SFTConfig, SFTTrainer

    from train.checkpoint import begin, finish, rows_folder
    from train.counts import not_empty
    from train.learnt_tokens import LearntTokensTrainer, is_enough
    from train.model import base_model, load_model, load_tokenizer, new_adapter
    from train.progress import report_progress
    from train.publication import publication, publish
    from train.released import open_release
    from train.turns import tokenised

    source, training, network = parse(asked, ReleaseArguments, SFTConfig, ModelConfig)
    release = open_release(source.release, source.revision, source.dataset_config, stage=1)
    if training.should_log:
        print(f"training on {release.title}", flush=True)

    folder = Path(training.output_dir)
    tokenizer = load_tokenizer(network, source.chat_template)
    with training.main_process_first():
        resume_from = begin(folder, asked.values | {"revision": release.commit})
        splits = {
            split: tokenised(
                release.rows(split),
                tokenizer,
                training.max_length,
                rows_folder(folder) / f"{split}.arrow",
            )
            for split in release.splits
        }
    rows = {split: counts.as_facts() for split, (_, counts) in splits.items()}
    data = not_empty(splits)
    if not training.packing:
        training.max_length = None  # every sequence fits

    model = load_model(network)
    with told_by(asked.recipe):
        trainer = (LearntTokensTrainer if is_enough(training) else SFTTrainer)(
            model=model,
            args=training,
            train_dataset=data["train"],
            eval_dataset=data.get("test"),
            processing_class=tokenizer,
            peft_config=new_adapter(network),
        )
    report_progress(trainer)
    result = trainer.train(resume_from_checkpoint=resume_from)
    metrics = {**result.metrics, **(trainer.evaluate() if "test" in data else {})}

    finish(
        folder,
        trainer,
        stage=1,
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
