"""A model that answers with its refinement, for clients of OpenAI's API (`services.chat`)."""
