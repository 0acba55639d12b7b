# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of domain randomisation."""

from __future__ import annotations

from dataclasses import replace
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from zoe_depth_ros.training.config import read_train_config

BENCHMARKS = Path(__file__).parents[1] / 'benchmarks'


@pytest.fixture
def randomisation(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(
        'randomisation', BENCHMARKS / 'randomisation.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_randomisation_rows_change_pictures_and_nothing_else(randomisation):
    plain, *others = [
        read_train_config(randomisation.CONFIG, (*randomisation.SHORT, *changes))
        for changes in randomisation.ROWS.values()]
    assert (plain.steps, plain.augment.color, plain.augment.degrade) == (300, 0, 0)
    assert len({config.augment for config in (plain, *others)}) == len(randomisation.ROWS)
    assert all(replace(config, augment=plain.augment) == plain for config in others)


def test_randomisation_row_is_mean_and_spread_of_each_figure(randomisation):
    assert randomisation.markdown_row('before', [[0.5, 1.0]]) == '| before | 0.500 | 1.000 |'
    assert randomisation.markdown_row('plain', [[0.5, 1.0], [0.7, 1.0]]) == (
        '| plain | 0.600 ± 0.141 | 1.000 ± 0.000 |')
