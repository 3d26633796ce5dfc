"""Seg2Vid as SavedModels that TensorFlow Serving loads."""
