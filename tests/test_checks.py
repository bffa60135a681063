"""Numbers in their ranges, names that are known; NaN, infinity and fractions where whole numbers belong are refused."""

from __future__ import annotations

import ast
import doctest
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bcfl_support import checks
from bcfl_support.checks import (
    check_choice,
    check_flag,
    check_flags,
    check_generator,
    check_indices,
    check_list,
    check_range,
    check_whole,
    freeze,
    lower_median,
    to_array,
    to_floats,
)
from bcfl_support.errors import InvalidInput, InvalidUpdate


@pytest.mark.parametrize("value", [0, 1.0, Fraction(1, 3), np.float32(0.5), (0.2, 1.0), [], np.array([0, 1])])
def test_what_lies_in_the_range_passes_as_floats(value: object) -> None:
    assert check_range("share", value, 0, 1, many=True).dtype == np.float64


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf, -np.inf, (0.5, np.nan), None, "0.5", ["0.5", 1]])
def test_what_lies_elsewhere_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"share is .*: it is one; choose it in \[0, 1\]"):
        check_range("share", value, 0, 1, many=True, why="it is one")


@pytest.mark.parametrize("value", [[], [0.5], (1, 1), np.ones(1), np.arange(2)])
@pytest.mark.parametrize("whole", [False, True])
def test_an_array_is_no_single_number(value: object, whole: bool) -> None:
    with pytest.raises(InvalidInput, match=r"share is .*: choose one number, (whole, )?in \[0, 1\]"):
        check_range("share", value, 0, 1, whole=whole)
    assert check_range("share", np.array(1), 0, 1, whole=whole).shape == ()


def test_a_mask_is_refused_also_where_numbers_are_whole() -> None:
    for whole in (True, False):
        for hidden in (False, [False, True]):
            with pytest.raises(InvalidInput, match="counts has a mask"):
                check_range("counts", np.ma.masked_array([1, 2], hidden), 0, many=True, whole=whole)


def test_integers_in_an_array_need_no_loop_and_keep_their_type() -> None:
    assert check_range("sum", np.array([-(2**63), 5]), -np.inf, many=True, whole=True).dtype == np.int64
    with pytest.raises(InvalidInput, match="sum is"):
        check_range("sum", np.array([1, -1]), 0, 2**256, many=True, whole=True)


@pytest.mark.parametrize("values", [None, "1", [b"1"], [["1", 2]], [[1, 2], [3]], [1, None], 1j, {}, np.array(["1"])])
def test_what_is_no_number_is_no_float(values: object) -> None:
    with pytest.raises(InvalidUpdate, match=r"there is text in g: give numbers|g is .*: give numbers, in rows of one"):
        to_floats("g", values, InvalidUpdate)
    assert to_floats("g", [[Fraction(1, 2), np.nan]]).tolist()[0][0] == 0.5


def test_flags() -> None:
    check_flag("scaled", np.True_)
    for value in ("no", 1, None, [True]):
        with pytest.raises(InvalidInput, match=r"scaled is .*; give True or False"):
            check_flag("scaled", value)
    with pytest.raises(InvalidInput, match=r"present is .*: give numbers, in rows of one length"):
        check_flags("present", [[1], [0, 1]])


def test_an_open_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"rate is 0: choose it in \(0, ∞\)"):
        check_range("rate", 0, 0, above=True)
    with pytest.raises(InvalidInput, match="rate is inf"):
        check_range("rate", np.inf, 0)


@pytest.mark.parametrize("value", [0.5, 1.0, True, None, "1", [1, 1.5], -1])
def test_only_integers_are_whole(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"trim is .*: choose it whole, in \[0, ∞\)"):
        check_range("trim", value, 0, many=True, whole=True)


@pytest.mark.parametrize("whole", [False, True])
def test_a_truth_value_is_no_number(whole: bool) -> None:
    for value in (True, np.True_):
        with pytest.raises(InvalidInput, match="share is True: choose it"):
            check_range("share", value, 0, 1, whole=whole)


