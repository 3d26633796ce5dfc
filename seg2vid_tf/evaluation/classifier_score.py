"""The inception score's formula with any classifier: are pictures clearly of one class, and of many classes together.

exp(mean over pictures of KL(p(y | picture) || p(y))), p(y) the mean of p(y | picture): 1 where the classifier says the
same of every picture, at most the number of classes. Source: Salimans et al., "Improved Techniques for Training GANs"
(NeurIPS 2016), whose classifier is Inception; with another network it is another measure, and named after it.
"""

import numpy as np

# Quantised probabilities may pass 0 and 1 by a step.
_ROUNDING = 0.01


class ClassifierScore:
    """Gathers pictures batch by batch: memory does not grow with their number.

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
        self._as_probabilities, self._as_logits = _Verdicts(num_classes), _Verdicts(num_classes)
        self.says_logits = False

    def add(self, outputs: np.ndarray) -> None:
        """Adds what the classifier says of N pictures: float [N,C].

        Raises:
          ValueError: another shape, or NaN or infinity.
        """
        if outputs.ndim != 2 or outputs.shape[1] != self._num_classes:
            raise ValueError(f"classes must be [N, {self._num_classes}], received {list(outputs.shape)}")
        if not np.isfinite(outputs).all():
            raise ValueError("the classifier gives NaN or infinity")
        outputs = outputs.astype(np.float64)
        self.says_logits |= bool(outputs.min() < -_ROUNDING or outputs.max() > 1.0 + _ROUNDING)
        self._as_logits.add(np.exp(outputs - outputs.max(axis=1, keepdims=True)))
        if not self.says_logits:
            self._as_probabilities.add(np.maximum(outputs, 0.0))

    def result(self) -> float:
        """The score of all pictures.

        Raises:
          ValueError: there were none, or one of which it says nothing, every class 0.
        """
        return (self._as_logits if self.says_logits else self._as_probabilities).score()


class _Verdicts:
    """Probabilities of many pictures, summed up."""

    def __init__(self, num_classes):
        self._sum, self._negentropy, self._count, self._empty = np.zeros(num_classes), 0.0, 0, 0

    def add(self, weights):
        """float64 [N,C], not negative: a quantised network's probabilities do not add up to 1."""
        total = weights.sum(axis=1, keepdims=True)
        self._empty += int(np.sum(total == 0.0))
        probability = weights / np.maximum(total, 1e-300)
        self._count += len(probability)
        self._sum += probability.sum(axis=0)
        self._negentropy += np.sum(probability * np.log(np.maximum(probability, 1e-300)))

    def score(self):
        if not self._count:
            raise ValueError("no picture was added")
        if self._empty:
            raise ValueError(f"of {self._empty} of {self._count} pictures the classifier gives every class 0")
        marginal = self._sum / self._count
        divergence = self._negentropy / self._count - np.sum(marginal * np.log(np.maximum(marginal, 1e-300)))
        return float(np.exp(divergence))
