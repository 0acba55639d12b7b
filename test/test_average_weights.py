# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import runpy
import sys

from network_helpers import random_network
import pytest
import torch

from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.checkpoint import save_checkpoint

SCRIPT = Path(__file__).parents[1] / 'benchmarks' / 'average_weights.py'


@pytest.fixture
def average(monkeypatch):
    """Return a function that runs the script with some paths."""
    def run(*paths: Path) -> None:
        monkeypatch.setattr(sys, 'argv', [str(SCRIPT), *(str(path) for path in paths)])
        runpy.run_path(str(SCRIPT), run_name='__main__')
    return run


def test_average_is_the_mean_of_every_tensor(average, tiny_config, tmp_path):
    paths = [tmp_path / f'{name}.safetensors' for name in ('a', 'b', 'c', 'mean')]
    for share, path in zip((0.0, 0.25, 1.25), paths[:3], strict=True):
        network = random_network(tiny_config)
        for parameter in network.parameters():
            parameter.data.mul_(share)
        save_checkpoint(network, path)
    average(*paths)
    whole = random_network(tiny_config).state_dict()
    for name, tensor in load_checkpoint(paths[-1]).state_dict().items():
        torch.testing.assert_close(tensor, whole[name] / 2, rtol=1e-3, atol=1e-4)


def test_average_of_different_networks_is_refused(average, tiny_config, tmp_path, capsys):
    other = replace(tiny_config, network_size_hw=(32, 64))
    for config, name in ((tiny_config, 'a'), (other, 'b')):
        save_checkpoint(random_network(config), tmp_path / f'{name}.safetensors')
    with pytest.raises(SystemExit):
        average(*(tmp_path / f'{name}.safetensors' for name in ('a', 'b', 'mean')))
    assert 'b.safetensors is of another network than' in capsys.readouterr().err
    assert not (tmp_path / 'mean.safetensors').exists()


def test_average_without_an_output_overwrites_no_weights(average, tiny_config, tmp_path, capsys):
    paths = [tmp_path / f'{name}.safetensors' for name in ('a', 'b')]
    for path in paths:
        save_checkpoint(random_network(tiny_config), path)
    before = paths[1].stat().st_mtime_ns
    with pytest.raises(SystemExit):
        average(*paths)
    assert 'two weights and an output are needed' in capsys.readouterr().err
    assert paths[1].stat().st_mtime_ns == before
