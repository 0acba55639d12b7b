# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import re

from bag_helpers import bag_of
import cv2
import numpy as np
import pytest
from training_helpers import quick_config
from training_helpers import quick_run
from training_helpers import TINY_MODEL
from training_helpers import WORLDS
from training_helpers import write_config
from training_helpers import write_list

from zoe_depth_ros import cli
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.training.engine import train
from zoe_depth_ros.training.plan import plan_training


def pair(number, *, unknown=False):
    """Return messages of an image and of its depth, a metre more than that of the one before."""
    header = Stamped(1_700_000_000_000_000_000 + number * 100_000_000, 'eye')
    rgb = np.random.default_rng(number).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    depth_m = np.full((32, 64), np.nan if unknown else number + 1.0, np.float32)
    depth_m[:, ::7] += 0.3
    return (image_message('/eye/image', rgb, 'rgb8', header),
            image_message('/eye/depth', depth_m, '32FC1', header))


@pytest.fixture
def bag(tmp_path):
    return bag_of(tmp_path / 'drive', *(one for number in range(4) for one in pair(number)))


def test_plan_tells_mix_epochs_groups_and_the_first_loss(tmp_path):
    config = quick_config(
        steps=30, batch_size=4, encoder_divisor=10,
        datasets=[{**WORLDS[0], 'share': 3}, {**WORLDS[1], 'share': 1}])
    plan = plan_training(config)
    assert plan.problems == ()
    assert [(one.images, one.images_a_step, one.epochs) for one in plan.datasets] == [
        (12, 3.0, 7.5), (12, 1.0, 2.5)]
    run = quick_run()
    assert sum(one.weights for one in plan.groups) == sum(
        one.numel() for one in run.model.parameters())
    assert plan.groups[0].learning_rate == pytest.approx(1e-4)
    steps = []
    train(replace(config, steps=1), tmp_path, steps.append)
    assert plan.first_loss == steps[0].total


def test_plan_names_every_problem_at_once(tmp_path):
    path = write_list(tmp_path)
    (tmp_path / '1.png').unlink()
    (tmp_path / '2_depth.png').unlink()
    plan = plan_training(quick_config(datasets=[
        {'kind': 'list', 'path': str(path)}, {'kind': 'list', 'path': str(tmp_path / 'no.txt')},
        WORLDS[0]]))
    assert len(plan.problems) == 3
    for problem, name in zip(plan.problems, ('no.txt', '1.png', '2_depth.png'), strict=True):
        assert name in problem
    assert [one.images for one in plan.datasets] == [3, 12]


def odd_one(folder):
    """Return a list of images of 64x32 whose last one is of 64x64."""
    path = write_list(folder)
    (folder / 'odd').mkdir()
    write_list(folder / 'odd', count=1, size_hw=(64, 64))
    path.write_text(path.read_text() + 'odd/0.png odd/0_depth.png 50.0\n')
    return {'kind': 'list', 'path': str(path)}


@pytest.mark.parametrize(('options', 'what'), [
    ({'framing': 'robot'}, 'image of 64x64 cannot be in a batch with 64x32 of .*line 1'),
    ({'truth_size': 'native'}, 'depth of 64x64 cannot be in a batch with 64x32 of .*line 1'),
    ({'truth_size': 'native', 'batches': 'homogeneous'}, 'depth of 64x64 cannot be')])
def test_images_that_cannot_be_one_batch_are_told_before_training(tmp_path, options, what):
    config = quick_config(datasets=[odd_one(tmp_path)], **options)
    problem, = plan_training(config).problems
    assert re.search(rf'list\.txt line 4 \(odd/0\.png\): {what}', problem)
    with pytest.raises(DatasetError, match=what):
        train(config, tmp_path / 'out', lambda _: None)


