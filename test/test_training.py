# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import os
from pathlib import Path
import signal
import subprocess
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import torch
from training_helpers import quick_config
from training_helpers import quick_run
from training_helpers import TINY_MODEL
from training_helpers import WORLDS
from training_helpers import write_config
from training_helpers import write_list

from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.training.engine import train

ROOT = Path(__file__).parents[1]
HELD_OUT = [{**world, 'count': 3, 'first_seed': 5} for world in WORLDS]
KILLED = """
import os, signal, sys
from pathlib import Path
from zoe_depth_ros.training.config import read_train_config
from zoe_depth_ros.training.engine import train

def kill_at_five(step):
    if step.number == 5:
        os.kill(os.getpid(), signal.SIGKILL)

train(read_train_config(Path(sys.argv[1])), Path(sys.argv[2]), kill_at_five)
"""


def child(*args: str) -> subprocess.CompletedProcess:
    # As many threads as here: another number rounds otherwise.
    threads = {'OMP_NUM_THREADS': str(torch.get_num_threads())}
    environment = os.environ | {'PYTHONPATH': str(ROOT)} | threads
    return subprocess.run(
        [sys.executable, *args], env=environment, capture_output=True, text=True, timeout=300,
        check=False)


def events_of(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder)).Reload()


def curve(folder: Path, name: str) -> dict[int, float]:
    events = events_of(folder).Scalars(name)
    assert len({event.step for event in events}) == len(events)
    return {event.step: event.value for event in events}


def difference(one: Path, other: Path, part: str) -> torch.Tensor:
    """Return how far all weights of two states lie apart."""
    first, second = (torch.load(path / 'state.pt', weights_only=True)[part]
                     for path in (one, other))
    return torch.cat([(first[name] - second[name]).abs().flatten() for name in first])


@pytest.mark.parametrize('options', [
    {'stage': 'relative'}, {'stage': 'metric'}, {'stage': 'metric', 'routing': 'auto'}])
def test_train_on_worlds_lowers_the_loss(tmp_path, options):
    steps = []
    config = quick_config(
        **options, steps=16, learning_rate=1e-2, warmup=0.2, anchored=True,
        datasets=[{**world, 'count': 2} for world in WORLDS])
    train(config, tmp_path, steps.append)
    first, last = (np.mean([step.total for step in part]) for part in (steps[:4], steps[-4:]))
    assert last < 0.9 * first


def test_train_in_both_stages_ends_in_weights_that_an_estimator_runs(tmp_path):
    relative = train(
        quick_config(stage='relative', steps=2), tmp_path / 'relative', lambda _: None)
    steps = []
    weights = train(
        quick_config(init=str(relative), init_parts='encoder_decoder', steps=1),
        tmp_path / 'metric', steps.append)
    assert [step.number for step in steps] == [1]
    estimator = DepthEstimator.from_pretrained(weights)
    depth = estimator.estimate(np.zeros((32, 64, 3), np.uint8))
    assert depth.depth_m.shape == (32, 64)


@pytest.mark.parametrize(('stage', 'truth'), [
    ('metric', 'depth'), ('metric', 'distance'), ('relative', 'depth'),
    ('relative', 'disparity')])
def test_train_on_a_file_list(tmp_path, stage, truth):
    path = write_list(tmp_path)
    steps = []
    train(quick_config(
        stage=stage, datasets=[{'kind': 'list', 'path': str(path), 'truth': truth}], workers=1,
        steps=2), tmp_path / 'out', steps.append)
    assert [step.number for step in steps] == [1, 2]
    assert steps[-1].skipped_images == 0
    assert (steps[-1].metric if stage == 'metric' else steps[-1].relative) > 0


@pytest.mark.parametrize('where', ['datasets', 'validation'])
def test_train_reads_all_images_before_the_first_step(tmp_path, where):
    path, steps = write_list(tmp_path), []
    (tmp_path / '1.png').unlink()
    (tmp_path / '2_depth.png').write_bytes(b'nothing')
    listed = {'kind': 'list', 'path': str(path)}
    with pytest.raises(DatasetError, match=r'list\.txt.*2.*1\.png.*1 more: --dry-run') as caught:
        train(quick_config(**{where: [listed]}), tmp_path / 'out', steps.append)
    assert '\n' not in str(caught.value)
    assert steps == [] and not (tmp_path / 'out').exists()
    train(quick_config(**{where: [{**listed, 'skip_bad': True}]}, steps=1),
          tmp_path / 'out', steps.append)
    assert len(steps) == 1


def test_train_refuses_what_needs_no_reading_before_it_reads(tmp_path):
    (tmp_path / 'images').mkdir()
    path = write_list(tmp_path / 'images')
    (tmp_path / 'images' / '1.png').unlink()
    config = quick_config(datasets=[{'kind': 'list', 'path': str(path)}])
    with pytest.raises(TrainingError, match=r'output .*out cannot be made: .*list\.txt is a file'):
        train(config, path / 'deep' / 'out', lambda _: None)
    with pytest.raises(DatasetError, match=r'1\.png'):
        train(config, tmp_path / 'deep' / 'out', lambda _: None)


def test_train_on_worlds_without_depth_within_the_limits_goes_on_and_counts_them(tmp_path):
    steps = []
    near = [{**WORLDS[0], 'max_depth_m': 0.01}]
    train(quick_config(datasets=[*near, WORLDS[1]], validation=near, validate_every=4),
          tmp_path, steps.append)
    assert [step.skipped_images for step in steps] == [2, 4, 6, 8]


