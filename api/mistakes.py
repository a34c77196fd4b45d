"""What pydantic says of a mistake, in the words a person is told."""


def in_words(message: str) -> str:
    """The `msg` of one of pydantic's errors, without the kind of Python error that a check of ours raised."""
    return message.removeprefix("Value error, ")
