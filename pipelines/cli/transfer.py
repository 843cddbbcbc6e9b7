"""The progress of an upload: a bar in bytes on a terminal, a line for each stage elsewhere."""

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pipelines.cli.console import err


class Transfer:
    """A `PublishObserver`; `total` is the number of bytes that may have to be uploaded."""

    def __init__(self, total: int) -> None:
        self._sent: dict[str, int] = {}
        self._bars: Progress | None = None
        if err.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=err,
            )
            self._task = self._bars.add_task("publishing", total=total)

    def __enter__(self) -> "Transfer":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()

    def stage(self, sentence: str) -> None:
        if self._bars:
            self._bars.update(self._task, description=sentence)
        else:
            err.print(sentence)

    def sent(self, name: str, total: int) -> None:
        """`total` bytes of the file `name` are sent; fewer than before when it is retried."""
        self._sent[name] = total
        if self._bars:
            self._bars.update(self._task, completed=sum(self._sent.values()))
