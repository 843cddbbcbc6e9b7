"""A key that was typed into a recipe is refused, and is printed and kept nowhere."""

import pytest

from builders.errors import BadInput
from pipelines.audit.judges import judge_of
from pipelines.recipe.file import load_recipe

KEY = "sk-proj-" + "Ab1" * 12
# No issuer's form: only its place tells.
PLAIN = "0f3c9a7715d2"
RECIPE = """
name: x
instructions: {{builtin: stage1}}
drafts: {{kind: embedded}}
critic: {{kind: openai, model: m{more}}}
"""


@pytest.mark.parametrize(
    ("more", "place"),
    [
        (f", base_url: 'https://user:{PLAIN}@example.org/v1'", "critic.base_url: the address has"),
        (f", base_url: 'https://{PLAIN}@example.org/v1'", "critic.base_url: the address has"),
        (f", base_url: 'https://example.org/v1?api-key={PLAIN}'", "critic.base_url: the address"),
        (f", base_url: 'https://example.org/v1?b=1&key={PLAIN}'", "critic.base_url: the address"),
        (f", base_url: 'https://example.org/{KEY}/v1'", "critic.base_url: this is a key"),
        (f", api_key_env: {KEY}", "critic.api_key_env: this is a key"),
        (f", api_key_env: '{PLAIN}'", "critic.api_key_env: this is no name"),
        (f", headers: {{api-key: '{PLAIN}'}}", "critic.headers.api-key: this is no name"),
        (f", headers: {{'Authorization: Bearer {KEY}': A}}", "critic.headers: this is a key"),
        (f", extra_body: {{api_key: '{PLAIN}'}}", "critic.extra_body.api_key: this looks like"),
        (
            f", extra_body: {{a: [{{X-Auth-Token: '{PLAIN}'}}]}}",
            "critic.extra_body.a.0.X-Auth-Token",
        ),
        (f", extra_body: {{user: {KEY}}}", "critic.extra_body.user: this is a key"),
        (f", system: 'Use {KEY}.'", "critic.system: this is a key"),
        (f", api_key: {KEY}", "critic.api_key: this is a key"),
        (f", api_key: '{PLAIN}'", "unknown key 'critic.api_key'; did you mean 'api_key_env'?"),
    ],
)
def test_it_is_refused_by_its_place(tmp_path, more, place):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(more=more))
    with pytest.raises(BadInput) as refused:
        load_recipe(path)
    said = str(refused.value)
    assert place in said
    assert "recipe.yaml" in said
    assert KEY not in said
    assert PLAIN not in said


@pytest.mark.parametrize(
    "override",
    [
        f"critic.api_key_env={KEY}",
        f"critic.api_key_env={PLAIN}",
        f"critic.api_key={KEY}",
        f"critic.extra_body.token={PLAIN}",
        f"critic.model.key.a={PLAIN}",
        f"critic.api_key_env=[{PLAIN}",
    ],
)
def test_an_override_with_a_key_is_not_printed(tmp_path, override):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(more=""))
    with pytest.raises(BadInput) as refused:
        load_recipe(path, [override])
    assert KEY not in str(refused.value)
    assert PLAIN not in str(refused.value)


@pytest.mark.parametrize(
    "more",
    [
        ", base_url: 'https://example.org/openai/v1?api-version=2026-01-01'",
        ", api_key_env: MY_KEY, headers: {api-key: AZURE_API_KEY}",
        ", extra_body: {stop_token_ids: [2], max_tokens_key: 3, reasoning: {effort: low}}",
        ", api_key_env: null",
    ],
)
def test_what_is_no_key_is_taken(tmp_path, more):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(more=more))
    assert load_recipe(path).critic.model == "m"


def test_a_model_of_an_audit_is_as_a_recipe(tmp_path):
    path = tmp_path / "judge.yaml"
    path.write_text(f"kind: openai\nmodel: m\nheaders: {{api-key: '{PLAIN}'}}\n")
    with pytest.raises(BadInput, match=r"judge.yaml: headers.api-key: this is no name"):
        judge_of(str(path), None)
