"""The networks of both stages and Seg2Vid, which holds them together."""
