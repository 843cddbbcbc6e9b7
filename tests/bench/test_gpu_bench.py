"""The bench for a GPU runs without one, on a tiny model."""

from bench.gpu import _BARE, _FLOPS, one


def test_each_way_goes_through_the_same_tokens(tmp_path):
    folder = str(tmp_path)
    assert one(folder, "inputs", "ours", smoke=True) == {}
    for what in _FLOPS:
        other, ours = (
            one(folder, what, how, smoke=True) for how in (_BARE.get(what, "TRL"), "ours")
        )
        assert min(other["seconds"], ours["seconds"], ours["tokens"]) > 0
        if what != "decoding":
            # TRL reads each row by itself; ours reads a conversation once.
            assert ours["tokens"] <= other["tokens"]
