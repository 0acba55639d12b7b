# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags on a Ray cluster become what they become without, whatever happens to the workers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import replace
from itertools import islice
import os
from pathlib import Path
import signal
import subprocess
import sys
from threading import Event
from threading import Thread
from types import ModuleType

from offline_helpers import bag_of
from offline_helpers import make
from offline_helpers import raw
from offline_helpers import recording
import pytest

from zoe_depth_ros import cli
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.offline import run as offline_run
from zoe_depth_ros.offline import spread
from zoe_depth_ros.offline.config import node_config
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.job import Progress
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.spread import CPUS_PER_WORKER
from zoe_depth_ros.offline.spread import shares

ROOT = Path(__file__).parents[1]
FRAMES = 12
# Every second frame begins a part.
OPTIONS = {'segment_s': 0.2, 'exports': ('png',)}
WORKING = 'ray::Worker.process'

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def ray(tmp_path_factory) -> Iterator[ModuleType]:
    """Connect to a cluster with room for two workers, as many threads each as this process."""
    library = pytest.importorskip('ray')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OMP_NUM_THREADS', '1')
        patch.setenv('HOME', str(tmp_path_factory.mktemp('home')))
        with library.init(
                'local', num_cpus=2 * CPUS_PER_WORKER, num_gpus=3, include_dashboard=False):
            yield library


@pytest.fixture
def no_network_here(monkeypatch) -> None:
    """Let nobody but workers load a network."""
    monkeypatch.setattr(offline_run, 'DepthEstimator', None)


@pytest.fixture(scope='module')
def expected(weights, one_thread, tmp_path_factory) -> Path:
    """Return what a run on this machine makes."""
    folder = tmp_path_factory.mktemp('here')
    bag_of(folder / 'in' / 'b', recording(FRAMES))
    make_here(weights, folder / 'in' / 'b', output=folder)
    return folder / 'b'


@pytest.fixture
def bag(tmp_path) -> Path:
    return bag_of(tmp_path / 'in' / 'b', recording(FRAMES))


def make_spread(
        weights: Path, *paths: Path, output: Path, on_progress=None, **options) -> RunReport:
    node = node_config({'model': str(weights), 'device': 'cpu'})
    config = OfflineConfig(node, **{**OPTIONS, **options})
    return offline_run.run_offline(paths, output, config, on_progress=on_progress, ray='')


def make_here(weights: Path, *paths: Path, **options) -> RunReport:
    return make(weights, *paths, node={'device': 'cpu'}, **{**OPTIONS, **options})


