"""Shared by the benches: options, tables, synthetic instructions, and measuring child processes.

Each measurement runs in its own process, so that none inherits another's memory or threads:
`in_child` runs the bench's module again with `--one`, and the child prints one line of JSON.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from builders.instructions.record import InstructionRecord
from pipelines import dag

ROOT = Path(__file__).parents[1]
_WORDS = ("answer", "depends", "on", "what", "was", "asked", "a", "reader", "can", "follow", "step")


def options(doc: str) -> argparse.ArgumentParser:
    """A parser with the options of every bench."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="few rows, to check that it runs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def prose(seed: int, characters: int) -> str:
    """A text of about this length, different for each seed."""
    draw = random.Random(seed)
    return f"{seed}: " + " ".join(draw.choices(_WORDS, k=characters // 5))[:characters]


@dataclass(frozen=True)
class Texts:
    """A source of `count` instructions with about `characters` characters each."""

    count: int
    characters: int = 1500
    name: str = "bench"
    license: str = "cc0-1.0"

    def records(self) -> Iterator[InstructionRecord]:
        # Slices of one text, so that the benches do not measure the generation of text.
        text = prose(0, 4 * self.characters)
        for number in range(self.count):
            start = number % (3 * self.characters)
            yield InstructionRecord(f"{number}: {text[start : start + self.characters]}")


def pipeline(*steps: Any) -> dag.Pipeline:
    """A chain of steps, as functions because a step has to be created in its pipeline."""
    with dag.Pipeline(name="bench") as chain:
        previous = None
        for make in steps:
            step = make()
            if previous is not None:
                previous >> step
            previous = step
    return chain


@dataclass
class Spent:
    """Elapsed seconds, and CPU seconds of this process and its finished children.

    `ended` is a time of the monotonic clock that all processes on a machine share.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    ended: float = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    spent, began, cpu = Spent(), time.perf_counter(), _cpu()
    try:
        yield spent
    finally:
        spent.ended = time.perf_counter()
        spent.seconds = spent.ended - began
        spent.cpu = _cpu() - cpu


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@dataclass
class Measured:
    """A child's output, and the peak memory (RSS, in bytes) of its processes together."""

    facts: dict[str, Any] = field(default_factory=dict)
    peak: int = 0


def in_child(module: str, what: dict[str, Any], timeout: float = 600) -> Measured:
    """Run `python -m module --one JSON`; RuntimeError with its output if it fails."""
    command = [sys.executable, "-m", module, "--one", json.dumps(what)]
    environment = {**os.environ, "DISTILABEL_LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}
    measured, deadline = Measured(), time.monotonic() + timeout
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as child,
    ):
        while child.poll() is None:
            measured.peak = max(measured.peak, _memory(child.pid))
            if time.monotonic() > deadline:
                end_tree(child.pid)
                raise RuntimeError(f"{what}: not finished after {timeout:.0f} s")
            time.sleep(0.1)
        output = child.stdout.read()
        if child.returncode:
            complaints.seek(0)
            output += complaints.read()
            raise RuntimeError(f"{what}: status {child.returncode}\n{output[-2000:]}")
    measured.facts = json.loads(output.splitlines()[-1])
    return measured


def _memory(pid: int) -> int:
    total = 0
    for process in _tree(pid):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def end_tree(pid: int) -> None:
    for process in _tree(pid):
        try:
            process.kill()
        except psutil.Error:
            continue


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers to three significant digits."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    print(f"\n{title}")
    for row in cells:
        first, *rest = zip(row, widths, strict=True)
        print(first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest), sep="  ")
    sys.stdout.flush()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def verdict(name: str, value: float, target: str, met: bool) -> None:
    print(f"{'met   ' if met else 'MISSED'}  {name}: {_cell(float(value))} (target {target})")
