"""From a completion as a model returned it to the answer that a run uses.

The store keeps completions as they came, so that what is understood later is understood of earlier
answers too.
"""

from dataclasses import replace

from builders.critique.replies.foreign_text import without_closing_token
from builders.critique.replies.reasoning import split_reasoning
from builders.critique.replies.text import is_blank
from pipelines.llms.finish_reasons import fold_finish_reason
from pipelines.llms.messages import Completion


def read_answer(completion: Completion, max_new_tokens: int | None = None) -> Completion:
    """`completion` with the thinking in its text moved to `reasoning`, and without the
    token that closes its turn.

    Without an answer beside the thinking it has no text: `reply_truncated`, if the token limit
    ended it, or `reply_empty`. A reply of `max_new_tokens` that does not say why it ended was cut.
    """
    finish = fold_finish_reason(completion.finish_reason)
    if finish is None and max_new_tokens and "tokens_out" not in completion.estimated:
        finish = "length" if completion.tokens_out >= max_new_tokens else None
    if finish != completion.finish_reason:
        completion = replace(completion, finish_reason=finish)
    if completion.text is None:
        return completion
    split = split_reasoning(completion.text)
    answer = without_closing_token(split.answer)
    thoughts = [text for text in (completion.reasoning, split.reasoning) if text]
    is_cut = finish == "length" or split.is_cut
    if is_blank(answer) and (thoughts or is_cut):
        where = "a field for reasoning" if completion.reasoning else "marks of thinking"
        return replace(
            completion,
            text=None,
            reasoning="\n\n".join(thoughts) or None,
            reason="reply_truncated" if is_cut else "reply_empty",
            detail=completion.detail
            or f"no answer: all {sum(map(len, thoughts)):,} characters are in {where}",
        )
    if split.reasoning is None and answer == completion.text:
        return completion
    return replace(completion, text=answer, reasoning="\n\n".join(thoughts) or None)
