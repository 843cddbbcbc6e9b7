import pytest

from builders.verifiable.material.topics import TOPICS
from builders.verifiable.reading.prose import is_whole_sentence, sentences, words


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_prepared_sentences_serve_every_family(topic):
    assert "e" not in topic.without_e.casefold()
    lengths = [len(words(fact)) for fact in topic.facts]
    assert len(set(lengths)) == len(lengths) >= 6
    for text in (*topic.facts, topic.without_e):
        assert topic.is_subject_of(text), text
        assert len(sentences(text)) == 1
        assert is_whole_sentence(text)


def test_another_topic_is_recognized():
    by_name = {topic.name: topic for topic in TOPICS}
    assert not by_name["bees"].is_subject_of("The town hall opens at nine.")
