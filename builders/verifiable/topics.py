"""All subjects to write about."""

from builders.verifiable.topics_life import LIFE
from builders.verifiable.topics_nature import NATURE

TOPICS = NATURE + LIFE
BY_NAME = {topic.name: topic for topic in TOPICS}
