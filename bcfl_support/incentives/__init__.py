"""From scores to pay, and what clients that want to earn make of it. Lesson 4.

First the contract's integers, to the last wei; then the same in arrays, with other definitions of consistency and other
pay rules; then clients that learn what pays, in a federation that trains or in one where only presence counts.
"""

from bcfl_support.incentives.consistency import CONSISTENCIES, alignment_penalties, expected_consistency
from bcfl_support.incentives.exact import (
    MAX_FACTOR,
    MIN_FACTOR,
    PPM,
    Account,
    Terms,
    compute_fairness_factors,
    compute_penalty,
    compute_reward_weight,
    compute_rewards,
    settle_round,
)
from bcfl_support.incentives.market import Accidents, Play, make_world, play, summarize
from bcfl_support.incentives.pay_rules import PAY_RULES, PayRule, check_rule, gate_factor
from bcfl_support.incentives.policies import COPY, FULL, TOKEN, UNKNOWN, Costs, price_of_a_miss, stay_threshold
from bcfl_support.incentives.population import Learner, sample_policies, softmax_probabilities
from bcfl_support.incentives.seat import Seat
from bcfl_support.incentives.study import Results, mean_interval
from bcfl_support.incentives.worlds import PresenceWorld, TrainingWorld
