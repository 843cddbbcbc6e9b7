import threading

import pytest

from builders.release.order import prefetch


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("length", [0, 1, 2, 20])
def test_the_same_items_in_order(count, length):
    assert list(prefetch(iter(range(length)), count)) == list(range(length))


def test_as_many_as_asked_for_are_made_before_they_are_used():
    made, enough = [], threading.Event()

    def items():
        for number in range(100):
            made.append(number)
            if len(made) == 4:
                enough.set()
            yield number

    taken = prefetch(items(), count=3)
    assert next(taken) == 0
    # Three wait while the first is used, and no more.
    assert enough.wait(60)
    taken.close()
    assert len(made) <= 4


def test_what_goes_wrong_in_the_thread_is_told_where_the_item_is_due():
    def items():
        yield 1
        raise KeyError("broken")

    taken = prefetch(items())
    assert next(taken) == 1
    with pytest.raises(KeyError, match="broken"):
        next(taken)


def test_nothing_is_made_before_the_first_is_asked_for():
    made = []
    prefetch(made.append(number) for number in range(3))
    assert made == []
