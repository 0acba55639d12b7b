# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `zoe_depth doctor` says of real graphs, of which one thing is broken at a time."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
import time
from typing import Any

import pytest

pytest.importorskip('rclpy')

from doctor_helpers import Camera
from doctor_helpers import DepthStandIn
from doctor_helpers import IMAGES
from doctor_helpers import Neighbour
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import ReliabilityPolicy
from rclpy.task import Future
from ros_helpers import DOMAIN_IDS
from ros_helpers import NodeProcess
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import PointCloud2
import yaml

from zoe_depth_ros import cli
from zoe_depth_ros.ros.doctor import observer

SECONDS = '1.2'
INFO_QOS = 'qos_overrides./camera/camera_info.subscription.reliability'
POINTS_QOS = 'qos_overrides./depth_node/points.publisher.reliability'

QUICK_DISCOVERY = """\
<?xml version="1.0" encoding="UTF-8"?>
<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <participant profile_name="quick" is_default_profile="true">
    <rtps><builtin><discovery_config>
      <leaseAnnouncement><sec>0</sec><nanosec>100000000</nanosec></leaseAnnouncement>
    </discovery_config></builtin></rtps>
  </participant>
</profiles>
"""


@dataclass
class Answer:
    """What the doctor said."""

    code: int
    lines: list[str]
    out: str

    def found(self, severity: str) -> list[str]:
        return [line for line in self.lines if line.startswith(f'{severity}: ')]

    def only_wrong(self) -> str:
        """Return the one thing that is wrong."""
        assert self.code == 1, self.lines
        assert self.found('hint') == []
        line, = self.found('wrong')
        return line


@pytest.fixture
def doctor(monkeypatch, capsys) -> Callable[..., Answer]:
    def ask(domain_id: int, *arguments: str) -> Answer:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain_id))
        code = cli.main(['doctor', '--seconds', SECONDS, *arguments])
        out, err = capsys.readouterr()
        return Answer(code, (out + err).splitlines(), out)
    return ask


@pytest.fixture(scope='module', autouse=True)
def quick_discovery(tmp_path_factory) -> Iterator[None]:
    """Let nodes announce themselves often, so that tests need not wait for the next time."""
    path = tmp_path_factory.mktemp('profile') / 'quick.xml'
    path.write_text(QUICK_DISCOVERY)
    with pytest.MonkeyPatch.context() as patch:
        for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
            patch.setenv(name, str(path))
        yield


@pytest.fixture(scope='module')
def domain_id(quick_discovery, weights, tmp_path_factory) -> Iterator[int]:
    """Return where an active depth node is, alone."""
    process = NodeProcess(
        tmp_path_factory.mktemp('node'),
        {'model': str(weights), 'diagnostics_period': 0.2, INFO_QOS: 'reliable',
         POINTS_QOS: 'best_effort'},
        '-r', f'image:={IMAGES}', '-r', 'camera_info:=/camera/camera_info')
    try:
        with Neighbour(process.domain_id, 'waiter') as waiter:
            end_s = time.monotonic() + 120
            while not any(item.node_name == 'depth_node' for item in
                          waiter.node.get_subscriptions_info_by_topic(IMAGES)):
                assert time.monotonic() < end_s, process.log
                time.sleep(0.1)
        yield process.domain_id
    finally:
        process.stop()


@pytest.fixture
def empty_domain_id() -> int:
    return next(DOMAIN_IDS)


