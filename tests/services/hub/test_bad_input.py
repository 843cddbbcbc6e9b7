import base64
import json

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.hub.errors import HubError
from services.hub.http.shapes import card_data
from services.hub.names import check_ref_name, is_path, repo_id
from services.hub.storage.lfs_rules import UploadRules, default_gitattributes
from services.hub.storage.objects import Lfs, read_pointer
from services.hub.storage.operations import CommitHeader, read_header, read_operation
from tests.running_hub import running_hub

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(["file", "lfsFile", "deletedFile", "deletedFolder", "header", "other"])
PATHS = st.sampled_from(["a", "a/b", "../a", "/a", "a//b", ".git/x", "", "a\0", "x" * 2000, "a/"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "path": PATHS | JSON,
        "content": st.sampled_from(["", "YQ==", "YQ", "=", "é"]) | JSON,
        "encoding": st.sampled_from(["base64", "utf-8", "utf-16"]) | JSON,
        "oid": st.sampled_from(["0" * 64, "A" * 64, "../" + "0" * 61]) | JSON,
        "size": st.integers() | JSON,
        "algo": st.just("sha256") | JSON,
        "summary": JSON,
        "description": JSON,
        "parentCommit": st.sampled_from(["0" * 40, "0" * 6, "main"]) | JSON,
    },
)
LINES = (
    st.fixed_dictionaries({"key": KEYS | JSON, "value": VALUES | JSON})
    .map(lambda line: json.dumps(line).encode())
    .flatmap(lambda line: st.sampled_from([line, line[:-1], line + b"}"]))
) | st.binary(max_size=40)


@settings(max_examples=500)
@given(LINES)
@example(b"[" * 100_000)
@example(b'{"key": "file", "value": {"path": "\\ud800", "content": ""}}')
def test_a_line_is_parsed_or_rejected(line):
    for read in (read_header, read_operation):
        try:
            found = read(line)
        except HubError as error:
            refused = error
        else:
            assert isinstance(found, CommitHeader) or is_path(found.path)
            continue
        assert refused.status in (400, 413)
        assert "\n" not in str(refused)


@settings(max_examples=500)
@given(st.text(max_size=30) | st.lists(st.sampled_from([*"aA.-_/~"]), max_size=9).map("".join))
def test_no_name_escapes_its_folder(name):
    try:
        found = repo_id("datasets", "org", name)
    except HubError:
        pass
    else:
        assert "/" not in found.name
        assert not found.name.startswith((".", "-"))
    if is_path(name):
        assert not {"", ".", ".."} & set(name.split("/"))
    for what in ("tag", "branch"):
        try:
            check_ref_name(name, what)
        except HubError:
            continue
        assert is_path(name)
        assert not name.startswith(("refs/", "-"))


@given(st.binary(max_size=200), st.integers(0, 10**12))
def test_only_pointers_are_read_as_pointers(blob, size):
    pointer = Lfs("0" * 64, size)
    assert read_pointer(pointer.pointer()) == pointer
    assert read_pointer(pointer.pointer() + blob) == (None if blob else pointer)
    assert read_pointer(blob) is None


@given(st.binary(max_size=200))
@example(b"&a [*a]")
@example(b"a: " + b"9" * 400)
def test_any_front_matter_becomes_json(front):
    found = card_data(b"---\n" + front + b"\n---\n")
    json.dumps(found)


def test_recursive_aliases_are_not_read(ask):
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    card = "---\n" + "\n".join(lines) + "\n---\n"
    assert card_data(card.encode()) == {}
    refused = ask("POST", "/api/validate-yaml", token=None, json={"content": card})
    assert refused.status_code == 400
    assert "aliases" in refused.json()["errors"][0]["message"]


def test_who_has_no_token_can_have_a_short_card_checked(ask):
    card = {"content": "---\nabout: " + "x" * 100_000 + "\n---\n"}
    assert ask("POST", "/api/validate-yaml", json=card).status_code == 200
    refused = ask("POST", "/api/validate-yaml", token=None, json=card)
    assert "characters" in refused.json()["errors"][0]["message"]


