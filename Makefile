# Everything runs in .venv, which is made from the pinned requirements.
PYTHON ?= python3
PIP := .venv/bin/python -m pip install --disable-pip-version-check

# The virtual environment brings its own ROS 2; one that is installed must not be mixed in.
unexport AMENT_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH RMW_IMPLEMENTATION

.PHONY: demo test

demo: .venv/run.stamp
	.venv/bin/python -m zoe_depth_ros.cli demo $(if $(BAG),--bag '$(BAG)')

test: .venv/test.stamp
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/pytest

.venv/run.stamp: requirements.txt
	$(PYTHON) -m venv .venv
	touch .venv/COLCON_IGNORE
	$(PIP) -r requirements.txt
	touch $@

.venv/test.stamp: .venv/run.stamp requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@
