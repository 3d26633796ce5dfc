"""What makes annotations of frames: a segmenter, a pose network, an edge detector."""
