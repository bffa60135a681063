"""A lesson runs in the Python that was set up, whatever else calls itself python3."""

from __future__ import annotations

import json
import sys

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from notebooks import ROOT
from tools import lessons
from tools.kernels import OnlyThisPython


@pytest.fixture
def stray_kernel(tmp_path, monkeypatch):
    """Another kernel of the same name, where JUPYTER_PATH says to look first."""
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {"argv": ["/no/such/python", "{connection_file}"], "display_name": "stray", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] == "/no/such/python", "the trap is set"


def test_only_this_python_is_offered(stray_kernel):
    specs = OnlyThisPython().get_all_specs()
    assert list(specs) == ["python3"]
    assert specs["python3"]["spec"]["argv"][0] == sys.executable


def test_a_notebook_runs_in_it(stray_kernel, tmp_path):
    cell = nbformat.v4.new_code_cell("import sys; print(sys.executable)")
    lessons.make_client(nbformat.v4.new_notebook(cells=[cell]), tmp_path).execute()
    assert cell.outputs[0].text.strip() == sys.executable


@pytest.mark.parametrize("reader", ["learner", "teacher"])
def test_jupyterlab_is_told_to_offer_no_other(reader):
    settings = json.loads((ROOT / "tools" / "lab" / reader / "server.json").read_text(encoding="utf-8"))
    assert settings["ServerApp"]["kernel_spec_manager_class"] == "tools.kernels.OnlyThisPython"
    assert f"--config=tools/lab/{reader}/server.json" in (ROOT / "Makefile").read_text(encoding="utf-8")
