"""The picture of an audit has all of its words in it, however long a judge's name is."""

import pytest

from cards import audit_plot
from cards.audit_plot import plot_audit


def estimate(value):
    return {"value": value, "low": value - 0.08, "high": value + 0.08, "of": 119}


def audit(name, low, high, verdict):
    figures = {
        "pairs": 119,
        "verdict": verdict,
        "low": low,
        "high": high,
        "difference": (low + high) / 2,
        "margin": 0.05,
    }
    comparison = {
        "judge": {"name": name},
        "role": "first audit",
        "agreement": estimate(0.6),
        "figures": figures,
    }
    return {
        "set": {"judged_by": "people", "source": "review r", "people": 2},
        "model": {"name": name},
        "agreement": {"raw": estimate(0.55)},
        "comparisons": [comparison],
        "people": {"value": 0.7, "bound": 0.8, "pairs": 100},
        "baselines": {"the longer answer": estimate(0.5)},
    }


@pytest.mark.parametrize("name", ["m", "SmolLM2-135M-Instruct", "meta-llama/" + "Long-" * 20])
@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.007, 0.065, "not worse"),
        (-0.5, -0.3, "fell"),
        (-0.06, 0.02, "inconclusive"),
        (0.1, 0.6, "not worse"),
    ],
)
def test_no_word_is_cut_off(tmp_path, monkeypatch, name, low, high, verdict):
    drawn = []

    def kept(figure, path):
        figure.canvas.draw()
        drawn.append(figure)

    monkeypatch.setattr(audit_plot, "save_png", kept)
    plot_audit(audit(name, low, high, verdict), tmp_path / "audit.png")
    (figure,) = drawn
    edge = figure.bbox
    texts = [text for axes in figure.axes for text in (*axes.texts, axes.xaxis.label)]
    texts += [label for axes in figure.axes for label in axes.get_yticklabels()]
    for text in texts:
        extent = text.get_window_extent()
        assert edge.x0 <= extent.x0
        assert extent.x1 <= edge.x1
        assert edge.y0 <= extent.y0
        assert extent.y1 <= edge.y1
