"""What a graph says of bad inputs, in words without the graph."""

import pytest

from seg2vid_tf.serving.status import plain

NODE = "\n\t [[{{node map/while/Assert_1/AssertGuard/Assert}}]]"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "Graph execution error:\n\nassertion failed: [label_map_png: id outside spec mine (0..1, 255 = ignored), "
            f"largest:] [99]{NODE}",
            "label_map_png: id outside spec mine (0..1, 255 = ignored), largest: 99",
        ),
        (
            "assertion failed: [label_map_png: expected height x width 128x256, received height:] [64] [and width:] "
            f"[128] [resize it by nearest neighbour]{NODE}{NODE}",
            "label_map_png: expected height x width 128x256, received height: 64 and width: 128; resize it by nearest "
            "neighbour",
        ),
        (
            "{{function_node __inference_f_12}} {{function_node __inference_f_12}} assertion failed: "
            f"[chunk must lie in 1..1024, received:] [0 -3]{NODE}",
            "chunk must lie in 1..1024, received: 0 -3",
        ),
        (
            "Invalid PNG. Failed to initialize decoder.\n\t [[{{node map/while/label_map_png}}]]",
            "label_map_png: Invalid PNG. Failed to initialize decoder.",
        ),
        (
            "{{function_node __inference_f_12}} {{node map_1/while/start_frame_jpeg_1}} Invalid JPEG data, size 7",
            "start_frame_jpeg: Invalid JPEG data, size 7",
        ),
        ("the queue is full", "the queue is full"),
        ("inputs [a] [b] differ", "inputs [a] [b] differ"),
        ("", ""),
    ],
)
def test_a_refusal_is_said_without_the_graphs_words(message, said):
    assert plain(message) == said
