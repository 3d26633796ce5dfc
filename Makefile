# Every target does its own set-up and can run first. PYTHON=python3.13 selects the other TensorFlow stack (BUILD.md).
PYTHON ?= python3.11
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifeq ($(VERSION),)
$(error PYTHON=$(PYTHON) does not run: give a Python 3.10 to 3.13, as in make test PYTHON=/usr/bin/python3.13)
endif
VENV := .venv-$(VERSION)
RUN := TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python
DEMO := demo/$(VERSION)

.PHONY: install test test-settings findings lint documents demo train-demo clean

install: $(VENV)/installed

# Nothing is compiled beforehand: of 2 GB little is ever imported, and that is compiled then.
$(VENV)/installed: setup.py
	@echo "installing into $(VENV): about 2 GB, nothing is printed for a while"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --no-compile --editable '.[dev,demo]'
	touch $@

# Most of a test's time is tracing, on one core: a process for each of a few cores (each needs about 2 GB).
test: install
	$(RUN) -m pytest tests -n auto --maxprocesses=4 --dist worksteal

# All of it, whatever the stack (tests/stacks.py), under other instruction sets and numbers of threads than this machine's.
test-settings: install
	BOTH_STACKS=1 $(RUN) -m tests.settings tests -n auto --maxprocesses=4 --dist worksteal

# What libraries of this field do that one would not expect, shown anew; installs what each script names.
findings:
	@status=0; for script in findings/*.sh; do echo "$$script"; PYTHON=$(PYTHON) bash $$script || status=1; done; exit $$status

lint: install
	$(VENV)/bin/ruff check --config .ci/ruff.toml .
	$(VENV)/bin/ruff format --check --config .ci/ruff.toml .

# Draws what programs write into the documents anew: tables of scores, the picture of the rooms.
documents: install
	$(VENV)/bin/cog -r -I . BUILD.md experiments/README.md

# Videos of one label map that is drawn for it, by both trained street models that a checkout holds.
demo: install
	$(RUN) experiments/draw_label_map.py --preset=synthetic_street --seed=424242 --output=$(DEMO)/label.png
	$(RUN) experiments/generate.py --preset=synthetic_street --label_map=$(DEMO)/label.png --num_videos=3 --output=$(DEMO)/out
	$(RUN) experiments/generate.py --preset=cityscapes --label_map=$(DEMO)/label.png --num_videos=3 --output=$(DEMO)/cityscapes
	@echo "your videos: $(DEMO)/out/video.gif (rendered streets) and $(DEMO)/cityscapes/video.gif (photographs of streets)"
	@echo "next:        . $(VENV)/bin/activate"
	@echo "             python experiments/generate.py --preset=synthetic_street --label_map=$(DEMO)/label.png --output=out --seed=7"

# The way a model is made, in miniature: streets rendered, both stages trained for a few minutes, measured, exported, and a
# video made from a label map that no training clip had. A run that was stopped goes on where it was.
train-demo: install
	@test -d $(DEMO)/data/train || $(RUN) experiments/prepare_data.py --flagfile=experiments/flags/demo_train.flags --output=$(DEMO)/data
	@test -d $(DEMO)/data/validation || $(RUN) experiments/prepare_data.py --flagfile=experiments/flags/demo_validation.flags --output=$(DEMO)/data
	$(RUN) experiments/train_start_frame.py --flagfile=experiments/flags/demo_start_frame.flags --data_dir=$(DEMO)/data --run_dir=$(DEMO)/run --resume
	$(RUN) experiments/train_motion.py --flagfile=experiments/flags/demo_motion.flags --data_dir=$(DEMO)/data --run_dir=$(DEMO)/run --resume
	$(RUN) experiments/evaluate.py --run_dir=$(DEMO)/run --data=$(DEMO)/data/validation --train_data=$(DEMO)/data/train --output=$(DEMO)/run/evaluation --max_clips=16
	$(RUN) experiments/export.py --run_dir=$(DEMO)/run --root=$(DEMO)/saved_models --name=demo
	$(RUN) experiments/draw_label_map.py --seed=424242 --height=64 --width=128 --output=$(DEMO)/train-demo.png
	$(RUN) experiments/generate.py --saved_model=$(DEMO)/saved_models/demo --label_map=$(DEMO)/train-demo.png --num_videos=3 --output=$(DEMO)/train-demo
	@echo "your video:   $(DEMO)/train-demo/video.gif"
	@echo "its measures: $(DEMO)/run/evaluation/report.html"

clean:
	rm -rf .venv-* demo *.egg-info
