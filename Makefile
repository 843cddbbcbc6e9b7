.PHONY: check test docs bench demo loop ablation fuzz
COUNT ?= 1000000

check:  ## lint, formatting, and that no import points up
	ruff check .
	ruff format --check .
	lint-imports --no-cache

test:  ## everything that CI runs
	pytest

docs:  ## the pages that are generated: every recipe key, every command, chat templates
	python -m pipelines.recipe.reference > docs/recipe.md
	python -m pipelines.cli.reference > docs/cli.md
	python -m train.reference > docs/models.md

bench:  ## each claim of speed, as a ratio measured in one run
	@for name in audit evaluate overhead inflight faults store generate serve release release_on_ray publish review train view hostile kills; do \
		echo "== bench/$$name.py"; python -m bench.$$name || exit 1; done

demo:  ## the main job on this machine
	srt demo

loop:  ## the whole method on two cores, measured on held-out problems; under an hour
	python -m bench.loop

ablation:  ## the paper's ablation on such problems, three seeds; hours
	python -m bench.ablation

fuzz:  ## a million mutated replies through the parser (COUNT=1000 for fewer)
	python -m tests.builders.critique.fuzz_parse --count $(COUNT)
