"""Shapley values of a round: exact, estimated, and by closed form. Lesson 3.

A game is a function from coalitions to values. `round_utility` makes one of a federated round; `exact_shapley` weighs
all 2^n coalitions; the estimators draw orders (permutation, truncated, GTG, stratified) or sizes (SVARM, regression)
and report their standard errors; the tests hold them all against closed forms.
"""

from bcfl_support.shapley.by_order import gtg_shapley, permutation_shapley, stratified_shapley, truncated_shapley
from bcfl_support.shapley.by_size import Estimate, regression_shapley, svarm_shapley
from bcfl_support.shapley.coalitions import coalition_members
from bcfl_support.shapley.exact import exact_shapley, leave_one_out, mean_game_threshold
from bcfl_support.shapley.utility import Convention, Kind, RoundUtility, round_utility
