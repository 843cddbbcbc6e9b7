"""Reading free text: its final answer, its numbers, its words, the steps it shows."""
