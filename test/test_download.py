# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
import io
import os
from pathlib import Path
import subprocess
import sys
import threading
import time

import pytest
import torch

from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.model import download
from zoe_depth_ros.model.download import find_weights


@dataclass
class Reply:
    body: bytes = b''
    announced: int | None = None  # Content-Length, the body's own when None
    status: int = 200
    stalls: bool = False  # sends the body, then nothing, and keeps the connection open


class Server(ThreadingHTTPServer):
    """Answers from `replies` by path, and counts the GET requests."""

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.replies: dict[str, Reply] = {}
        self.gets = 0
        self.all_asked: threading.Barrier | None = None
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}'


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.start()

    def do_GET(self) -> None:
        self.server.gets += 1
        if self.server.all_asked:
            self.server.all_asked.wait(timeout=60)
        reply = self.start()
        self.wfile.write(reply.body)
        if reply.stalls:
            self.server.closing.wait(timeout=60)

    def start(self) -> Reply:
        reply = self.server.replies.get(self.path, Reply(status=404))
        length = len(reply.body) if reply.announced is None else reply.announced
        self.send_response(reply.status)
        self.send_header('Content-Length', str(length))
        self.send_header('ETag', '"0123456789"')
        self.send_header('X-Repo-Commit', 'a' * 40)
        self.end_headers()
        return reply

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / 'cache'
    monkeypatch.setenv('ZOE_DEPTH_CACHE', str(folder))
    monkeypatch.setenv('ZOE_DEPTH_WEIGHTS_URL', server.url)
    return folder


@pytest.fixture(scope='module')
def released() -> bytes:
    """Return what torch.save makes of a small state dict."""
    file = io.BytesIO()
    torch.save({'model': {'weight': torch.arange(5000.0)}}, file)
    return file.getvalue()


def refuse(name: str) -> str:
    with pytest.raises(WeightsError) as caught:
        find_weights(name)
    return str(caught.value)


def test_download_stores_the_released_file_once(cache, server, released):
    server.replies['/ZoeD_M12_N.pt'] = Reply(released)
    path = find_weights('zoed_n')
    assert path == cache / 'ZoeD_M12_N.pt'
    assert path.read_bytes() == released
    assert find_weights('zoed_n') == path
    assert server.gets == 1
    assert os.listdir(cache) == ['ZoeD_M12_N.pt']


def _flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1:]


