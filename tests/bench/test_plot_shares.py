import struct

from bench.plot_shares import plot_shares


def test_shares_with_intervals_and_without_a_value(tmp_path):
    known = {"value": 0.4, "low": 0.3, "high": 0.5}
    unknown = {"value": None, "low": None, "high": None}
    groups = {
        "right": {"base": known, "stage 1": known},
        "read": {"base": unknown, "stage 1": known},
    }
    plot_shares(groups, tmp_path / "shares.png")
    header = (tmp_path / "shares.png").read_bytes()[16:24]
    assert struct.unpack(">II", header) == (1600, 800)
