"""The main job with the real model: README's first command, after the installation."""

import json

import pytest


@pytest.mark.xdist_group("embedded")
def test_the_demo_runs_and_runs_again(srt, tmp_path):
    done = srt("demo")
    assert "96  instructions drawn" in done.stdout
    assert "load_dataset(" in done.stdout
    facts = json.loads(srt("demo", "--json").stdout)
    assert facts["rows"] == 96
    assert facts["drafted"] >= 60
    assert facts["kept"] >= 30
    assert facts["mean_refinement_score"] > facts["mean_draft_score"]
    release = tmp_path / "srt-demo/releases/srt-demo@v1.0.0"
    assert (release / "assets/scores.png").stat().st_size > 5_000
    card = (release / "README.md").read_text()
    assert "SmolLM2-135M-Instruct" in card
    assert "verifiable" in card