def test_images_of_several_sizes_are_fine_where_they_come_to_one(tmp_path):
    assert plan_training(quick_config(datasets=[odd_one(tmp_path)])).problems == ()
    (tmp_path / 'other').mkdir()
    other = write_list(tmp_path / 'other', size_hw=(64, 64))
    path = tmp_path / 'list.txt'
    path.write_text(''.join(path.read_text().splitlines(keepends=True)[:3]))
    data = [{'kind': 'list', 'path': str(path)}, {'kind': 'list', 'path': str(other)}]
    apart = quick_config(datasets=data, framing='robot', batches='homogeneous')
    assert plan_training(apart).problems == ()
    mixed = plan_training(replace(apart, batches='mixed')).problems
    assert len(mixed) == 3 and all(str(other) in problem for problem in mixed)


def test_images_beyond_the_range_of_their_head_are_told_before_training(tmp_path):
    path = write_list(tmp_path)
    for number in range(2):
        far_mm = np.full((32, 64), 15_000, np.uint16)
        cv2.imwrite(str(tmp_path / f'{number}_depth.png'), far_mm)
    listed = {'kind': 'list', 'path': str(path)}
    problems = plan_training(quick_config(datasets=[listed])).problems
    assert len(problems) == 2
    assert all('no depth between 0.001 and 10 m is known' in problem for problem in problems)
    for fine in (
            {'domain': 'outdoor'}, {'routing': 'auto'}, {'stage': 'relative'}):
        data = {**listed, **({'domain': fine.pop('domain')} if 'domain' in fine else {})}
        assert plan_training(quick_config(datasets=[data], **fine)).problems == ()


def test_plan_tells_of_wrong_weights_beside_wrong_data(tmp_path):
    plan = plan_training(quick_config(
        init=str(tmp_path / 'no.pt'), init_parts='encoder',
        datasets=[{'kind': 'list', 'path': str(tmp_path / 'no.txt')}]))
    assert len(plan.problems) == 2
    assert 'no.txt' in plan.problems[0] and 'no.pt' in plan.problems[1]
    assert plan.groups == () and plan.size_hw is None


def test_parts_of_no_weights_are_refused():
    plan = plan_training(quick_config(init_parts='encoder_decoder'))
    assert plan.problems == (
        "init_parts = 'encoder_decoder', but init (--init) names no weights",)


def test_plan_without_data_sets_says_so():
    assert 'datasets is empty' in plan_training(quick_config(datasets=[])).problems[0]


def test_cli_dry_run_prints_the_plan_and_writes_nothing(tmp_path, capsys):
    path = write_config(tmp_path / 'run.yaml')
    out = tmp_path / 'out'
    assert cli.main(['train', str(path), '--output', str(out), '--dry-run']) == 0
    printed = capsys.readouterr().out
    assert 'metric stage, 4 steps of 4 images (mixed) at 32x64\n' in printed
    assert 'begins with random weights\n' in printed
    assert 'indoor worlds' in printed and 'loss of the first batch' in printed
    assert not out.exists()


def test_cli_dry_run_of_several_processes_is_made_by_the_first(tmp_path, capsys, monkeypatch):
    path = write_config(tmp_path / 'run.yaml')
    monkeypatch.setenv('RANK', '1')
    assert cli.main(['train', str(path), '--dry-run']) == 0
    assert capsys.readouterr().out == ''


def test_cli_dry_run_of_a_bad_data_set_is_code_2(tmp_path, capsys):
    path = write_config(tmp_path / 'run.yaml', datasets=[{'kind': 'list', 'path': 'no.txt'}])
    assert cli.main(['train', str(path), '--output', str(tmp_path / 'o'), '--dry-run']) == 2
    assert 'problem: ' in capsys.readouterr().out
    parts = ['--init', 'no.pt', '--set', 'init_parts=encoder_decoder']
    assert cli.main(['train', str(path), '--dry-run', *parts]) == 2
    printed = capsys.readouterr().out
    assert 'begins with encoder and decoder of no.pt' in printed
    assert printed.count('problem: ') == 2


