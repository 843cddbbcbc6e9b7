"""What recipes may ask for, and what is read of it in the manifests of other versions."""

import pytest
from pydantic import ValidationError

from builders.settings import FilterSettings, GateSettings, PairFilterSettings, ReviewSettings

ALL = (FilterSettings, PairFilterSettings, GateSettings, ReviewSettings)


@pytest.mark.parametrize("settings", ALL)
def test_every_key_has_a_default_and_a_description(settings):
    assert settings.of(None) == settings.of({}) == settings()
    for name, field in settings.model_fields.items():
        assert (field.description or "").endswith("."), name


@pytest.mark.parametrize("settings", ALL)
def test_settings_survive_a_manifest(settings):
    assert settings.of(settings().model_dump(mode="json")) == settings()


def test_a_key_of_a_later_version_is_ignored_in_a_manifest_and_refused_in_a_recipe():
    recorded = {"wrong": "keep", "of_later": 1}
    assert ReviewSettings.of(recorded) == ReviewSettings(wrong="keep")
    with pytest.raises(ValidationError, match="of_later"):
        ReviewSettings(**recorded)


def test_a_release_records_the_names_of_evaluation_files_and_not_their_paths():
    settings = GateSettings(evaluation=("/home/ada/prompts.txt",), phone_regions=("DE", "FR"))
    published = settings.published()
    assert published.evaluation == ("prompts.txt",)
    assert published.model_copy(update={"evaluation": settings.evaluation}) == settings
