"""The machine's name."""

import torch

from mtsmart import hardware

CLOUD = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: another
"""


def name_with(monkeypatch, file):
    hardware.processor_facts.cache_clear()
    monkeypatch.setattr(hardware, "_INFO", file)
    try:
        return hardware.device_name("cpu")
    finally:
        hardware.processor_facts.cache_clear()


def test_a_processor_is_told_from_others_of_its_name(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    file.write_text(CLOUD)
    assert name_with(monkeypatch, file) == "AMD EPYC (family 25, model 1)"


def test_without_linux_the_system_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware.platform, "processor", lambda: "arm")
    assert name_with(monkeypatch, tmp_path / "none") == "arm"


def test_a_gpu_has_its_own_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU of {device}")
    assert hardware.device_name("cuda:1") == "GPU of cuda:1"
