"""The repositories, large files and collections on disk, and how a change becomes durable."""
