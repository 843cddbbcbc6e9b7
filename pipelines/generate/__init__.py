"""From a recipe to a run: the two pipelines, their steps and tasks, and what builds the run."""
