"""What talks to models and services: the LLM factory, the pipelines and the command line."""
