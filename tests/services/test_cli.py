"""The command's exit status and messages."""

from __future__ import annotations

import pytest

from bcfl_support.errors import CompileError
from bcfl_support.services import cli
from bcfl_support.services.machine import Check


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (False, 1)])
def test_doctor_fails_when_something_is_missing(monkeypatch, capsys, ok, status):
    checks = [Check("anvil", ok, "1.7.1", 'run "make lab"')]
    monkeypatch.setattr(cli, "doctor", lambda: checks)
    assert cli.main(["doctor"]) == status
    assert "anvil" in capsys.readouterr().out


def test_build_compiles_the_contracts(monkeypatch):
    built = []
    monkeypatch.setattr(cli, "build_contracts", lambda: built.append(True))
    assert cli.main(["build"]) == 0 and built == [True]


def test_what_goes_wrong_is_one_sentence(monkeypatch, capsys):
    def refuse():
        raise CompileError("the contracts did not compile")

    monkeypatch.setattr(cli, "build_contracts", refuse)
    with pytest.raises(SystemExit) as stop:
        cli.main(["build"])
    assert stop.value.code == 1
    assert capsys.readouterr().err == "bcfl build: the contracts did not compile\n"


@pytest.mark.parametrize("arguments", [[], ["dance"]])
def test_an_unknown_command_names_the_known_ones(capsys, arguments):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert "doctor" in capsys.readouterr().err
