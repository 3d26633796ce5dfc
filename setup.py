"""Packaging of seg2vid_tf: two TensorFlow stacks, chosen by the Python version (BUILD.md)."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$', (HERE / "seg2vid_tf/__init__.py").read_text(encoding="utf-8"), re.M
).group(1)

# Stack A is the last one that TensorFlow Addons supports; stack B ends before 2.22, which tf-keras refuses.
STACK_A = 'python_version < "3.12"'
STACK_B = 'python_version >= "3.12"'

# The server's own messages, and what the local server is built on.
SERVING = [
    f"tensorflow-serving-api>=2.15,<2.16; {STACK_A}",
    f"tensorflow-serving-api>=2.18,<2.22; {STACK_B}",
    "prometheus-client>=0.20",
    "starlette>=0.40",
    "uvicorn>=0.30",
]

EVAL = [
    # Flow and affine motion to measure with; the last versions that NumPy 1.26 goes with.
    "opencv-python-headless>=4.9,<4.12",
    # Copies of training frames that were coded anew.
    "ImageHash>=4.3",
]

# Running what was converted needs ONNX Runtime or OpenVINO alone; making it needs the rest, and TensorFlow.
ONNX = [
    "onnxruntime>=1.20",
    "tf2onnx>=1.17,<1.18",
    # From 1.19 on it needs an ml_dtypes that TensorFlow 2.15 refuses.
    f"onnx>=1.16,<1.19; {STACK_A}",
    f"onnx>=1.17; {STACK_B}",
]
OPENVINO = [*ONNX, "openvino>=2024.4"]

setup(
    name="seg2vid_tf",
    version=VERSION,
    description="One static structural annotation in, one coherent video out: Keras/TensorFlow 2",
    license="Apache-2.0",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["seg2vid_tf", "seg2vid_tf.*"]),
    package_data={
        "seg2vid_tf.annotations": ["specs/*.json", "usual_places.json"],
        "seg2vid_tf.serving": ["deploy/*"],
        "seg2vid_tf.training": ["deploy/*"],
        "seg2vid_tf.web": ["paint.js", "paint.css"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=[
        "absl-py>=2.0",
        "pillow>=10.0",
        f"numpy>=1.26,<2; {STACK_A}",
        f"tensorflow>=2.15,<2.16; {STACK_A}",
        f"keras>=2.15,<2.16; {STACK_A}",
        f"tensorflow-addons>=0.23,<0.24; {STACK_A}",
        f"tensorflow-probability>=0.23,<0.24; {STACK_A}",
        f"numpy>=2.0; {STACK_B}",
        f"tensorflow>=2.18,<2.22; {STACK_B}",
        f"keras>=3.12,<3.16; {STACK_B}",
        # TensorFlow 2.21 does not bring it. Up to 2.20 it imports pkg_resources, TFP imports distutils: on Python 3.12
        # and later only setuptools has them, and 82 drops the first.
        f"tensorboard>=2.18,<2.22; {STACK_B}",
        f"setuptools<82; {STACK_B}",
        # The extra brings tf-keras, without which TFP does not import beside Keras 3.
        f"tensorflow-probability[tf]>=0.25,<0.26; {STACK_B}",
    ],
    extras_require={
        "demo": ["av>=15.0"],
        "video": ["av>=15.0"],
        "beam": ["apache-beam>=2.60"],
        "eval": EVAL,
        "serving": SERVING,
        "onnx": ONNX,
        "openvino": OPENVINO,
        # The page to paint on (experiments/paint.py): 200 MB with what it needs, so not in "dev".
        "web": ["gradio>=6.0,<7"],
        "dev": [
            *SERVING,
            *EVAL,
            *OPENVINO,
            "apache-beam>=2.60",
            "av>=15.0",
            "pycocotools>=2.0.8",
            "pytest>=8.0",
            "pytest-xdist>=3.5",
            "hypothesis>=6.100",
            # Independent implementations that metrics are tested against.
            "scikit-image>=0.22",
            "scipy>=1.11",
            # One version for all, that of .pre-commit-config.yaml: another one formats otherwise.
            "ruff==0.17.6",
            "import-linter>=2.0",
            # What programs write into the documents (make documents).
            "cogapp>=3.4,<4",
            "pyyaml>=6.0",
        ],
    },
)