def test_text_among_other_objects_is_refused_and_quoted() -> None:
    with pytest.raises(InvalidInput, match=r"share is \[Fraction\(1, 3\), '0.5'\]: "):
        check_range("share", [Fraction(1, 3), "0.5"], 0, 1, many=True)
    for value in ("0.5", b"0.5"):
        with pytest.raises(InvalidInput, match=rf"share is {value!r}: choose it"):
            check_range("share", value, 0, 1)


def test_without_a_low_end_infinity_lies_outside_all_the_same() -> None:
    assert check_range("score", -(1 << 200), -np.inf, whole=True) < 0
    with pytest.raises(InvalidInput, match=r"score is -inf: choose it in \(-inf, ∞\)"):
        check_range("score", -np.inf, -np.inf)


def test_whole_numbers_of_any_size() -> None:
    for value in (0, np.int8(3), np.arange(4), [], 1 << 200):
        check_range("wei", value, 0, many=True, whole=True)


def test_a_choice_lists_what_there_is() -> None:
    check_choice("kind", "a", {"a": 1})
    with pytest.raises(InvalidInput, match="kind is 'c'; use one of a, b"):
        check_choice("kind", "c", ("a", "b"))
    with pytest.raises(InvalidInput, match=r"kind is \{\}; use one of a"):
        check_choice("kind", {}, {"a": 1})


def test_examples() -> None:
    assert doctest.testmod(checks, optionflags=doctest.IGNORE_EXCEPTION_DETAIL).attempted > 1


@pytest.mark.parametrize("value", [7, None, np.random.RandomState(0), np.random])
def test_what_is_no_generator_is_refused(value: object) -> None:
    check_generator(np.random.default_rng(7))
    with pytest.raises(InvalidInput, match=r"rng is .*; give a generator, such as np.random.default_rng\(0\)"):
        check_generator(value)


@pytest.mark.parametrize("values", [[0, 2], [0.2, 0.0], [np.nan], ["yes"], [None], [[0, 1, 2]], 3])
def test_numbers_are_no_truth_values(values: object) -> None:
    with pytest.raises(InvalidInput, match="present holds more than truth values: give True and False"):
        check_flags("present", values)


def test_truth_values_may_be_ones_and_zeros() -> None:
    for values in ([True, False], [1, 0], np.array([1.0, 0.0]), [np.True_, 0]):
        assert check_flags("present", values).tolist() == [True, False]
    assert check_flags("present", []).dtype == np.bool_


# ---------------------------------------------------------------- NumPy's integers, which overflow
@pytest.mark.parametrize("number", [np.int8(100), np.uint64(2**63), np.int32(-5), np.array(7), 2**300])
def test_a_whole_number_is_pythons_own(number: object) -> None:
    found = check_whole("n", number, -(2**400), 2**400)
    assert type(found) is int
    assert found == int(number)  # type: ignore[call-overload]


def test_wherever_a_whole_number_is_wanted_what_is_checked_is_what_is_used() -> None:
    for file in sorted({*Path(checks.__file__).parent.rglob("*.py")} - {Path(checks.__file__)}):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            arguments = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
            for node in ast.walk(function):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                    called, given = node.value.func, node.value.args[1:2]
                    gives = ("check_whole", "check_range", "check_flags", "check_indices", "check_list", "to_floats")
                    if isinstance(called, ast.Name) and called.id in gives and isinstance(given[0], ast.Name):
                        where = f"{file.name}:{node.lineno}: {given[0].id} is checked, and used as it came"
                        assert given[0].id not in arguments, where
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check_range":
                    options = {o.arg: o.value for o in node.keywords}
                    always = isinstance(options.get("whole"), ast.Constant)
                    several = {"many", "row"} & {*options}
                    assert several or not always, f"{file.name}:{node.lineno}: check_whole gives an int"


def test_a_long_value_is_told_in_short() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_range("updates", np.full(100_000, np.nan).tolist(), 0, many=True)
    assert len(str(refused.value)) < 1_000


def test_a_tensor_with_a_gradient_is_refused_in_words() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InvalidInput, match="detach"):
        to_floats("updates", torch.ones(3, requires_grad=True))


