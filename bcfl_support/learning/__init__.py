"""Federated learning itself: data, partitions, models, local training, aggregation. Lessons 0 and 5.

Everything is batched: the clients of a round are the rows of one array (n, P), and leading axes are seeds or runs.
`load_penguins` and its kin give real data to clients, `federate` a table of your own; `SoftmaxRegression`,
`LogisticRegression`, `MLP` and `TorchModel`, which takes any PyTorch module, give gradients; `local_updates` trains;
`AGGREGATORS` holds FedAvg and the robust rules, found by name.
"""

from bcfl_support.learning.aggregators import AGGREGATORS, coordinate_median, fedavg
from bcfl_support.learning.datasets import (
    FederatedData,
    federate,
    load_digits_federation,
    load_hospitals,
    load_mnist_federation,
    load_penguins,
    with_label_noise,
)
from bcfl_support.learning.models import MLP, LogisticRegression, Model, SoftmaxRegression, TorchModel
from bcfl_support.learning.training import descend, local_updates, play_rounds
from bcfl_support.learning.updates import (
    Round,
    check_round,
    check_updates,
    check_vector,
    check_vectors,
    clip_norms,
    compute_cosines,
    compute_lengths,
    compute_median_norm,
    compute_square_distances,
    compute_weights,
    divide_or_zero,
    rescale,
)
