"""All topics to write about."""

from builders.verifiable.material.topics_life import LIFE
from builders.verifiable.material.topics_nature import NATURE

TOPICS = NATURE + LIFE
BY_NAME = {topic.name: topic for topic in TOPICS}