def test_train_that_is_told_not_to_check_starts_at_once(tmp_path):
    path, steps = write_list(tmp_path), []
    (tmp_path / '1.png').unlink()
    train(quick_config(
        validation=[{'kind': 'list', 'path': str(path)}], check_data=False, steps=1),
        tmp_path / 'out', steps.append)
    assert len(steps) == 1


def test_train_writes_curves_pictures_and_validation_figures(tmp_path):
    train(quick_config(validation=HELD_OUT, validate_every=2), tmp_path, lambda _: None)
    events = events_of(tmp_path)
    assert list(curve(tmp_path, 'train/total')) == [1, 2, 3, 4]
    for number, domain in enumerate(('indoor', 'outdoor')):
        for name in ('d1', 'rel', 'router_accuracy'):
            values = curve(tmp_path, f'validation/{number} {domain} worlds/{name}')
            assert list(values) == [2, 4]
            assert all(0 <= value < 50 for value in values.values())
    assert events.Tags()['images'] == [f'images/{number}' for number in range(4)]
    picture = events.Images('images/0')[0]
    assert (picture.width, picture.height) == (3 * 64, 32)


def test_train_without_images_to_judge_by_shows_those_it_learns_from(tmp_path):
    train(quick_config(validate_every=4), tmp_path, lambda _: None)
    assert events_of(tmp_path).Tags()['images'] == [f'images/{number}' for number in range(4)]


def test_train_relative_is_validated_after_a_fit(tmp_path):
    train(quick_config(stage='relative', validation=HELD_OUT, validate_every=4), tmp_path,
          lambda _: None)
    assert 0 < curve(tmp_path, 'validation/0 indoor worlds/rel')[4] < 5
    assert not any('router' in tag for tag in events_of(tmp_path).Tags()['scalars']
                   if tag.startswith('validation'))


@pytest.mark.parametrize('scale', [1000.0, 0.001])
def test_train_relative_is_validated_with_disparity_of_any_scale(tmp_path, scale):
    path = write_list(tmp_path)
    listed = {'kind': 'list', 'path': str(path), 'truth': 'disparity', 'depth_scale': scale}
    train(quick_config(
        stage='relative', datasets=[listed], validation=[listed], steps=1, validate_every=1),
        tmp_path / 'out', lambda _: None)
    assert 0 < curve(tmp_path / 'out', f'validation/0 list {path}/rel')[1] < 5


def test_train_killed_and_resumed_has_the_curve_and_weights_of_an_uninterrupted_run(tmp_path):
    options = {'steps': 8, 'workers': 1, 'augment': {'zoom': 1.2}}
    config = quick_config(**options)
    whole, resumed = [], []
    train(config, tmp_path / 'whole', whole.append)
    path = write_config(tmp_path / 'run.yaml', **options)
    killed = child('-c', KILLED, str(path), str(tmp_path / 'parts'))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    train(config, tmp_path / 'parts', resumed.append)
    assert [step.number for step in resumed] == [5, 6, 7, 8]
    assert resumed == whole[4:]
    assert curve(tmp_path / 'parts', 'train/total') == curve(tmp_path / 'whole', 'train/total')
    for part in ('model', 'average'):
        assert difference(tmp_path / 'parts', tmp_path / 'whole', part).max() == 0
    again, straight = (load_checkpoint(tmp_path / name / 'weights.safetensors').state_dict()
                       for name in ('parts', 'whole'))
    assert all(torch.equal(again[name], straight[name]) for name in straight)


def test_train_that_is_done_does_nothing_more(tmp_path):
    config = quick_config(steps=2)
    train(config, tmp_path, lambda _: None)
    steps = []
    assert train(config, tmp_path, steps.append) == tmp_path / 'weights.safetensors'
    assert steps == []


@pytest.mark.parametrize('stage', ['relative', 'metric'])
def test_train_in_two_processes_has_the_losses_and_weights_of_one(tmp_path, stage):
    options = {
        'stage': stage, 'steps': 3, 'batch_size': 4, 'anchored': True, 'warmup': 0.4,
        'model_options': {**TINY_MODEL, 'router': {**TINY_MODEL['router'], 'dropout': 0.0}}}
    train(quick_config(**options), tmp_path / 'one', lambda _: None)
    path = write_config(tmp_path / 'run.yaml', **options)
    done = child(
        '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2', '-m',
        'zoe_depth_ros.cli', 'train', str(path), '--output', str(tmp_path / 'two'))
    assert done.returncode == 0, done.stderr
    for name in ('total', 'metric', 'router', 'relative', 'gradient_norm'):
        one, two = (curve(tmp_path / folder, f'train/{name}') for folder in ('one', 'two'))
        assert two == pytest.approx(one, rel=1e-4)
    moved = torch.load(tmp_path / 'one' / 'state.pt', weights_only=True)['model']
    start = quick_run(**options).model.state_dict()
    assert max(float((moved[name] - start[name]).abs().max()) for name in moved) > 1e-3
    # Attention ignores its keys' bias: only rounding moves that, and Adam magnifies it.
    apart = difference(tmp_path / 'one', tmp_path / 'two', 'model')
    assert (apart > 3e-6).float().mean() < 1e-3


def test_train_with_another_seed_is_another_run(tmp_path):
    first, other = [], []
    train(quick_config(steps=1), tmp_path / 'a', first.append)
    train(replace(quick_config(steps=1), seed=1), tmp_path / 'b', other.append)
    assert first[0].total != other[0].total
