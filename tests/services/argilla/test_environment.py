import pytest

from services.argilla.environment import PINS, environment_python
from services.argilla.errors import NotInstalled
from services.first_use import last_error


def test_a_failed_install_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "none"))
    cache = tmp_path / "cache"
    (cache / "argilla-partial" / "env").mkdir(parents=True)
    said = []
    with pytest.raises(NotInstalled, match=r"^argilla-server cannot be installed: .*pip's index"):
        environment_python(cache, said.append)
    assert len(said) == 1
    assert [path.name for path in cache.iterdir()] in ([".argilla.lock"], [])


def test_every_pin_is_exact():
    pins = [line for line in PINS.read_text().splitlines() if not line.startswith("#")]
    assert all(pin.count("==") == 1 for pin in pins)
    assert "argilla-server==2.8.0" in pins


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("one\nERROR: no index.\nnotice", "no index"),
        ("Traceback\nValueError: x\n\n", "ValueError: x"),
        ("", "it gave no reason"),
    ],
)
def test_the_reason_in_a_log(log, words):
    assert last_error(log) == words
