"""From the messages of a request to the row that a draft and its critique are asked by."""

from builders.errors import reason_of
from builders.instructions.record import Unusable
from builders.instructions.turns import conversation_of
from builders.rows import Row
from builders.rows.schema import new_ledger_row
from services.chat.answerer import Asked
from services.chat.errors import bad_field


def row_of(asked: Asked, system: str | None) -> Row:
    """A ledger row with the conversation; `system` is for one that has no system prompt.

    System prompts come first and are one, turns in a row by one speaker are one turn, and thinking
    is left out of earlier answers. ChatError if it is no conversation then.
    """
    try:
        conversation = conversation_of(asked.turns)
    except Unusable as error:
        raise bad_field("messages", f"messages: {reason_of(error)}") from None
    return new_ledger_row(
        id="served",
        instruction=conversation.instruction,
        system=conversation.system or system,
        history=conversation.history,
    )