def test_cli_train_takes_changes_and_prints_where_the_weights_are(tmp_path, capsys):
    path = write_config(tmp_path / 'run.yaml')
    out = tmp_path / 'out'
    assert cli.main(['train', str(path), '--output', str(out), '--set', 'steps=1', '--set',
                     'augment.flip=0']) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / 'w.safetensors'
    save_checkpoint(quick_run().model, path)
    return path


@pytest.mark.parametrize('stage', ['relative', 'metric'])
def test_cli_train_on_bags_needs_no_file(tmp_path, bag, weights, capsys, stage):
    assert cli.main([
        'train', '--bag', str(bag), '--bag', str(bag), '--frames', '0:3', '--domain', 'outdoor',
        '--init', str(weights), '--output', str(tmp_path / 'out'), '--set', 'steps=2',
        '--set', 'batch_size=2', '--set', f'stage={stage}']) == 0
    assert (tmp_path / 'out' / 'weights.safetensors').is_file()
    assert cli.main([
        'train', '--bag', str(bag), '--init', str(weights), '--output', str(tmp_path / 'dry'),
        '--dry-run', '--depth', '/other']) == 2
    assert '/other' in capsys.readouterr().out


def test_cli_train_takes_the_topics_of_a_bag_and_a_folder_of_its_own(
        tmp_path, bag, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([
        'train', '--bag', str(bag), '--image', '/eye/image', '--depth', '/eye/depth',
        '--set', 'steps=1', '--set', 'batch_size=2']) == 0
    assert Path(capsys.readouterr().out.strip()).resolve() == (
        tmp_path / 'trained' / 'weights.safetensors')


def test_cli_train_leaves_out_and_counts_bad_images_where_asked_to(
        tmp_path, weights, capsys, caplog):
    bag = bag_of(tmp_path / 'drive', *pair(0), *pair(1, unknown=True), *pair(2))
    command = [
        'train', '--bag', str(bag), '--init', str(weights), '--output', str(tmp_path / 'out'),
        '--set', 'steps=1', '--set', 'batch_size=2', '--set', 'workers=0']
    assert cli.main(command) == 2
    assert 'no depth between' in capsys.readouterr().err
    assert cli.main([*command, '--skip-bad']) == 0
    assert '1 of 3 images left out' in caplog.text


def test_cli_train_leaves_out_bad_images_of_the_files_data_sets_too(tmp_path, capsys, caplog):
    data = write_list(tmp_path)
    (tmp_path / '1.png').unlink()
    listed = [{'kind': 'list', 'path': str(data)}]
    path = write_config(tmp_path / 'run.yaml', steps=1, datasets=listed, validation=listed)
    command = ['train', str(path), '--output', str(tmp_path / 'out')]
    assert cli.main(command) == 2
    assert '1.png' in capsys.readouterr().err
    assert cli.main([*command, '--skip-bad']) == 0
    assert caplog.text.count('1 of 3 images left out') == 2


@pytest.mark.parametrize('option', ['--image', '--depth', '--frames', '--domain'])
def test_cli_train_refuses_options_of_bags_without_a_bag(tmp_path, option, capsys):
    path = write_config(tmp_path / 'run.yaml')
    assert cli.main(['train', str(path), option, 'outdoor', '--dry-run']) == 2
    assert f'{option} outdoor is of bags, and there is no --bag' in capsys.readouterr().err


def test_cli_train_into_a_file_is_refused(tmp_path, capsys):
    path = write_config(tmp_path / 'run.yaml')
    assert cli.main(['train', str(path), '--output', str(path)]) == 2
    assert 'run.yaml cannot be' in capsys.readouterr().err


def test_cli_train_on_nothing_is_refused(tmp_path, capsys):
    assert cli.main(['train', '--output', str(tmp_path)]) == 2
    assert '--bag' in capsys.readouterr().err


def test_tiny_model_is_tiny():
    assert sum(one.numel() for one in quick_run(
        model_options=TINY_MODEL).model.parameters()) < 200_000
