"""Losses: pure functions (target, prediction, ...) -> float32 scalar, one idea a file.

Images are in [-1, 1], flow in pixels. Every loss is an average per clip, then over the batch, so that its weight
depends on neither the batch size, the number of frames, the resolution nor the visible area.
"""
