"""What a server says when it does not answer: TensorFlow's status codes, and what HTTP makes of them."""

import re

# As TensorFlow Serving's REST interface maps them.
HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
    "REQUEST_TIMEOUT": 408,  # of HTTP alone: the request did not come in time
}


class StatusError(Exception):
    """An answer that is an error.

    Args:
      code: a key of HTTP_STATUS.
      message: what is wrong, for whoever asked.
    """

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def plain(message: str) -> str:
    """What a graph says of a bad input, without where in the graph it is said.

    "assertion failed: [label_map_png: id outside spec, largest:] [99]\\n\\t [[{{node map/while/Assert_4}}]]" becomes
    "label_map_png: id outside spec, largest: 99". Of a file that is damaged inside, the node that decodes it bears the
    input's name, which is kept: "label_map_png: Invalid PNG."
    """
    decoded = re.search(r"\{\{node [^{}]*?(\w+_(?:png|jpeg))(?:_\d+)?\}\}", message)
    message = re.sub(r"\n\s*\[\[.*?\]\]", "", message)
    message = re.sub(r"\{\{[^{}]*\}\}\s*", "", message).strip()
    message = message.removeprefix("Graph execution error:").strip()
    failed = re.fullmatch(r"assertion failed: \[(.*)\]", message, re.S)
    if not failed:
        return f"{decoded[1]}: {message}" if decoded and decoded[1] not in message else message
    text = ""
    for part in failed[1].split("] ["):
        # Behind a number a new sentence begins, unless it goes on with another number.
        says_more = text[-1:].isdigit() and part[:1].isalpha() and not part.startswith("and ")
        text += (";" if says_more else "") + (" " if text else "") + part
    return text
