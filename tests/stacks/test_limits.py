import pytest

from tests.support.compose import faults, service, spec
from tidegate.engine.spec import Limits, Ulimit


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("cpus: '1.5'", Limits(cpus=1.5)),
        ("cpu_shares: 512", Limits(cpu_shares=512)),
        ("cpu_shares: 50\nlabels: {aliyun.scale: 1}", Limits(cpu_shares=512)),
        ("cpu_quota: 50000\ncpu_period: 100ms", Limits(cpu_quota_us=50000, cpu_period_us=100000)),
        ("cpuset: 0-1", Limits(cpuset="0-1")),
        ("mem_limit: 64m\nmemswap_limit: -1", Limits(memory_bytes=64 << 20, swap_bytes=-1)),
        ("mem_reservation: 32m", Limits(reserved_memory_bytes=32 << 20)),
        ("mem_swappiness: 0", Limits(swappiness=0)),
        ("shm_size: 128m", Limits(shm_bytes=128 << 20)),
        ("pids_limit: -1", Limits(pids=-1)),
        ("blkio_config: {weight: 300}", Limits(blkio_weight=300)),
        ("oom_kill_disable: true\noom_score_adj: -500", Limits(oom_kill_disable=True, oom_score_adjustment=-500)),
        ("oom-kill-disable: true", Limits(oom_kill_disable=True)),
        (
            "ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}}",
            Limits(
                ulimits=(Ulimit(name="nproc", soft=65535, hard=65535), Ulimit(name="nofile", soft=20000, hard=40000))
            ),
        ),
        ("gpus: all", Limits(gpus=-1)),
        ("labels: {aliyun.gpu: 2}", Limits(gpus=2)),
        (
            "cpus: 4\nmem_limit: 1g\ndeploy: {resources: {limits: {cpus: '0.5', memory: 50M, pids: 10}}}",
            Limits(cpus=0.5, memory_bytes=50 << 20, pids=10),
        ),
        (
            "deploy: {resources: {reservations: {memory: 20M, devices: [{capabilities: [gpu], count: 1}]}}}",
            Limits(reserved_memory_bytes=20 << 20, gpus=1),
        ),
    ],
)
def test_limits_are_read(text, limits):
    assert spec(text).limits == limits


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mem_limit: much", [("T1170", 1)]),
        ("cpus: many", [("T1132", 1)]),
        ("ulimits: {nofile: {soft: 1}}", [("T1132", 1)]),
        ("deploy: {resources: {limits: {disk: 1}}}", [("T1131", 1)]),
        ("deploy: {resources: {reservations: {devices: [{capabilities: [tpu]}]}}}", [("T1131", 1)]),
        ("blkio_config: {device_read_bps: []}", [("T1131", 1)]),
    ],
)
def test_what_is_no_limit_is_told(text, found):
    assert faults(text) == found


def test_what_is_set_aside_is_said_or_in_the_original_language_is_the_limit():
    assert service("mem_limit: 64m\nlabels: {aliyun.scale: 1}").reservation.memory == 64 << 20
    assert service("mem_limit: 64m").reservation.memory == 0
    said = "mem_limit: 64m\nlabels: {aliyun.scale: 1}\ndeploy: {resources: {reservations: {memory: 8m, cpus: 2}}}"
    assert (service(said).reservation.memory, service(said).reservation.cpu) == (8 << 20, 2.0)
