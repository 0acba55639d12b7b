# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Runs that are cut short: started again they go on, nothing is lost, doubled or overwritten."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from offline_helpers import bag_of
from offline_helpers import make
from offline_helpers import raw
from offline_helpers import recording
import pytest

from zoe_depth_ros.bag.merge import merge_bags
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.offline.job import Progress
from zoe_depth_ros.offline.report import from_json
from zoe_depth_ros.offline.report import RunReport

ROOT = Path(__file__).parents[1]
WAIT_S = 60.0
FRAMES = 6
# Every second frame begins a part.
OPTIONS = {'segment_s': 0.2}

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def expected(weights, one_thread, tmp_path_factory) -> list[tuple[str, int, bytes]]:
    """Return what a run writes that nothing cuts short."""
    folder = tmp_path_factory.mktemp('whole')
    make(weights, bag_of(folder / 'b', recording(FRAMES)), output=folder / 'o', **OPTIONS)
    return raw(folder / 'o' / 'b')


@pytest.fixture
def bag(tmp_path) -> Path:
    return bag_of(tmp_path / 'in' / 'b', recording(FRAMES))


class Interrupted(Exception):
    """What a test stops a run with."""


def stop_at(frames: int):
    def stop(progress: Progress) -> None:
        if progress.frames == frames:
            raise Interrupted
    return stop


@pytest.mark.parametrize('frames', range(1, FRAMES + 1))
def test_resume_after_any_frame_gives_the_same_bag(weights, tmp_path, bag, expected, frames):
    output = tmp_path / 'o'
    with pytest.raises(Interrupted):
        make(weights, bag, output=output, on_progress=stop_at(frames), **OPTIONS)
    assert not (output / 'b').exists()
    seen: list[Progress] = []
    report = make(weights, bag, output=output, on_progress=seen.append, **OPTIONS)
    assert raw(output / 'b') == expected
    assert seen[0].frames == (frames - 1) // 2 * 2 + 1  # finished parts are not done again
    assert seen[-1] == Progress('b', FRAMES, FRAMES, 0)
    assert report.bags[0].work.estimated == FRAMES
    assert sorted(path.name for path in output.iterdir()) == [
        '.lock', 'b', 'report.html', 'report.json']


def test_resume_finished_bags_are_not_done_again(weights, tmp_path, bag):
    first = make(weights, bag, output=tmp_path / 'o', **OPTIONS)
    changed_at = (tmp_path / 'o' / 'b' / 'b_0.mcap').stat().st_mtime_ns
    seen: list[Progress] = []
    second = make(weights, bag, output=tmp_path / 'o', on_progress=seen.append, **OPTIONS)
    assert seen == []
    assert (tmp_path / 'o' / 'b' / 'b_0.mcap').stat().st_mtime_ns == changed_at
    assert second == first


def test_resume_with_other_options_is_refused_and_forced(weights, tmp_path, bag):
    make(weights, bag, output=tmp_path / 'o', **OPTIONS)
    before = raw(tmp_path / 'o' / 'b')
    with pytest.raises(BagError, match=r'exists already, made from [^ ]* with other options'):
        make(weights, bag, output=tmp_path / 'o', keep=('none',), **OPTIONS)
    assert raw(tmp_path / 'o' / 'b') == before
    make(weights, bag, output=tmp_path / 'o', keep=('none',), force=True, **OPTIONS)
    assert len(raw(tmp_path / 'o' / 'b')) == FRAMES * 5


def test_resume_of_unfinished_work_with_other_options_is_refused_and_forced(
        weights, tmp_path, bag):
    with pytest.raises(Interrupted):
        make(weights, bag, output=tmp_path / 'o', on_progress=stop_at(3), **OPTIONS)
    with pytest.raises(BagError, match='left by a run with other options'):
        make(weights, bag, output=tmp_path / 'o', **OPTIONS, keep=('none',))
    make(weights, bag, output=tmp_path / 'o', **OPTIONS, keep=('none',), force=True)
    assert len(raw(tmp_path / 'o' / 'b')) == FRAMES * 5


def test_resume_forced_output_is_replaced_only_when_complete(weights, tmp_path, bag, expected):
    make(weights, bag, output=tmp_path / 'o', **OPTIONS)
    with pytest.raises(Interrupted):
        make(weights, bag, output=tmp_path / 'o', on_progress=stop_at(5), force=True, **OPTIONS)
    assert raw(tmp_path / 'o' / 'b') == expected


def test_resume_foreign_folder_is_never_overwritten(weights, tmp_path, bag):
    (tmp_path / 'o' / 'b').mkdir(parents=True)
    (tmp_path / 'o' / 'b' / 'thesis.txt').write_text('mine')
    with pytest.raises(BagError, match='no output of this'):
        make(weights, bag, output=tmp_path / 'o')
    assert (tmp_path / 'o' / 'b' / 'thesis.txt').read_text() == 'mine'


