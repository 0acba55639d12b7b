# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`zoe_depth bag`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
import re

from offline_helpers import bag_of
from offline_helpers import image
from offline_helpers import raw
from offline_helpers import recording
import pytest

from zoe_depth_ros import cli
from zoe_depth_ros.cli import bag
from zoe_depth_ros.offline.report import from_json
from zoe_depth_ros.offline.report import RunReport

DOCUMENT = Path(__file__).parents[1] / 'docs' / 'offline.md'

pytestmark = pytest.mark.usefixtures('one_thread')


def run(weights, *arguments) -> int:
    return cli.main(['bag', *map(str, arguments), '--model', str(weights)])


def test_cli_bag_prints_a_line_a_bag_and_leaves_a_report(weights, tmp_path, capsys):
    bag_of(tmp_path / 'in' / 'a', recording(2))
    assert run(weights, tmp_path / 'in', '--output', tmp_path / 'o') == 0
    assert capsys.readouterr().out.startswith('a: depth for 2 of 2 frames, ')
    report = from_json(RunReport, (tmp_path / 'o' / 'report.json').read_text())
    assert report.bags[0].work.estimated == 2


def test_cli_bag_passes_its_options_on(weights, tmp_path):
    path = bag_of(tmp_path / 'a', [*recording(2), image(0, '/other/image_raw')])
    assert run(
        weights, path, '--output', tmp_path / 'o', '--image', '/camera/image_raw', '--keep',
        '/chatter', '--storage', 'sqlite3', '--export', 'png', 'npz', '--set', 'domain=indoor',
        '--set', 'points.stride=3', '--batch', 2, '--segment', '30', '--device', 'cpu') == 0
    report = from_json(RunReport, (tmp_path / 'o' / 'report.json').read_text())
    config = report.bags[0].config
    assert config['images'] == ['/camera/image_raw']
    assert config['keep'] == ['/chatter']
    assert (config['storage'], config['batch'], config['segment_s']) == ('sqlite3', 2, 30.0)
    assert config['exports'] == ['png', 'npz']
    assert config['node']['points']['stride'] == 3
    assert config['node']['estimator']['domain'] == 'indoor'
    assert config['node']['estimator']['device'] == 'cpu'
    assert report.bags[0].work.cameras[0].outdoor == 0


def test_cli_bag_is_1_when_something_is_lost_and_says_what(weights, tmp_path, capsys):
    path = bag_of(tmp_path / 'in' / 'a', recording(2))
    bag_of(tmp_path / 'in' / 'b', [message for message in recording(1) if 'image' not in
                                   message.topic])
    content = (path / 'a.mcap').read_bytes()
    (path / 'a.mcap').write_bytes(content[:-100])
    assert run(weights, tmp_path / 'in', '--output', tmp_path / 'o') == 1
    out = capsys.readouterr().out
    assert 'a: depth for 2 of 2 frames' in out
    assert 'ends after' in out
    assert '0 image topics, not one' in out


def test_cli_bag_does_not_overwrite_without_force(weights, tmp_path, capsys):
    path = bag_of(tmp_path / 'a', recording(1))
    arguments = path, '--output', tmp_path / 'o'
    assert run(weights, *arguments) == 0
    assert run(weights, *arguments, '--keep', 'none') == 2
    assert 'exists already' in capsys.readouterr().err
    assert run(weights, *arguments, '--keep', 'none', '--force') == 0
    assert len(raw(tmp_path / 'o' / 'a')) == 5


@pytest.mark.parametrize(('option', 'value'), [
    ('--set', 'stride'), ('--set', 'points.stride=x'), ('--storage', 'csv'), ('--keep', 'tf')])
def test_cli_bag_names_a_wrong_option(weights, tmp_path, capsys, option, value):
    path = bag_of(tmp_path / 'a', recording(1))
    assert run(weights, path, '--output', tmp_path / 'o', option, value) == 2
    assert value.partition('=')[2] or value in capsys.readouterr().err


def test_cli_bag_documents_an_example_that_runs(weights, tmp_path, monkeypatch, capsys):
    code = re.search(r'```python\n(.*?)```', DOCUMENT.read_text(), re.DOTALL)[1]
    bag_of(tmp_path / 'my_bag', recording(2))
    monkeypatch.chdir(tmp_path)
    exec(code.replace("'zoed_mini_nk'", repr(str(weights))), {})
    assert capsys.readouterr().out == 'True 2\n'


def test_cli_bag_documents_every_option():
    known = set(re.findall(r'--[a-z-]+', DOCUMENT.read_text()))
    parser = ArgumentParser()
    bag.add_options(parser)
    wanted = {name for action in parser._actions for name in action.option_strings}
    assert wanted - {'-h', '--help'} <= known
