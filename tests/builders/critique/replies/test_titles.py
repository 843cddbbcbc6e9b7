"""Headings in other languages, and in two at once."""

import unicodedata

import pytest

from builders.critique.parse import Critique, ParsedReply, Rejection, parse_reply
from builders.critique.prompts import critique_prompt
from builders.critique.replies.titles import find_title

ENGLISH = ("Weaknesses", "Suggestions", "Overall Score", "Improved Response")
TRANSLATED = {
    "Arabic": ("نقاط الضعف", "الاقتراحات", "التقييم العام", "الإجابة المحسّنة"),
    "Chinese, simplified": ("缺点", "改进建议", "总体评分", "改进后的回答"),
    "Chinese, traditional": ("弱點", "建議", "總體評分", "改進後的回應"),
    "French": ("Points faibles", "Suggestions d’amélioration", "Note globale", "Réponse améliorée"),
    "German": ("Schwächen", "Vorschläge", "Gesamtbewertung", "Verbesserte Antwort"),
    "Hindi": ("कमज़ोरियाँ", "सुझाव", "कुल स्कोर", "बेहतर उत्तर"),
    "Italian": ("Debolezze", "Suggerimenti", "Punteggio complessivo", "Risposta migliorata"),
    "Japanese": ("弱点", "提案", "総合評価", "改善された回答"),
    "Korean": ("약점", "제안", "종합 점수", "개선된 답변"),
    "Portuguese": ("Pontos fracos", "Sugestões", "Pontuação geral", "Resposta aprimorada"),
    "Russian": ("Слабые стороны", "Предложения", "Общая оценка", "Улучшенный ответ"),
    "Spanish": ("Debilidades", "Sugerencias", "Puntuación general", "Respuesta mejorada"),
}
FORMS = [
    "### {}",
    "**{}**",
    "{}:",
    "{}：",
    "【{}】",
    "1. **{}**",
    "### 1. {}",
    "\u200f### {}\u200e",
    "### {} ({english})",
    "### {english} ({})",
    "**{english} / {}**",
    "### {} / {english}",
    "**{}（{english}）：**",
    "**{}** ({english}):",
    "### {english} {}",
]


def written(weaknesses: str, suggestions: str, score: str, improved: str) -> str:
    return (
        f"{weaknesses}\n1. Vague.\n\n{suggestions}\n1. Be exact.\n\n{score}: [[6]]\n\n"
        f"{improved}\nIce floats on water."
    )


READ = ParsedReply(Critique(["Vague."], ["Be exact."], 6), "Ice floats on water.", False, None)


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("form", FORMS)
def test_translated_headings(language, form):
    titles = TRANSLATED[language]
    headings = [
        form.format(title, english=english) for title, english in zip(titles, ENGLISH, strict=True)
    ]
    headings[2] = titles[2]
    reply = written(*headings)
    for normal_form in ("NFC", "NFD"):
        result = parse_reply(unicodedata.normalize(normal_form, reply), "Ice.", "stop")
        assert result == READ


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize(
    "form", ["{}：[[6]]", "**{}:** [[6]]", "{} (Overall Score): [[6]]", "### {}\n[[6]]"]
)
def test_translated_scores(language, form):
    score = form.format(TRANSLATED[language][2])
    reply = written("### Weaknesses", "### Suggestions", "@", "### Improved Response")
    assert parse_reply(reply.replace("@: [[6]]", score), "Ice.", "stop") == READ


@pytest.mark.parametrize(
    "heading",
    ["### Điểm yếu (Weaknesses)", "### Zayıf Yönler / Weaknesses", "一、缺点：", "١. نقاط الضعف:"],
)
def test_other_numbers_and_languages_beside_english(heading):
    reply = written(heading, "### Suggestions", "Overall Score", "### Improved Response")
    if heading[0] != "#":
        reply = reply.replace("### Suggestions", "2. **Suggestions:**")
    assert parse_reply(reply, "Ice.", "stop") == READ


@pytest.mark.parametrize(
    "line",
    ["弱点", "缺点很多。", "### Strengths / Weaknesses", "### Weaknesses (of ice)", "### 缺点分析"],
)
def test_lines_that_are_no_heading(line):
    reply = written(line, "### Suggestions", "Overall Score", "### Improved Response")
    result = parse_reply(reply, "Ice.", "stop")
    assert isinstance(result, Rejection)
    assert result.reason in ("weaknesses_missing", "sections_ambiguous")


def test_joiners_between_letters_stay():
    reply = written(
        "**Weaknesses:** نمی‌خواهم", "### Suggestions", "Overall Score", "### Improved Response"
    )
    result = parse_reply(reply.replace("\n1. Vague.", ""), "Ice.", "stop")
    assert result.critique.weaknesses == ["نمی‌خواهم"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.没有长度。\n2.没有来源。", ["没有长度。", "没有来源。"]),
        ("١. لا طول.\n٢. لا مصدر.", ["لا طول.", "لا مصدر."]),
        ("①没有长度。\n②没有来源。", ["没有长度。", "没有来源。"]),
        ("一、没有长度。\n二、没有来源。", ["没有长度。", "没有来源。"]),
        ("特になし。", []),
        ("无。", []),
        ("कोई नहीं।", []),
    ],
)
def test_lists_in_other_scripts(text, expected):
    reply = written("### Weaknesses", "### Suggestions", "Overall Score", "### Improved Response")
    result = parse_reply(reply.replace("1. Vague.", text), "Ice.", "stop")
    assert result.critique.weaknesses == expected


def test_the_prompt_forbids_to_translate_them():
    values = {"system": None, "instruction": "i", "response": "r"}
    assert "score line in English, exactly as shown here" in critique_prompt().render(**values)
    assert "keys in English, exactly as shown" in critique_prompt(as_json=True).render(**values)


@pytest.mark.parametrize("text", ["a" * 100_000, "弱" * 100_000, "弱点 / " * 20_000, "'a" * 50_000])
def test_long_lines_hold_no_title(text):
    title = find_title(text)
    assert title is None or title.end < 100
