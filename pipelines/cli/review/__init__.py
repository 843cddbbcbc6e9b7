"""`srt review`: people check a sample of a run or release, in Argilla or in files."""

import typer

from pipelines.cli.review import draw, files, people, pull, push, remove, report, status

app = typer.Typer(
    help="Have people check a sample, and measure their agreement.",
    no_args_is_help=True,
)
app.command(epilog="Example: srt review push runs/stage1-openai --annotators people.yaml")(
    push.push
)
app.command(epilog="Example: srt review pull reviews/stage1-openai")(pull.pull)
app.command(epilog="Example: srt review draw runs/stage1-openai --sample 100")(draw.draw)
app.command("export", epilog="Example: srt review export reviews/stage1-openai --format csv")(
    files.export_sample
)
app.command("import", epilog="Example: srt review import reviews/stage1-openai answers.csv")(
    files.import_answers
)
app.command(
    epilog='Example: srt review people reviews/stage1-openai --exclude ben --reason "guessed"'
)(people.people)
app.command(epilog="Example: srt review report reviews/stage1-openai")(report.report)
app.command(epilog="Example: srt review status reviews/stage1-openai")(status.status)
app.command(epilog="Example: srt review remove reviews/trial")(remove.remove)
