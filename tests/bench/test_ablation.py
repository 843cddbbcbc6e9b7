"""The table of the ablation: shares over seeds, and differences problem by problem."""

from bench.ablation import table


def measured(*finals, draft=None):
    return [{"draft": draft or final, "final": final, "final_characters": 40.0} for final in finals]


def test_a_config_is_compared_with_the_base_and_with_refinement_only():
    half = [True, False] * 50
    more = [True] * 60 + [True, False] * 20
    lines = table(
        {
            "base": measured(half),
            "sft": measured(more, more, draft=half),
            "sft-refinement-only": measured([True] * 100, more),
        }
    ).splitlines()
    assert lines[0].startswith("| 100 problems, 2 seeds | draft right | final answer right |")
    assert len({line.count("|") for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[0] for row in cells] == ["base", "full", "refinement only"]
    base, full, only = cells
    # 30 problems differ by 1 and 20 by a half, so m = −40/102, v = (35 + 2)/102 − m².
    assert base[1:] == [base[1], base[1], "50.0%", "–", "−40.0 (−48.1 to −30.3)", "40"]
    # Two seeds that answer alike are 100 problems, not 200: the interval is Wilson's of 100.
    assert full[1] == base[1] == "50.0% (40%–60%)"
    assert full[2:4] == ["80.0% (71%–87%)", "80.0%, 80.0%"]
    assert full[4].startswith("+30.0 (+20.")
    assert full[5].startswith("−10.0 (")
    assert only[3:] == ["100.0%, 80.0%", only[4], "–", "40"]


def test_without_refinement_only_there_is_nothing_to_compare_with():
    lines = table({"base": measured([True, False]), "sft": measured([True, True])}).splitlines()
    assert lines[0].startswith("| 2 problems, 1 seed |")
    assert [line.split("|")[6].strip() for line in lines[2:]] == ["–", "–"]