def test_there_is_a_bound_on_what_one_request_asks_about(ask, dataset):
    repo = f"/api/datasets/{dataset.name}"
    files = [{"path": f"{n}.txt", "size": 1, "sample": ""} for n in range(1001)]
    objects = [{"oid": f"{n:064d}", "size": 1} for n in range(1001)]
    lfs = {"operation": "upload", "objects": objects}
    for method, path, body in (
        ("POST", f"{repo}/preupload/main", {"files": files}),
        ("POST", f"/datasets/{dataset.name}.git/info/lfs/objects/batch", lfs),
        ("POST", f"{repo}/paths-info/main", {"paths": ["x" * 1000] * 2000}),
    ):
        assert ask(method, path, json=body).status_code == 413
    assert ask("GET", "/api/datasets?limit=" + "9" * 5000).status_code == 200


@given(st.binary(max_size=80), st.binary(max_size=80), st.text(min_size=1, max_size=20))
def test_any_attributes_and_ignore_files_are_accepted(attributes, ignored, path):
    if not is_path(path):
        return
    rules = UploadRules(attributes, ignored)
    assert rules.mode(path, 10, b"") in ("lfs", "regular")
    assert rules.is_ignored(path) in (True, False)


@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_files_go_where_the_hub_puts_them(kind):
    rules = UploadRules(default_gitattributes(kind), b"")
    for path in ("a/b.parquet", "model.safetensors", "x.bin", "p.png", "runs/events.tfevents.1"):
        assert rules.mode(path, 10, b"text") == "lfs"
    for path in ("README.md", "config.json", "parquet/notes.txt", ".gitattributes"):
        assert rules.mode(path, 10, b"text") == "regular"
    assert rules.mode("notes.txt", 10 * 1024 * 1024 + 1, b"text") == "lfs"
    assert rules.mode("notes.txt", 10, b"\x00\x01") == "lfs"


HEADER = b'{"key": "header", "value": {"summary": "x"}}\n'


def line(key, **value):
    return json.dumps({"key": key, "value": value}).encode() + b"\n"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "the commit is empty"),
        (HEADER, 400, "at least one file"),
        (line("file", path="a", content="YQ==", encoding="base64"), 400, "must be its header"),
        (HEADER + b"{not json}", 400, "not JSON"),
        (HEADER + line("file", path="../a", content=""), 400, "is not a valid path"),
        (HEADER + line("file", path="/etc/passwd", content=""), 400, "is not a valid path"),
        (HEADER + line("file", path=".git/config", content=""), 400, "is not a valid path"),
        (HEADER + line("file", path="a", content="***", encoding="base64"), 400, "not base64"),
        (HEADER + line("lfsFile", path="a", oid="0" * 64, size=1), 422, "has not been uploaded"),
        (HEADER + line("lfsFile", path="a", oid="xyz", size=1), 400, "must be a SHA-256"),
        (HEADER + line("merge", path="a"), 400, "unknown commit operation 'merge'"),
        (HEADER + b"x" * 15_000_000, 413, "a line of the commit is over"),
        (
            HEADER
            + line(
                "file",
                path="a",
                content=base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode(),
                encoding="base64",
            ),
            413,
            "upload it with LFS",
        ),
    ],
)
def test_a_bad_commit_gets_a_clear_error(api, ask, dataset, body, status, words):
    head = api.repo_info(**dataset.named).sha
    refused = ask("POST", f"/api/datasets/{dataset.name}/commit/main", data=body)
    assert (refused.status_code, set(refused.json())) == (status, {"error"})
    assert words in refused.json()["error"]
    assert api.repo_info(**dataset.named).sha == head


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/repos/create", b"{", 400),
        ("POST", "/api/repos/create", b"[]", 400),
        ("POST", "/api/repos/create", b'{"name": "../../x"}', 400),
        ("POST", "/api/repos/create", b'{"name": "x", "organization": "api"}', 400),
        ("POST", "/api/repos/create", b'{"name": "x", "organization": ".."}', 400),
        ("POST", "/api/repos/create", b'{"name": "x", "type": "space"}', 400),
        ("POST", "/api/repos/create", b'{"name": "x", "type": 3}', 400),
        ("POST", "/api/repos/create", b'{"name": 3}', 400),
        ("DELETE", "/api/repos/delete", b'{"name": "..", "organization": "."}', 400),
        ("GET", "/api/datasets/..%2F..%2Fetc/passwd", None, 404),
        ("GET", "/datasets/%2e%2e/%2e%2e/resolve/main/x", None, 404),
        ("GET", "/api/datasets/org/name/nothing/here", None, 404),
        ("GET", "/api/spaces/org/name", None, 404),
        ("PATCH", "/api/whoami-v2", None, 405),
        ("POST", "/api/datasets/REPO/preupload/main", b'{"files": [{"path": "a"}]}', 400),
        ("POST", "/api/datasets/REPO/preupload/main", b'{"files": {}}', 400),
        ("POST", "/api/datasets/REPO/paths-info/main", b'{"paths": 3}', 400),
        ("GET", "/api/datasets/REPO/tree/main?cursor=-1", None, 400),
        ("GET", "/api/datasets/REPO/commits/main?p=x", None, 400),
        ("GET", "/api/datasets/REPO/tree/%00", None, 404),
        ("GET", "/api/datasets/REPO/tree/main/%FF", None, 404),
        ("GET", "/api/datasets/REPO/tree/main/..%2F..", None, 404),
        ("GET", "/datasets/REPO/resolve/main/..%2F..%2F..%2Fsettings.json", None, 404),
        ("GET", "/datasets/REPO/resolve/..%2F..%2Fsettings.json/x", None, 404),
        ("POST", "/datasets/REPO.git/info/lfs/objects/batch", b'{"operation": "download"}', 501),
        ("POST", "/datasets/REPO.git/info/lfs/objects/batch", b'{"operation": "upload"}', 400),
        ("PUT", "/lfs/" + "0" * 64, b"x", 400),
        ("PUT", "/lfs/..%2F..%2Fx?size=1&signature=x", b"x", 403),
        ("POST", "/api/validate-yaml", b"{}", 400),
    ],
)
def test_a_bad_request_gets_a_clear_error(ask, dataset, method, path, body, status):
    headers = {"Content-Type": "application/json"}
    refused = ask(method, path.replace("REPO", dataset.name), data=body, headers=headers)
    assert refused.status_code == status
    assert isinstance(refused.json()["error"], str)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("license: CC-BY-4.0", "license"),
        ("language: [en, english]", "language"),
        ("size_categories: [n>1B]", "size_categories"),
        ("annotations_creators: [people]", "annotations_creators"),
        ("source_datasets: [seed tasks]", "source_datasets"),
    ],
)
def test_a_card_that_the_hub_refuses_is_refused_here(api, dataset, line, key):
    good = "---\nlicense: cc-by-4.0\nlanguage: [en]\nsize_categories: [n<1K]\n---\n# It\n"
    api.upload_file(path_or_fileobj=good.encode(), path_in_repo="README.md", **dataset.named)
    card = f"---\n{line}\n---\n# It\n".encode()
    with pytest.raises(ValueError, match=f'"{key}" with value'):
        api.upload_file(path_or_fileobj=card, path_in_repo="README.md", **dataset.named)


