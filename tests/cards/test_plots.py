"""The plots: the same bytes for the same figures, in the right size and format."""

import struct
import zlib

import matplotlib
import pytest

from cards.plots import plot_calibration, plot_losses, plot_scores


def counts(**scores):
    return {str(score): scores.get(f"s{score}", 0) for score in range(1, 11)}


DRAFT, REFINEMENT = counts(s3=40, s5=90, s6=20), counts(s5=10, s7=80, s8=60)


def chunks(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, found = 8, []
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert check == zlib.crc32(kind + body)
        found.append((kind.decode(), body))
        place += 12 + length
    return found


def test_it_is_a_png_with_twice_the_displayed_resolution(tmp_path):
    plot_scores(DRAFT, REFINEMENT, tmp_path / "assets" / "scores.png")
    (kind, header), *_ = chunks(tmp_path / "assets" / "scores.png")
    assert kind == "IHDR"
    assert struct.unpack(">II", header[:8]) == (1600, 800)


def test_it_names_no_program_version_or_date(tmp_path):
    plot_scores(DRAFT, REFINEMENT, tmp_path / "scores.png")
    kinds = [kind for kind, _ in chunks(tmp_path / "scores.png")]
    assert not {"tEXt", "iTXt", "zTXt", "tIME"} & set(kinds)


def test_the_users_settings_have_no_effect(tmp_path):
    plot_scores(DRAFT, REFINEMENT, tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 50}):
        plot_scores(DRAFT, REFINEMENT, tmp_path / "styled.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


def test_different_figures_make_a_different_plot(tmp_path):
    plot_scores(DRAFT, REFINEMENT, tmp_path / "a.png")
    plot_scores(DRAFT, counts(s5=10, s7=80, s9=60), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("draft", "refinement"),
    [
        (counts(s1=1), counts(s10=1)),
        (counts(s10=1), counts(s1=1)),
        (counts(s5=3), counts(s5=3)),
        (counts(), counts()),
        (counts(s4=10**7), counts()),
    ],
)
def test_extremes_are_plotted_without_warnings(tmp_path, draft, refinement, recwarn):
    plot_scores(draft, refinement, tmp_path / "scores.png")
    assert chunks(tmp_path / "scores.png")
    assert not recwarn.list


def size(path):
    """Width and height, in pixels, from a PNG's first chunk."""
    return struct.unpack(">II", path.read_bytes()[16:24])


def test_loss_plots_of_many_one_and_no_points(tmp_path):
    history = [{"step": 5, "loss": 1.6}, {"step": 10, "loss": 1.1}, {"step": 10, "eval_loss": 1.2}]
    for number, points in enumerate((history, history[:1], [])):
        plot_losses(points, tmp_path / f"{number}.png")
        assert size(tmp_path / f"{number}.png") == (1600, 800)


def test_calibration_plots_of_few_and_no_figures(tmp_path, recwarn):
    known = {"value": 0.4, "low": 0.3, "high": 0.5}
    unknown = {"value": None, "low": None, "high": None}
    scores = [{"score": 4, "human": {"value": 5.0, "low": 5.0, "high": 5.0}}]
    margins = [{"margin": -1, "preferred": known}, {"margin": 2, "preferred": unknown}]
    plot_calibration(scores, margins, tmp_path / "a.png")
    plot_calibration(scores, margins, tmp_path / "b.png")
    plot_calibration([{"score": 1, "human": unknown}], [], tmp_path / "none.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "none.png").read_bytes()
    assert size(tmp_path / "none.png") == (1600, 800)
    assert not recwarn.list