@contextmanager
def killing(most: int, is_time: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Kill workers while they do a part."""
    is_over = Event()

    def kill() -> None:
        killed: set[int] = set()  # a killed one may be seen for a while
        while len(killed) < most and not is_over.wait(0.01):
            found = set(workers()) - killed if is_time() else ()
            for process in islice(found, most - len(killed)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    killed.add(process)
    killer = Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        is_over.set()
        killer.join()


def workers() -> list[int]:
    """Return the ids of those children of this process that do a part."""
    found = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with suppress(OSError):  # ended meanwhile
            process = int(path.parent.name)
            if path.read_text().startswith(WORKING) and os.getpid() in ancestors(process):
                found.append(process)
    return found


def ancestors(process: int) -> list[int]:
    found = []
    while process > 1:
        process = int(Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[1])
        found.append(process)
    return found


def files(folder: Path) -> dict[str, bytes]:
    """Return the bag's own metadata and what was exported."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob('*') if path.suffix in ('.png', '.yaml')}


def untimed(report: RunReport) -> list[object]:
    return [replace(bag.work, wall_s=0.0, network_s=0.0, latency=None) for bag in report.bags]


def test_ray_workers_take_a_gpu_each_or_some_cpus(ray):
    assert shares(ray, 'auto') == [{'num_gpus': 1, 'num_cpus': 1}] * 3
    assert shares(ray, 'cpu') == [{'num_cpus': CPUS_PER_WORKER}] * 2


def test_ray_run_of_a_folder_makes_what_a_local_run_makes(
        ray, no_network_here, weights, tmp_path, bag, expected):
    (bag.parent / 'a.mcap').write_bytes(b'nothing')
    bag_of(bag.parent / 'c', recording(3))
    seen: list[Progress] = []
    report = make_spread(weights, bag.parent, output=tmp_path / 'o', on_progress=seen.append)
    assert raw(tmp_path / 'o' / 'b') == raw(expected)
    assert len(files(expected)) == FRAMES + 1
    assert files(tmp_path / 'o' / 'b') == files(expected)
    assert [item.source for item in report.failures] == [str(bag.parent / 'a.mcap')]
    frames = [item.frames for item in seen if item.bag == 'b']
    assert frames == sorted(set(frames))
    assert frames[-1] == FRAMES
    assert seen[-1] == Progress('c', 3, 3, 0)
    assert not list((tmp_path / 'o').glob('.b*'))


def test_ray_worker_killed_at_its_work_loses_and_doubles_nothing(
        ray, weights, tmp_path, caplog):
    frames = 40
    bag = bag_of(tmp_path / 'in' / 'b', recording(frames))
    segments = tmp_path / 'o' / '.b.unfinished' / 'segments'
    with killing(1, lambda: len(list(segments.glob('*.json'))) > 2):
        report = make_spread(weights, bag, output=tmp_path / 'o')
    assert caplog.text.count('a worker was lost at ') == 1
    assert untimed(report) == untimed(make_here(weights, bag, output=tmp_path / 'here'))
    assert raw(tmp_path / 'o' / 'b') == raw(tmp_path / 'here' / 'b')
    assert files(tmp_path / 'o' / 'b') == files(tmp_path / 'here' / 'b')
    assert len(raw(tmp_path / 'o' / 'b')) == 8 * frames


def test_ray_part_that_ends_every_worker_ends_the_run(ray, weights, tmp_path):
    bag = bag_of(tmp_path / 'in' / 'b', recording(200))
    lost = pytest.raises(BagError, match=r'3 workers were lost at .*/segments/0000')
    with killing(3), lost:
        make_spread(weights, bag, output=tmp_path / 'o', segment_s=60.0)


def test_ray_progress_comes_while_a_part_is_done(ray, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(spread, 'PERIOD_S', 0.01)
    bag = bag_of(tmp_path / 'in' / 'b', recording(60))
    seen: list[Progress] = []
    report = make_spread(
        weights, bag, output=tmp_path / 'o', on_progress=seen.append, segment_s=60.0)
    frames = [progress.frames for progress in seen]
    assert report.bags[0].segments == 1
    assert len(frames) > 3
    assert frames == sorted(set(frames))
    assert seen[-1] == Progress('b', 60, 60, 0)


class Interrupted(Exception):
    """What a test stops a run with."""


def stop(progress: Progress) -> None:
    if progress.frames >= 4:
        raise Interrupted


def test_ray_run_that_was_cut_short_goes_on_without(ray, weights, tmp_path, bag, expected):
    with pytest.raises(Interrupted):
        make_spread(weights, bag, output=tmp_path / 'o', on_progress=stop)
    segments = tmp_path / 'o' / '.b.unfinished' / 'segments'
    complete = len(list(segments.glob('[0-9]*.json')))
    seen: list[Progress] = []
    make_here(weights, bag, output=tmp_path / 'o', on_progress=seen.append)
    assert complete > 0
    assert len(seen) == FRAMES - 2 * complete
    assert raw(tmp_path / 'o' / 'b') == raw(expected)
    assert files(tmp_path / 'o' / 'b') == files(expected)


def test_ray_goes_on_with_a_run_that_was_cut_short(
        ray, no_network_here, weights, tmp_path, bag, expected, monkeypatch, capsys):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(offline_run, 'DepthEstimator', DepthEstimator)
        make_here(weights, bag, output=tmp_path / 'o', on_progress=stop)
    segments = tmp_path / 'o' / '.b.unfinished' / 'segments'
    assert [path.name for path in segments.glob('*.json')] == ['0000.json']
    with pytest.raises(BagError, match='left by a run with other options'):
        make_spread(weights, bag, output=tmp_path / 'o', keep=('none',))
    assert cli.main([
        'bag', str(bag), '--output', str(tmp_path / 'o'), '--model', str(weights), '--device',
        'cpu', '--segment', '0.2', '--export', 'png', '--ray']) == 0
    assert f'b: depth for {FRAMES} of {FRAMES} frames' in capsys.readouterr().out
    assert raw(tmp_path / 'o' / 'b') == raw(expected)
    assert files(tmp_path / 'o' / 'b') == files(expected)


def test_ray_error_of_a_worker_is_told(ray, tmp_path, bag):
    with pytest.raises(WeightsError, match=r"on a worker: .*'no\.pt'"):
        make_spread(Path('no.pt'), bag, output=tmp_path / 'o')


def test_ray_that_is_not_installed_is_asked_for(weights, tmp_path, bag, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(ConfigError, match='needs the package ray'):
        make_spread(weights, bag, output=tmp_path / 'o')


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the bag tool in a process of its own, which tells at last whether it imported Ray."""
    code = (
        'import sys; from zoe_depth_ros.cli import main; code = main(); '
        'print("ray" in sys.modules); sys.exit(code)')
    return subprocess.run(
        [sys.executable, '-c', code, 'bag', *map(str, arguments)], cwd=ROOT, text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'}, capture_output=True, timeout=120, check=False)


def test_ray_cluster_that_is_not_there_is_told(tmp_path, bag):
    pytest.importorskip('ray')
    result = command(bag, '--output', tmp_path / 'o', '--ray', 'nowhere')
    assert result.returncode == 2
    assert "ray = 'nowhere' is no cluster to work with" in result.stderr


def test_ray_is_not_imported_by_a_local_run(weights, tmp_path, bag):
    result = command(bag, '--output', tmp_path / 'o', '--model', weights)
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == 'False'