@settings(max_examples=40)
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_url_gets_a_response(ask, revision, path):
    from urllib.parse import quote

    def safe(text):
        return quote(text.encode(errors="surrogatepass"), safe="")

    for address in (
        f"/api/datasets/org/none/tree/{safe(revision)}/{safe(path)}",
        f"/datasets/org/none/resolve/{safe(revision)}/{safe(path)}",
        f"/api/datasets/{safe(revision)}/{safe(path)}",
    ):
        assert ask("GET", address).status_code < 500


@pytest.mark.parametrize("content", [b"", b"[]", b'{"created": "x", "other": 1}', b"\xff"])
def test_a_damaged_file_of_the_servers_own_is_named(tmp_path, content):
    with running_hub(tmp_path) as hub:
        api = HfApi(endpoint=hub.url, token=False)
        api.create_repo("org/one", repo_type="dataset")
        (tmp_path / "datasets/org/one/settings.json").write_bytes(content)
        with pytest.raises(HfHubHTTPError, match=r"settings\.json on the server's disk is damaged"):
            api.repo_info("org/one", repo_type="dataset")


def test_a_damaged_repository_is_named(tmp_path):
    with running_hub(tmp_path) as hub:
        HfApi(endpoint=hub.url, token=False).create_repo("org/one", repo_type="dataset")
        hub.kill()
        (tmp_path / "datasets/org/one/repo.git/HEAD").unlink()
        (tmp_path / "datasets/org/one/repo.git/objects").rename(tmp_path / "elsewhere")
        hub.start()
        with pytest.raises(HfHubHTTPError, match=r"repo\.git on the server's disk is damaged"):
            HfApi(endpoint=hub.url, token=False).repo_info("org/one", repo_type="dataset")
