"""The Frechet distance between two sets of pictures or clips, as any feature extractor sees them.

Each set's features are taken for a Gaussian; the distance is |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson and
Landau, 1982). With Inception's pooled features of pictures it is FID (Heusel et al., 2017), with I3D's of clips FVD
(Unterthiner et al., 2018); with those of another network it is neither, so a score is named after its extractor.
"""

import numpy as np


class FeatureStatistics:
    """Mean and covariance of features, gathered batch by batch: memory does not grow with their number.

    Args:
      size: length of a feature vector.
    """

    def __init__(self, size: int):
        self.size, self.count = size, 0
        self._sum, self._products = np.zeros(size), np.zeros((size, size))

    def add(self, features: np.ndarray) -> None:
        """Adds features, float [N, size].

        Raises:
          ValueError: another size, or NaN or infinity.
        """
        if features.ndim != 2 or features.shape[1] != self.size:
            raise ValueError(f"features must be [N, {self.size}], received {list(features.shape)}")
        if not np.isfinite(features).all():
            raise ValueError("features hold NaN or infinity")
        features = features.astype(np.float64)
        self.count += len(features)
        self._sum += features.sum(axis=0)
        self._products += features.T @ features

    @property
    def mean(self) -> np.ndarray:
        """float64 [size]."""
        return self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """float64 [size, size], unbiased."""
        return (self._products - self.count * np.outer(self.mean, self.mean)) / (self.count - 1)


def frechet_distance(real: FeatureStatistics, made: FeatureStatistics) -> float:
    """The squared distance of two sets, 0 where their Gaussians are equal.

    Raises:
      ValueError: a set of fewer features than their length and one more: its covariance has no full rank, and the
        distance says more of the numbers of clips than of the clips.
    """
    for name, statistics in (("real", real), ("made", made)):
        if statistics.count <= statistics.size:
            raise ValueError(
                f"the {name} set has {statistics.count} features, the Frechet distance needs {statistics.size + 1}"
            )
    # trace((C1 C2)^(1/2)) by the symmetric product, whose eigenvalues are the same and real.
    root = _symmetric_root(real.covariance)
    values = np.linalg.eigvalsh(root @ made.covariance @ root)
    crossed = np.sum(np.sqrt(np.maximum(values, 0.0)))
    traces = np.trace(real.covariance) + np.trace(made.covariance)
    return float(max(0.0, np.sum(np.square(real.mean - made.mean)) + traces - 2.0 * crossed))


def _symmetric_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
