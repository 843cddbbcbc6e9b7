"""What a free text says: its final answer, its numbers, its words, the steps it shows."""