def test_resume_while_another_run_writes_is_refused(weights, tmp_path, bag):
    (tmp_path / 'o').mkdir()
    with (tmp_path / 'o' / '.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BagError, match='another run writes to'):
            make(weights, bag, output=tmp_path / 'o')
    make(weights, bag, output=tmp_path / 'o')


def command(weights: Path, bag: Path, output: Path, prefix: str = 'pass') -> subprocess.Popen:
    """Start the command line in a process of its own."""
    code = f'import sys; {prefix}; from zoe_depth_ros.cli import main; sys.exit(main())'
    return subprocess.Popen(
        [sys.executable, '-c', code, 'bag', str(bag), '--output', str(output), '--model',
         str(weights), '--segment', '0.2'],
        cwd=ROOT, env={**os.environ, 'OMP_NUM_THREADS': '1'}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    end_s = time.monotonic() + WAIT_S
    while not path.exists() and process.poll() is None and time.monotonic() < end_s:
        time.sleep(0.002)
    assert path.exists(), process.poll()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT])
def test_resume_after_a_signal_gives_the_same_bag(weights, tmp_path, expected, number):
    bag = bag_of(tmp_path / 'b', recording(40))
    output = tmp_path / 'o'
    process = command(weights, bag, output)
    wait_for(output / '.b.unfinished' / 'segments' / '0003.json', process)
    process.send_signal(number)
    _, error = process.communicate(timeout=WAIT_S)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert f'interrupted; {output}/report.html shows what is complete; start it again' in error
        check_interrupted_report(output)
    assert not (output / 'b').exists()
    seen: list[Progress] = []
    make(weights, bag, output=output, on_progress=seen.append, **OPTIONS)
    assert seen[0].frames >= 9
    found = raw(output / 'b')
    assert found[:40] == expected[:40]
    assert len(found) == 40 * 8
    assert len({item[:2] for item in found}) == len(found)


def check_interrupted_report(output: Path) -> None:
    bag, = from_json(RunReport, (output / 'report.json').read_text()).unfinished
    complete = len(list((output / '.b.unfinished' / 'segments').glob('[0-9]*.json')))
    assert bag.segments == complete >= 4
    assert bag.work.estimated == 2 * complete
    assert len(bag.work.samples) > 1
    page = (output / 'report.html').read_text()
    assert 'The run was interrupted' in page
    assert f'its {complete} complete files' in page


def test_resume_tells_what_was_complete_when_interrupted_and_then_the_whole(weights, tmp_path):
    for name in 'abc':
        bag_of(tmp_path / 'in' / name, recording(FRAMES))
    output = tmp_path / 'o'

    def stop(progress: Progress) -> None:
        if (progress.bag, progress.frames) == ('b', 3):
            raise KeyboardInterrupt
    make(weights, tmp_path / 'in' / 'c', output=output, **OPTIONS)
    with pytest.raises(KeyboardInterrupt, match=r'report\.html shows what is complete'):
        make(weights, tmp_path / 'in', output=output, on_progress=stop, **OPTIONS)
    report = from_json(RunReport, (output / 'report.json').read_text())
    assert [(bag.name, bag.work.estimated) for bag in report.bags] == [('a', 6), ('c', 6)]
    assert [(bag.name, bag.segments, bag.work.estimated) for bag in report.unfinished] == [
        ('b', 1, 2)]
    assert not report.is_whole
    report = make(weights, tmp_path / 'in', output=output, **OPTIONS)
    assert report.is_whole
    assert 'interrupted' not in (output / 'report.html').read_text()


def test_resume_after_a_full_disk_gives_the_same_bag(weights, tmp_path, bag, expected):
    output = tmp_path / 'o'
    limit = 'import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))'
    process = command(weights, bag, output, limit)
    _, error = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert error.strip().splitlines()[-1].startswith('zoe_depth: ')
    assert 'cannot be' in error
    assert not (output / 'b').exists()
    make(weights, bag, output=output, **OPTIONS)
    assert raw(output / 'b') == expected


def test_resume_of_merging_gives_the_same_bag(tmp_path):
    parts = [bag_of(tmp_path / str(n), recording(1)[n:n + 1]) for n in range(3)]
    merge_bags(parts, tmp_path / 'b', 'b')
    metadata = (tmp_path / 'b' / 'metadata.yaml').read_text()
    messages = raw(tmp_path / 'b')
    assert len(messages) == 3
    (tmp_path / 'b' / 'metadata.yaml').unlink()
    (tmp_path / 'b' / 'b_2.mcap').rename(tmp_path / '2' / '2.mcap')  # as if cut short before it
    merge_bags(parts, tmp_path / 'b', 'b')
    assert (tmp_path / 'b' / 'metadata.yaml').read_text() == metadata
    assert raw(tmp_path / 'b') == messages
