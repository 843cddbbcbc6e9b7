"""The prompts of a critic, the parser of its replies, and the filters of rows."""
