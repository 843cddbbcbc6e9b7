"""`srt review draw`: a review begins without a server."""

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import (
    Assisted,
    Calibration,
    EvaluationFolder,
    Interval,
    Overlap,
    ReviewFolder,
    Sample,
    Seed,
    Source,
    Strategy,
    quoted,
    source_and_sample,
)


def draw(
    source: Source = None,
    evaluation: EvaluationFolder = None,
    out: ReviewFolder = None,
    sample: Sample = 200,
    interval: Interval = None,
    strategy: Strategy = "stratified",
    seed: Seed = 0,
    overlap: Overlap = 3,
    calibration: Calibration = 0,
    assisted: Assisted = False,
    as_json: AsJson = False,
) -> None:
    """Draw the sample of a review that needs no server: `export` it, and `import` the answers.

    `srt review push` with the same options puts the same sample on a server later.
    """
    from builders.review.drawing import DrawOptions, draw_review, sample_notes
    from builders.review.source import open_source
    from pipelines.cli import console

    reviewed, sample = source_and_sample(source, evaluation, sample, interval)
    options = DrawOptions(
        sample=sample,
        strategy=strategy,
        seed=seed,
        overlap=overlap,
        calibration=calibration,
        assisted=assisted,
        out=out,
    )
    with console.RowsProgress({"drawing": None}) as progress:
        review = draw_review(open_source(reviewed), options, progress)
    drawn = review.drawn()
    notes = list(sample_notes(review.facts, drawn))
    if as_json:
        facts = {"review": str(review.folder), "records": len(drawn), "notes": notes}
        console.print_json(facts)
        return
    for note in notes:
        console.notify(f"note: {note}")
    console.out.print(f"{counted(len(drawn), 'record is', 'records are')} drawn")
    console.out.print(f"review: {review.folder}")
    console.out.print(f"next: srt review export {quoted(review)}")
