# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
from itertools import takewhile
from pathlib import Path
import re
import shlex

import cv2
import numpy as np
import pytest

from zoe_depth_ros.cli import command_parser
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import NodeConfig

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()


def section(title):
    """Return what stands below a heading of the README."""
    return README.split(f'\n## {title}\n')[1]


def table(text):
    """Return the rows of the first table in a text, without its head."""
    after_head = text[text.index('\n|---') + 1:].splitlines()[1:]
    rows = takewhile(lambda line: line.startswith('|'), after_head)
    return [[cell.strip() for cell in row.strip('|').split('|')] for row in rows]


def test_docs_list_every_parameter_with_its_default_and_description():
    parameters = pytest.importorskip('zoe_depth_ros.ros.parameters')
    expected = []
    for name, (default, info) in parameters.parameter_infos().items():
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        expected.append([f'`{name}`', f'`{shown}`', 'yes' if info.live else 'no', info.doc])
    assert table((ROOT / 'docs' / 'parameters.md').read_text()) == expected


def test_readme_lists_every_topic_with_its_type():
    outputs = pytest.importorskip('zoe_depth_ros.ros.outputs')
    listed = {topic.strip('`'): kind for topic, kind, _ in table(section('Topics'))}
    assert listed == {
        'image': 'sensor_msgs/Image', 'image/compressed': 'sensor_msgs/CompressedImage',
        'camera_info': 'sensor_msgs/CameraInfo',
        'range': 'sensor_msgs/LaserScan, PointCloud2 or Range',
        '/diagnostics': 'diagnostic_msgs/DiagnosticArray',
        **{topic: f'{kind.__module__.split(".")[0]}/{kind.__name__}'
           for topic, kind in outputs.TOPICS.items()}}


def test_readme_python_example_runs(tmp_path, monkeypatch, capsys, tiny_config):
    code = re.search(r'```python\n(.*?)```', README, re.DOTALL)[1]
    weights = tmp_path / 'tiny.safetensors'
    save_checkpoint(ZoeDepth(tiny_config), weights)
    cv2.imwrite(str(tmp_path / 'photo.jpg'), np.full((48, 64, 3), 90, np.uint8))
    monkeypatch.chdir(tmp_path)
    exec(code.replace("'zoed_nk'", repr(str(weights))), {})
    assert capsys.readouterr().out.startswith('(48, 64) (48, 64) ')


def test_readme_make_targets_exist():
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'^make (\w+)', README, re.MULTILINE):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target


def test_readme_model_names_are_the_known_ones():
    names = [row[0].strip('`') for row in table(section('Weights'))]
    assert all(name in NodeConfig.__dataclass_fields__['model'].metadata['info'].doc
               for name in names)


PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
COMMAND = re.compile(r'(?:^|`|-m )zoe_depth(?:_ros\.cli)? ([a-z][^`\n]*)', re.MULTILINE)


def commands(page: Path) -> list[str]:
    found = COMMAND.findall(page.read_text())
    return [line for line in found if ' ' in line and '...' not in line]


@pytest.mark.parametrize('page', PAGES, ids=lambda path: path.name)
def test_commands_in_the_documentation_are_understood(page):
    for line in commands(page):
        words = shlex.split(line.partition(' > ')[0], comments=True)
        command_parser().parse_args(words)


def test_commands_in_the_documentation_are_found():
    assert {line.split()[0] for page in PAGES for line in commands(page)} >= {
        'bag', 'evaluate', 'train'}
