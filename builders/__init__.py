"""The data: schema, prompts, parsing, sources, filters, training rows and the release.

Pure: nothing here opens a network connection or imports torch or distilabel.
"""
