"""A run whose texts try everything, and a browser for all tests of a module."""

import pytest

from tests.browser import running_browser
from tests.ledger_rows import ledger_row, ledger_rows, make_run

ROWS = 400
HOSTILE = (
    "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    " \x1b[31mred\x1b[0m \u202etxet desrever\u202c שלום עולם"
)
FORMULA = "By Pythagoras, \\(a^2 + b^2 = c^2\\).\n\n```python\nprint('<b>bold</b>')\n```"


@pytest.fixture(scope="session")
def rows():
    found = list(ledger_rows(ROWS))
    found[0] = ledger_row(
        0,
        reason=None,
        instruction=HOSTILE,
        history=[
            {"role": "user", "content": "Before <b>"},
            {"role": "assistant", "content": "Yes"},
        ],
        draft="The capital of Cameroon is Douala, they say.",
        refinement="The capital of Cameroon is Yaoundé, they say.",
    )
    found[0]["calls"][0]["reasoning"] = "Let me think about </script> first."
    found[1] = ledger_row(1, reason=None, draft=FORMULA, refinement=f"{FORMULA} Indeed.")
    found[2] = ledger_row(2, reason=None, draft="long " * 20_000)
    return found


@pytest.fixture(scope="session")
def run(tmp_path_factory, rows):
    return make_run(tmp_path_factory.mktemp("viewed") / "runs/test", rows)[0].folder


@pytest.fixture(scope="module")
def browser():
    with running_browser() as browser:
        yield browser
