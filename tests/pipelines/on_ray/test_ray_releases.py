"""A release made and checked by tasks on a real Ray of two nodes: the bytes of one process."""

import pytest

from builders.errors import GateRefused, RunFailed
from pipelines.on_ray.pool import ray_pool
from pipelines.recipe.execution import RayExecution
from pipelines.release import check, release
from tests.ledger_rows import ledger_row, ledger_rows, make_run

pytestmark = pytest.mark.xdist_group("ray")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_a_release_by_two_workers_has_the_bytes_of_one_process(cluster, tmp_path):
    on_ray = RayExecution(kind="ray", address=cluster, replicas=2)
    folders = [tmp_path / name for name in ("one", "two")]
    # Both have ids and an instruction in common.
    for number, folder in enumerate(folders):
        make_run(folder, ledger_rows(700, first=500 * number))
    made = {}
    for name, more in (("alone", {}), ("ray", {"execution": on_ray})):
        stages = []
        made[name] = release(
            folders,
            name="tiny",
            version="1.0.0",
            out=tmp_path / name,
            allowed={"duplicates": "templates"},
            progress=lambda stage, rows, stages=stages: stages.append((stage, rows)),
            **more,
        )
        assert dict(stages).keys() == {"splitting", "writing", "checking"}
        assert dict(stages)["writing"] == 1400
    assert files_of(made["alone"]) == files_of(made["ray"])
    assert check(made["alone"]).facts == check(made["ray"], execution=on_ray).facts


def test_what_a_worker_refuses_is_refused_here(cluster, tmp_path):
    row = ledger_row(1, reason=None)
    make_run(tmp_path / "run", [row, {**row, "draft": "Another."}, *ledger_rows(40, first=5)])
    with pytest.raises(GateRefused, match=r"is on two kept rows"):
        release(
            [tmp_path / "run"],
            name="tiny",
            version="1.0.0",
            out=tmp_path / "out",
            execution=RayExecution(kind="ray", address=cluster, replicas=2),
        )
    assert list((tmp_path / "out").glob("tiny*")) == []


def test_errors_of_a_task_reach_the_caller(cluster):
    with ray_pool(RayExecution(kind="ray", address=cluster, replicas=2)) as pool:
        assert pool.submit(pow, 2, 5).result() == 32
        with pytest.raises(GateRefused, match="why"):
            pool.submit(_refuse, "why").result()
        with pytest.raises(RunFailed, match="a Ray worker was lost"):
            pool.submit(_die).result()


def _refuse(why):
    raise GateRefused(why)


def _die():
    import os

    os._exit(1)
