"""What problems are made of: words, stories, countries, topics with their sentences."""
