"""The inception score's formula with any classifier: are pictures clearly of one class, and of many classes together.

exp(mean over pictures of KL(p(y | picture) || p(y))), p(y) the mean of p(y | picture): 1 where the classifier says the
same of every picture, at most the number of classes. Source: Salimans et al., "Improved Techniques for Training GANs"
(NeurIPS 2016), whose classifier is Inception; with another network it is another measure, and named after it.
"""

import numpy as np


class ClassifierScore:
    """Gathers pictures batch by batch: memory does not grow with their number.

    Args:
      num_classes: of the classifier.
    """

    def __init__(self, num_classes: int):
        self._sum, self._negentropy, self.count = np.zeros(num_classes), 0.0, 0

    def add(self, outputs: np.ndarray) -> None:
        """Adds what the classifier says of N pictures: float [N,C], probabilities, or logits that softmax makes so.

        Raises:
          ValueError: another shape, or NaN or infinity.
        """
        if outputs.ndim != 2 or outputs.shape[1] != len(self._sum):
            raise ValueError(f"classes must be [N, {len(self._sum)}], received {list(outputs.shape)}")
        if not np.isfinite(outputs).all():
            raise ValueError("the classifier gives NaN or infinity")
        probability = _probabilities(outputs.astype(np.float64))
        self.count += len(probability)
        self._sum += probability.sum(axis=0)
        self._negentropy += np.sum(probability * np.log(np.maximum(probability, 1e-300)))

    def result(self) -> float:
        """The score of all pictures.

        Raises:
          ValueError: there were none.
        """
        if not self.count:
            raise ValueError("no picture was added")
        marginal = self._sum / self.count
        divergence = self._negentropy / self.count - np.sum(marginal * np.log(np.maximum(marginal, 1e-300)))
        return float(np.exp(divergence))


def _probabilities(outputs):
    if outputs.min() >= 0.0 and np.abs(outputs.sum(axis=1) - 1.0).max() < 1e-2:  # a quantised network's add up nearly
        return outputs / outputs.sum(axis=1, keepdims=True)
    shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
