"""Material for problems: words, stories, countries, and topics with sentences."""
