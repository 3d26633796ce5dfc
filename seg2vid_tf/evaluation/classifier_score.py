"""The inception score's formula with any classifier: are pictures clearly of one class, and of many classes together.

exp(mean over pictures of KL(p(y | picture) || p(y))), p(y) the mean of p(y | picture): 1 where the classifier says the
same of every picture, at most the number of classes. As published it is the mean over ten parts of the pictures, and
the standard deviation over them; of fewer pictures the score is lower, so a number over parts is compared with such a
number alone. Source: Salimans et al., "Improved Techniques for Training GANs"
(NeurIPS 2016), whose classifier is Inception; with another network it is another measure, and named after it.
"""

import itertools
from typing import NamedTuple

import numpy as np

SPLITS = 10
# Quantised probabilities may pass 0 and 1 by a step.
_ROUNDING = 0.01


class ClassifierScore:
    """Gathers pictures batch by batch, of which it keeps sums.

    A classifier says probabilities, or logits that softmax makes so. It says logits where any number, of any picture,
    lies outside of 0 to 1.

    Attributes:
      says_logits: whether one did so far; or another set of pictures shows it.

    Args:
      num_classes: of the classifier.
    """

    def __init__(self, num_classes: int):
        self._num_classes = num_classes
        # Which of the two is known when all pictures were seen.
        self._as_probabilities: list[_Verdicts] = []
        self._as_logits: list[_Verdicts] = []
        self.says_logits = False

    def add(self, outputs: np.ndarray) -> None:
        """Adds what the classifier says of N pictures, a batch that no part cuts in two: float [N,C].

        Raises:
          ValueError: another shape, or NaN or infinity.
        """
        if outputs.ndim != 2 or outputs.shape[1] != self._num_classes:
            raise ValueError(f"classes must be [N, {self._num_classes}], received {list(outputs.shape)}")
        if not np.isfinite(outputs).all():
            raise ValueError("the classifier gives NaN or infinity")
        outputs = outputs.astype(np.float64)
        self.says_logits |= bool(outputs.min() < -_ROUNDING or outputs.max() > 1.0 + _ROUNDING)
        self._as_logits.append(_verdicts(np.exp(outputs - outputs.max(axis=1, keepdims=True))))
        self._as_probabilities.append(_verdicts(np.maximum(outputs, 0.0)))

    def result(self) -> float:
        """The score of all pictures.

        Raises:
          ValueError: there were none, or one of which it says nothing, every class 0.
        """
        return _score(self._verdicts())

    def over_splits(self) -> tuple[float, float]:
        """Mean and standard deviation of the scores of SPLITS parts, which follow each other, of as many batches each.

        Raises:
          ValueError: fewer batches than parts, or as of ``result``.
        """
        verdicts = self._verdicts()
        if len(verdicts) < SPLITS:
            raise ValueError(f"the set has {len(verdicts)} videos, a score over {SPLITS} splits needs {SPLITS}")
        bounds = [len(verdicts) * i // SPLITS for i in range(SPLITS + 1)]
        scores = [_score(verdicts[start:stop]) for start, stop in itertools.pairwise(bounds)]
        return float(np.mean(scores)), float(np.std(scores))

    def _verdicts(self):
        return self._as_logits if self.says_logits else self._as_probabilities


class _Verdicts(NamedTuple):
    """Probabilities of some pictures, summed up: of each class, of p log p; and how many there are, and are empty."""

    sum: np.ndarray
    negentropy: float
    count: int
    empty: int


def _verdicts(weights):
    """float64 [N,C], not negative: a quantised network's probabilities do not add up to 1."""
    total = weights.sum(axis=1, keepdims=True)
    probability = weights / np.maximum(total, 1e-300)
    negentropy = np.sum(probability * np.log(np.maximum(probability, 1e-300)))
    return _Verdicts(probability.sum(axis=0), float(negentropy), len(weights), int(np.sum(total == 0.0)))


def _score(verdicts):
    if not verdicts:
        raise ValueError("no picture was added")
    sums, negentropy, count, empty = (sum(values) for values in zip(*verdicts, strict=True))
    if empty:
        raise ValueError(f"of {empty} of {count} pictures the classifier gives every class 0")
    marginal = sums / count
    divergence = negentropy / count - np.sum(marginal * np.log(np.maximum(marginal, 1e-300)))
    return float(np.exp(divergence))