@pytest.mark.parametrize("values", [{"a", "b"}, frozenset({1})])
def test_a_set_pairs_with_nothing(values: object) -> None:
    with pytest.raises(InvalidInput, match="clients is a set, which has no order: give a list"):
        check_list("clients", values)
    assert check_list("clients", {"b": 1, "a": 2}.keys()) == ["b", "a"]


MASKED = np.ma.masked_array([1, 2, 3], mask=[1, 0, 0])


@pytest.mark.parametrize("values", [MASKED, [MASKED, MASKED], (MASKED,)])
@pytest.mark.parametrize("whole", [False, True])
def test_a_mask_is_lost_nowhere(values: object, whole: bool) -> None:
    with pytest.raises(InvalidInput, match="counts has a mask"):
        check_range("counts", values, 0, many=True, whole=whole)
    with pytest.raises(InvalidInput, match="counts has a mask"):
        to_array("counts", values)


@pytest.mark.parametrize("whole", [False, True])
def test_one_row_is_no_table(whole: bool) -> None:
    assert check_range("counts", [1, 2], 0, row=True, whole=whole).tolist() == [1, 2]
    for wrong in (1, [[1], [2]], np.ones((2, 1), int)):
        with pytest.raises(InvalidInput, match=r"(?s)counts is .*: choose one row, (whole, )?in \[0, ∞\)"):
            check_range("counts", wrong, 0, row=True, whole=whole)


@pytest.mark.parametrize("wrong", [[3], [-1], [0, 0], [0.5], [[0]], 1, ["0"], [True]])
def test_clients_are_named_by_their_numbers_each_once(wrong: object) -> None:
    assert check_indices("clients", np.array([2, 0], np.int8), 3).dtype == np.int64
    assert len(check_indices("clients", [], 3)) == 0
    with pytest.raises(InvalidInput, match=r"clients is .*(named by its index|name each once)"):
        check_indices("clients", wrong, 3)


def test_what_is_frozen_is_nobodys_but_ours() -> None:
    given = np.arange(4)
    kept, view = freeze(given), freeze(given[1:])
    given[:] = 9
    assert kept.tolist() == [0, 1, 2, 3] and view.tolist() == [1, 2, 3] and freeze(kept) is kept
    given.flags.writeable = False  # a view of what could be written to by another name is copied
    assert freeze(given[:2]).flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1


def test_a_tensor_that_numpy_does_not_take_is_refused_in_words() -> None:
    import torch

    for tensor in (torch.ones(3, dtype=torch.bfloat16), torch.ones(3).to_sparse(), torch.ones(3, device="meta")):
        for take in (to_array, to_floats):
            with pytest.raises(InvalidInput, match=r"g is tensor\(.*, no array of NumPy: .*; convert it first"):
                take("g", tensor)
        with pytest.raises(InvalidInput):
            check_range("g", tensor, 0, many=True)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64, np.int64])
def test_whole_numbers_come_back_in_a_type_that_holds_them(kind: type) -> None:
    for given in (np.array([100, 100], kind), [kind(100), 100]):
        found = check_range("counts", given, 0, many=True, whole=True)
        assert found.dtype == np.int64 and (found * found).tolist() == [10_000] * 2
    assert check_range("wei", [2**63, 1], 0, many=True, whole=True).tolist() == [2**63, 1]
    assert check_range("wei", np.array([2**64 - 1], np.uint64), 0, row=True, whole=True).tolist() == [2**64 - 1]


def test_the_median_by_weights_is_the_smallest_that_holds_half() -> None:
    rng = np.random.default_rng(0)
    for n in range(1, 8):
        values, weights = rng.integers(0, 5, n).tolist(), rng.integers(1, 9, n).tolist()
        pairs = [*zip(values, weights, strict=True)]
        halves = [v for v in sorted(values) if 2 * sum(w for u, w in pairs if u <= v) >= sum(weights)]
        assert lower_median(values, weights) == halves[0]
    assert lower_median([], []) == 0
