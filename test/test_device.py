# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
import torch

from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.inference.device import device_errors
from zoe_depth_ros.inference.device import find_device
from zoe_depth_ros.inference.device import find_dtype

CPU = torch.device('cpu')


def test_device_auto_is_a_gpu_where_there_is_one():
    assert find_device('auto').type == ('cuda' if torch.cuda.is_available() else 'cpu')
    assert find_device('cpu') == CPU


@pytest.mark.parametrize('name', ['cuda:97', 'mps', 'gpu', '', 'cuda:-1', 'cpu,cuda'])
def test_device_that_is_not_there_is_refused_by_name(name):
    with pytest.raises(DeviceError, match=f'device {name!r} is not'):
        find_device(name)


@pytest.mark.parametrize(('precision', 'device', 'dtype'), [
    ('auto', 'cpu', torch.float32), ('auto', 'cuda:0', torch.bfloat16),
    ('fp32', 'cuda:0', torch.float32), ('bf16', 'cpu', torch.bfloat16),
    ('fp16', 'cuda:0', torch.float16),
])
def test_precision_auto_is_reduced_on_a_gpu_only(precision, device, dtype):
    assert find_dtype(precision, torch.device(device)) == dtype


def test_failure_of_a_device_is_reported_in_one_line_with_its_cause():
    failure = torch.OutOfMemoryError('out of memory\nTried to allocate')
    with pytest.raises(DeviceError) as caught, device_errors('loading', CPU):
        raise failure
    assert str(caught.value) == 'loading failed on cpu: out of memory'
    assert caught.value.__cause__ is failure
    with pytest.raises(ImageError), device_errors('loading', CPU):
        raise ImageError('not of the device')
