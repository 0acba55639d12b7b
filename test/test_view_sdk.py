# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `zoe_depth view` says where its library is missing."""

from __future__ import annotations

import sys

import pytest

from zoe_depth_ros import cli

MODULES = ('sdk', 'layout', 'recording', 'run')


@pytest.mark.parametrize('installed', [None, type(sys)('rerun')], ids=['none', 'old'])
def test_view_tells_how_to_install_what_it_needs(tmp_path, monkeypatch, capsys, installed):
    for name in MODULES:
        monkeypatch.delitem(sys.modules, f'zoe_depth_ros.view.{name}', raising=False)
    if installed is not None:
        installed.__version__ = '0.20.0'
        monkeypatch.setitem(sys.modules, 'rerun.blueprint', type(sys)('rerun.blueprint'))
    monkeypatch.setitem(sys.modules, 'rerun', installed)
    assert cli.main(['view', str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "pip install 'rerun-sdk>=0.41'" in error
    assert (installed is None) == ('0.20.0' not in error)
    assert len(error.splitlines()) == 1
