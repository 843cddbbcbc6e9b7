import doctest

import pytest

from builders.verifiable.reading import answers, prose, steps


@pytest.mark.parametrize("module", [answers, prose, steps], ids=lambda module: module.__name__)
def test_examples_in_docstrings(module):
    failed, attempted = doctest.testmod(module)
    assert attempted > 0
    assert failed == 0