@pytest.fixture
def camera(domain_id) -> Iterator[Callable[..., Camera]]:
    """Return what starts a camera for the depth node."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Camera(domain_id, **options))


@pytest.fixture
def helper(domain_id) -> Iterator[Neighbour]:
    with Neighbour(domain_id, 'helper') as neighbour:
        yield neighbour


def change_state(helper: Neighbour, transition: int) -> None:
    assert helper.call(
        ChangeState, '/depth_node/change_state', transition=Transition(id=transition)).success


def set_parameter(helper: Neighbour, name: str, value: Any) -> None:
    message: ParameterMessage = Parameter(name, value=value).to_parameter_msg()
    assert helper.call(
        SetParameters, '/depth_node/set_parameters', parameters=[message]).results[0].successful


def test_doctor_finds_nothing_wrong_with_a_healthy_graph(domain_id, camera, doctor):
    camera()
    answer = doctor(domain_id)
    assert answer.code == 0
    assert answer.found('wrong') == answer.found('hint') == []
    assert answer.lines[0] == '/depth_node: active'
    assert answer.lines[1].startswith(f'{IMAGES}: ')
    assert answer.lines[2].startswith('/depth_node/depth/image: ')
    assert answer.lines[2].endswith(' s after its image')
    assert answer.lines[-1] == 'nothing is wrong'


# Topics


def test_doctor_names_the_topic_that_may_be_meant_where_nobody_publishes_images(
        domain_id, camera, doctor):
    camera(images='/camera/image_color')
    assert doctor(domain_id).only_wrong() == (
        f'wrong: nobody publishes {IMAGES}: did you mean /camera/image_color? Then launch the '
        'node with `image:=/camera/image_color`, or start it with '
        '`--ros-args -r image:=/camera/image_color`')


def test_doctor_misses_camera_info(domain_id, camera, doctor):
    camera(infos='')
    assert doctor(domain_id).only_wrong() == (
        'wrong: nobody publishes /camera/camera_info: '
        'start what should; nobody publishes any sensor_msgs/msg/CameraInfo')


def test_doctor_tells_of_a_topic_of_another_type(domain_id, camera, helper, doctor):
    camera(images='')
    helper.node.create_publisher(CompressedImage, IMAGES, 1)
    assert 'is published as sensor_msgs/msg/CompressedImage, but' in doctor(domain_id).only_wrong()


def test_doctor_tells_of_a_publisher_that_publishes_nothing(domain_id, camera, helper, doctor):
    camera(images='')
    with Camera(domain_id, infos='', silent=True):
        assert doctor(domain_id).only_wrong().startswith(
            f'wrong: nothing came on {IMAGES} in {SECONDS} s, although /camera publishes it: ')


def test_doctor_tells_that_the_node_does_not_take_the_expected_topic(domain_id, camera, doctor):
    camera()
    with Camera(domain_id, images='/other/image', infos=''):
        assert doctor(domain_id, '--image', '/other/image').only_wrong() == (
            'wrong: /depth_node does not subscribe to /other/image: launch the node with '
            '`image:=/other/image`, or start it with `--ros-args -r image:=/other/image`')


# Quality of service


def test_doctor_tells_of_a_publisher_that_offers_less_than_the_node_wants(
        domain_id, camera, doctor):
    camera(reliability=ReliabilityPolicy.BEST_EFFORT)
    line = doctor(domain_id).only_wrong()
    assert 'nothing gets from /camera to /depth_node on /camera/camera_info' in line
    assert f'{INFO_QOS}: best_effort' in line


def test_doctor_tells_of_a_subscription_that_wants_more_than_the_node_offers(
        domain_id, camera, helper, doctor):
    camera()
    helper.node.create_subscription(PointCloud2, '/depth_node/points', lambda _: None, 5)
    line = doctor(domain_id).only_wrong()
    assert 'nothing gets from /depth_node to /helper on /depth_node/points' in line
    assert f'{POINTS_QOS}: reliable' in line


# Cameras


def test_doctor_tells_that_k_is_zero(domain_id, camera, doctor):
    camera(info_fields={'k': [0.0] * 9})
    assert 'wrong: /camera/camera_info: camera_info K has focal lengths 0.0, 0.0' in (
        doctor(domain_id).only_wrong())


def test_doctor_tells_that_camera_info_has_another_size(domain_id, camera, doctor):
    camera(info_fields={'width': 40, 'height': 24})
    assert 'are 80x48, but /camera/camera_info is for 40x24' in doctor(domain_id).only_wrong()


def test_doctor_tells_of_images_that_cannot_be_read(domain_id, camera, doctor):
    camera(image_fields={'encoding': 'yuv420'})
    assert f"wrong: {IMAGES}: image encoding 'yuv420'" in doctor(domain_id).only_wrong()


def test_doctor_repeats_what_the_node_warns_of(domain_id, camera, doctor):
    camera(info_fields={'d': [0.1] * 5, 'distortion_model': 'ftheta'})
    line = doctor(domain_id).only_wrong()
    assert line.startswith('wrong: /depth_node warns: ')
    assert "'ftheta'" in line


@pytest.mark.parametrize(('frames', 'what'), [
    (('', ''), f'images on {IMAGES} have no frame_id'),
    (('left_optical', 'right_optical'), "'left_optical', but /camera/camera_info is in "
     "'right_optical'"),
])
def test_doctor_tells_of_wrong_frames(domain_id, camera, doctor, frames, what):
    camera(frames=frames)
    assert what in doctor(domain_id).only_wrong()


def test_doctor_hints_at_a_frame_that_is_not_called_optical(domain_id, camera, doctor):
    camera(frames=('camera', 'camera'))
    answer = doctor(domain_id)
    assert answer.code == 0
    assert any("the frame 'camera' of /camera/image_raw is not called optical" in line
               for line in answer.found('hint'))


def test_doctor_tells_of_a_camera_that_hangs_on_nothing(domain_id, camera, doctor):
    pytest.importorskip('tf2_msgs')
    camera(mounted=False)
    assert 'no transform connects camera_optical_frame' in doctor(domain_id).only_wrong()


# Time


@pytest.mark.parametrize(('options', 'what'), [
    ({'stamped': False}, f'images on {IMAGES} have the stamp 0'),
    ({'age_s': 400 * 86400.0}, 'have stamps that are 400.0 days old'),
    ({'age_s': -5.0}, ' s in the future'),
    ({'clock_s': 1000}, 'have stamps of /clock, but /depth_node has no use_sim_time'),
    ({'use_sim_time': True}, 'use_sim_time is false in /depth_node, but not in /camera'),
])
def test_doctor_tells_of_wrong_stamps(domain_id, camera, doctor, options, what):
    camera(**options)
    assert what in doctor(domain_id).only_wrong()


def test_doctor_tells_of_a_missing_clock_and_of_real_time_beside_it(
        domain_id, camera, helper, doctor):
    set_parameter(helper, 'use_sim_time', value=True)
    try:
        camera(use_sim_time=True)
        assert 'has use_sim_time, but nothing comes on /clock' in doctor(domain_id).only_wrong()
        with Camera(domain_id, images='', infos='', clock_s=1000, use_sim_time=True):
            assert 'have stamps of the real time' in doctor(domain_id).only_wrong()
    finally:
        set_parameter(helper, 'use_sim_time', value=False)


def test_doctor_is_content_with_simulated_time_on_both_sides(domain_id, camera, helper, doctor):
    set_parameter(helper, 'use_sim_time', value=True)
    try:
        camera(use_sim_time=True, clock_s=1000)
        assert doctor(domain_id).code == 0
    finally:
        set_parameter(helper, 'use_sim_time', value=False)


def test_doctor_tells_of_depth_that_rtabmap_no_longer_waits_for(empty_domain_id, doctor):
    with Camera(empty_domain_id), DepthStandIn(empty_domain_id, delay_s=1.2):
        line = doctor(empty_domain_id, '--seconds', '2.5').only_wrong()
    assert '/depth_node/depth/image comes 1.' in line
    assert 'more than the 10 that RTAB-Map waits for' in line


def test_doctor_tells_that_images_make_no_depth(empty_domain_id, doctor):
    with Camera(empty_domain_id), DepthStandIn(empty_domain_id):
        assert doctor(empty_domain_id).only_wrong().startswith(
            f'wrong: images come in, but nothing on /depth_node/depth/image in {SECONDS} s: ')


# The node


def test_doctor_tells_of_an_inactive_node(domain_id, camera, helper, doctor):
    change_state(helper, Transition.TRANSITION_DEACTIVATE)
    try:
        camera()
        assert doctor(domain_id).only_wrong() == (
            'wrong: /depth_node is inactive: `ros2 lifecycle set /depth_node activate`')
    finally:
        change_state(helper, Transition.TRANSITION_ACTIVATE)


def test_doctor_tells_of_an_unconfigured_node_without_weights(
        empty_domain_id, doctor, monkeypatch, tmp_path):
    monkeypatch.setenv('ZOE_DEPTH_CACHE', str(tmp_path))
    with DepthStandIn(empty_domain_id, (), model='zoed_nk'):
        answer = doctor(empty_domain_id)
    assert answer.code == 1
    line, = answer.found('wrong')
    assert line.startswith('wrong: /depth_node is unconfigured: ')
    line, = answer.found('hint')
    assert 'the weights zoed_nk are not on this machine yet' in line
    assert f'-o {tmp_path}/ZoeD_M12_NK.pt' in line


def test_doctor_hints_at_a_repository_that_is_still_to_be_downloaded(
        empty_domain_id, doctor, monkeypatch, tmp_path):
    monkeypatch.setenv('ZOE_DEPTH_CACHE', str(tmp_path))
    with DepthStandIn(empty_domain_id, (), model='nobody/nothing'):
        line, = doctor(empty_domain_id).found('hint')
    assert 'the weights nobody/nothing are not on this machine yet' in line
    assert '`hf download nobody/nothing model.safetensors`' in line


def test_doctor_tells_of_a_model_that_is_no_file_and_no_name(empty_domain_id, doctor):
    with DepthStandIn(empty_domain_id, (), model='/no/such.pt'):
        answer = doctor(empty_domain_id)
    assert (answer.code, answer.found('hint')) == (1, [])
    _, line = answer.found('wrong')
    assert line.startswith(
        "wrong: the parameter model of /depth_node is wrong: '/no/such.pt' is no file on this "
        'machine, ')


def test_doctor_tells_of_a_device_that_is_not_there(empty_domain_id, doctor):
    with Camera(empty_domain_id), DepthStandIn(empty_domain_id, delay_s=0.0, device='cuda:99'):
        assert "device 'cuda:99' is not there" in doctor(empty_domain_id).only_wrong()


def test_doctor_tells_that_a_node_does_not_answer(empty_domain_id, doctor):
    node = DepthStandIn(empty_domain_id, ())  # outside its `with` statement it does not spin
    assert doctor(empty_domain_id).only_wrong().startswith(
        'wrong: /depth_node does not answer: ')
    node.__exit__()


def test_doctor_asks_again_when_an_answer_is_lost(monkeypatch):
    monkeypatch.setattr(observer, 'ASK_AGAIN_S', 0.0)
    futures: list[Future] = []

    class Client:
        def service_is_ready(self) -> bool:
            return True

        def call_async(self, request: str) -> Future:
            futures.append(Future())
            return futures[-1]

    question = observer.Question(Client(), 'what?')
    for asked in (1, 2, 3):
        question.send_once_possible()
        assert (len(futures), question.answer) == (asked, None)
    futures[1].set_result('that')  # late, but not lost
    question.send_once_possible()
    assert (len(futures), question.answer) == (3, 'that')


def test_doctor_misses_the_node(empty_domain_id, doctor):
    with Neighbour(empty_domain_id, 'somebody'):
        line = doctor(empty_domain_id).only_wrong()
    assert 'no depth node in the graph, in which there are /somebody: ' in line
    assert f'ROS_DOMAIN_ID (here {empty_domain_id})' in line


def test_doctor_refuses_to_listen_for_no_time(doctor):
    answer = doctor(0, '--seconds', '0')
    assert (answer.code, answer.lines) == (
        2, ['zoe_depth: seconds = 0.0 is not above 0 and at most 600.0'])


# STVL


def test_doctor_prints_an_stvl_file_with_the_fields_of_view_of_the_camera(
        domain_id, camera, doctor):
    camera()
    answer = doctor(domain_id, '--stvl')
    assert answer.code == 0
    layer = yaml.safe_load(answer.out)['local_costmap']['local_costmap']['ros__parameters'][
        'stvl_layer']
    # f = 80 px; the image ends 38.75 px left and 41.25 px right of the axis, 24.75 above, 23.25
    # below, of which the narrower counts.
    assert layer['clear']['horizontal_fov_angle'] == pytest.approx(0.9021, abs=1e-4)
    assert layer['clear']['vertical_fov_angle'] == pytest.approx(0.5657, abs=1e-4)
    assert layer['mark']['topic'] == '/depth_node/points/obstacles'
    assert answer.lines[-1] == 'nothing is wrong'


def test_doctor_without_camera_info_prints_no_stvl_file(empty_domain_id, doctor):
    with Camera(empty_domain_id), DepthStandIn(empty_domain_id, delay_s=0.0):
        answer = doctor(empty_domain_id, '--stvl')
    assert 'the fields of view are unknown' in answer.only_wrong()
    assert answer.out == ''
