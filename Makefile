.PHONY: check test bench demo loop ablation fuzz

check:  ## style, formatting, spelling of types
	ruff check .
	ruff format --check .

test:  ## everything that CI runs
	pytest

bench:  ## each claim of speed, as a ratio measured in one run
	@for name in overhead inflight faults store generate release publish review train; do \
		echo "== bench/$$name.py"; python -m bench.$$name || exit 1; done

demo:  ## the main job on this machine
	srt demo

loop:  ## the whole method on two cores, measured on held-out problems; half an hour
	python -m bench.loop

ablation:  ## the paper's ablation on such problems, three seeds; hours
	python -m bench.ablation

fuzz:  ## a million mutated replies through the parser
	python tests/builders/fuzz_parse.py --count 1000000
