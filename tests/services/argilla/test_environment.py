import re
import zipfile

import pytest

from services.argilla import environment
from services.argilla.environment import PINS, REDIS_PINS, environment_python
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


def test_every_pin_is_exact_and_has_hashes():
    for file in (PINS, REDIS_PINS):
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        pins = " ".join(line.removesuffix("\\").strip() for line in lines)
        one = r"[a-z0-9._-]+==[^ ]+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+"
        assert re.fullmatch(rf"({one}\s*)+", pins)
    assert "argilla-server==2.8.0" in PINS.read_text()


def test_redis_has_what_it_needs_before_python_3_11_3():
    """Debian 12 has Python 3.11.2; there, Argilla was installed and did not start."""
    pins = PINS.read_text()
    assert "\nredis==8" in pins
    assert '\nasync-timeout==5.0.1 ; python_full_version < "3.11.3" \\\n' in pins


def test_a_wheel_with_another_hash_is_not_installed(tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    info = "tiny_thing-1.0.dist-info"
    with zipfile.ZipFile(wheels / "tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_thing.py", "")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"tiny-thing==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(environment, "PINS", pins)
    monkeypatch.setattr(environment, "_version", lambda: "2")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    cache = tmp_path / "cache"
    with pytest.raises(NotInstalled, match=r"(?i)hash"):
        environment_python(cache, print)
    assert [path.name for path in cache.iterdir()] in ([".argilla.lock"], [])


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