@pytest.mark.parametrize(('fault', 'reason'), [
    ('cut', 'bytes arrived'),
    ('cut without announcement', 'no whole .pt file'),
    ('longer than announced', 'no whole .pt file'),
    ('bit flip in a tensor', 'wrong checksum'),
    ('bit flip in the directory', 'no whole .pt file'),
    ('web page', 'no whole .pt file'),
    ('empty', 'no whole .pt file'),
    ('not found', '404'),
    ('server error', '500'),
])
def test_download_refuses_a_bad_answer_and_recovers(cache, server, released, fault, reason):
    server.replies['/ZoeD_M12_NK.pt'] = {
        'cut': Reply(released[:9000], announced=len(released)),
        'cut without announcement': Reply(released[:9000]),
        'longer than announced': Reply(released, announced=9000),
        'bit flip in a tensor': Reply(_flipped(released, len(released) // 2)),
        'bit flip in the directory': Reply(_flipped(released, len(released) - 22)),
        'web page': Reply(b'<html>Please log in to this network</html>'),
        'empty': Reply(),
        'not found': Reply(status=404),
        'server error': Reply(status=500),
    }[fault]
    message = refuse('zoed_nk')
    assert reason in message
    assert f'download {server.url}/ZoeD_M12_NK.pt ' in message
    assert message.endswith(f'put it at {cache / "ZoeD_M12_NK.pt"}')
    assert os.listdir(cache) == []
    server.replies['/ZoeD_M12_NK.pt'] = Reply(released)
    assert find_weights('zoed_nk').read_bytes() == released


@pytest.mark.parametrize('sent_bytes', [0, 9000])
def test_download_gives_up_when_nothing_comes_any_more(
        cache, server, released, monkeypatch, sent_bytes):
    monkeypatch.setattr(download, 'TIMEOUT_S', 0.5)
    server.replies['/ZoeD_M12_K.pt'] = Reply(
        released[:sent_bytes], announced=len(released), stalls=True)
    start_s = time.monotonic()
    assert 'timed out' in refuse('zoed_k')
    assert 0.5 <= time.monotonic() - start_s < 30
    assert os.listdir(cache) == []


@pytest.mark.parametrize('url', ['http://127.0.0.1:9', 'not a mirror'])
def test_download_offline_says_what_to_put_where(cache, monkeypatch, url):
    monkeypatch.setenv('ZOE_DEPTH_WEIGHTS_URL', url)
    message = refuse('zoed_k')
    assert len(message.splitlines()) == 1
    assert f'download {url}/ZoeD_M12_K.pt on' in message
    assert message.endswith(f'put it at {cache / "ZoeD_M12_K.pt"}')
    cache.mkdir(exist_ok=True)
    (cache / 'ZoeD_M12_K.pt').write_bytes(b'put by hand')
    assert find_weights('zoed_k').read_bytes() == b'put by hand'


def test_download_in_two_threads_gives_both_the_whole_file(cache, server, released):
    server.replies['/ZoeD_M12_N.pt'] = Reply(released)
    server.all_asked = threading.Barrier(2)
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(find_weights('zoed_n').read_bytes()))
        for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [released, released]
    assert server.gets == 2
    assert os.listdir(cache) == ['ZoeD_M12_N.pt']


def test_download_released_names_have_the_published_addresses(cache, monkeypatch):
    asked = []
    monkeypatch.delenv('ZOE_DEPTH_WEIGHTS_URL')
    monkeypatch.setattr(download, '_download', lambda url, path: asked.append(url))
    for name in ('zoed_n', 'zoed_k', 'zoed_nk'):
        find_weights(name)
    base = 'https://github.com/isl-org/ZoeDepth/releases/download/v1.0'
    assert asked == [f'{base}/ZoeD_M12_{variant}.pt' for variant in ('N', 'K', 'NK')]


@pytest.mark.parametrize(('variables', 'expected'), [
    ({'ZOE_DEPTH_CACHE': '/a', 'XDG_CACHE_HOME': '/b'}, '/a'),
    ({'XDG_CACHE_HOME': '/b'}, '/b/zoe_depth_ros'),
    ({'HOME': '/c'}, '/c/.cache/zoe_depth_ros'),
])
def test_download_cache_follows_the_environment(monkeypatch, variables, expected):
    for name in ('ZOE_DEPTH_CACHE', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert download.cache_dir() == Path(expected)


def test_download_leaves_an_existing_file_where_it_is(tmp_path, monkeypatch):
    path = tmp_path / 'mine.safetensors'
    path.touch()
    assert find_weights(path) == path
    monkeypatch.setenv('HOME', str(tmp_path))
    assert find_weights('~/mine.safetensors') == path


@pytest.mark.parametrize(
    'name', ['zoed_x', '', '/no/such/file.pt', 'weights/lost.pt', 'a/b/c', './here'])
def test_download_refuses_an_unknown_name_and_lists_the_known(cache, name):
    message = refuse(name)
    assert repr(name) in message
    for known in ('zoed_n', 'zoed_k', 'zoed_nk', 'zoed_mini_nk', 'owner/name'):
        assert known in message


def test_download_reports_missing_packaged_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(download, '__file__', str(tmp_path / 'zoe_depth_ros/model/download.py'))
    missing = tmp_path / 'zoe_depth_ros' / 'weights' / 'zoed_mini_nk.safetensors'
    assert str(missing) in refuse('zoed_mini_nk')
    missing.parent.mkdir(parents=True)
    missing.touch()
    assert find_weights('zoed_mini_nk') == missing


FIND = """
import sys
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.model.download import find_weights
try:
    print(find_weights(sys.argv[1]).read_text())
except WeightsError as error:
    print('refused:', error)
"""


def find_in_new_process(repository: str, **variables: str) -> str:
    """Return what a fresh interpreter finds; the hub's client reads its settings once."""
    result = subprocess.run(
        [sys.executable, '-c', FIND, repository], env={**os.environ, **variables},
        check=True, capture_output=True, text=True)
    return result.stdout.strip()


def test_download_from_a_hugging_face_repository(cache, server, tmp_path):
    server.replies['/Intel/some-zoe/resolve/main/model.safetensors'] = Reply(b'tensors')
    settings = {'HF_ENDPOINT': server.url, 'HF_HOME': str(tmp_path / 'hf')}
    assert find_in_new_process('Intel/some-zoe', **settings) == 'tensors'
    assert find_in_new_process('Intel/some-zoe', **settings, HF_HUB_OFFLINE='1') == 'tensors'


@pytest.mark.parametrize('variables', [
    {'HF_HUB_OFFLINE': '1', 'HF_ENDPOINT': 'http://hub.invalid'},
    # The hub's client tries six times over half a minute.
    pytest.param({'HF_ENDPOINT': 'http://127.0.0.1:9'}, marks=pytest.mark.slow),
])
def test_download_from_hugging_face_offline_says_what_to_put_where(cache, tmp_path, variables):
    said = find_in_new_process('Intel/some-zoe', **variables, HF_HOME=str(tmp_path / 'hf'))
    path = cache / 'Intel--some-zoe.safetensors'
    url = f'{variables["HF_ENDPOINT"]}/Intel/some-zoe/resolve/main/model.safetensors'
    assert said.startswith('refused: weights Intel/some-zoe could not be downloaded (')
    assert said.endswith(f'download {url} on a connected machine and put it at {path}')
    path.parent.mkdir()
    path.write_text('put by hand')
    assert find_weights('Intel/some-zoe') == path


def test_download_from_hugging_face_refuses_an_unknown_repository(cache, server, tmp_path):
    settings = {'HF_ENDPOINT': server.url, 'HF_HOME': str(tmp_path / 'hf')}
    assert find_in_new_process('Intel/nothing', **settings).startswith('refused: ')
    assert find_in_new_process('Intel/bad--name', **settings).startswith('refused: ')
