# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from zoe_depth_ros import cli
from zoe_depth_ros.demo import run
from zoe_depth_ros.demo.report import DemoReport
from zoe_depth_ros.demo.run import DemoOptions

REPORT = DemoReport(9, 7, 10.0, 8.0, 0.1, 0.2, 1, (), 0)


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_cli_describes_every_command(name, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([name, '--help'])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: zoe_depth {name} ')


def test_cli_without_a_command_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([])
    assert end.value.code == 2
    assert 'COMMAND' in capsys.readouterr().err


def test_cli_error_is_one_line_and_code_2(tmp_path, capsys):
    assert cli.main(['demo', '--bag', str(tmp_path / 'no'), '--output', str(tmp_path / 'o')]) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert err.startswith('zoe_depth: bag ')
    assert err.count('\n') == 1


def test_cli_demo_passes_its_options_on_and_prints_the_report(monkeypatch, capsys):
    given = []
    monkeypatch.setattr(run, 'run_demo', lambda options: given.append(options) or REPORT)
    assert cli.main(['demo']) == 0
    assert cli.main([
        'demo', '--bag', 'b', '--image', '/i', '--model', 'm', '--output', 'o', '--seconds', '3',
        '--fps', '4']) == 0
    assert given == [DemoOptions(), DemoOptions(Path('b'), '/i', 'm', Path('o'), 3.0, 4.0)]
    assert '9 / 7 / 2' in capsys.readouterr().out


def test_cli_worlds_draws_every_seed_above_its_depth(tmp_path):
    path = tmp_path / 'worlds.png'
    assert cli.main(['worlds', '--seeds', '1', '2', '3', '4', '5', '--output', str(path)]) == 0
    picture = cv2.imread(str(path))
    cell = 2 * 240 + 6
    assert picture.shape == (2 * cell + 6, 4 * 320 + 3 * 6, 3)
    assert picture[-cell:, :320].std() > 20
    assert (picture[-cell:, 330:] == picture[-1, -1]).all()


def test_cli_worlds_to_an_unknown_kind_of_file_is_refused(tmp_path, capsys):
    assert cli.main(['worlds', '--seeds', '1', '--output', str(tmp_path / 'worlds.docx')]) == 2
    assert 'worlds.docx cannot be written' in capsys.readouterr().err
