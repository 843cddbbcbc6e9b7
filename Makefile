.PHONY: check test demo fuzz

check:  ## style, formatting, spelling of types
	ruff check .
	ruff format --check .

test:  ## everything that CI runs
	pytest

demo:  ## the main job on this machine
	srt demo

fuzz:  ## a million mutated replies through the parser
	python tests/builders/fuzz_parse.py --count 1000000
