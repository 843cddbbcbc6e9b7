"""The titles of a reply's sections, in English and as models translate them.

The prompts ask for English headings. A critic that translates them all the same, or writes both
("Weaknesses (弱点)"), is read: the languages are Arabic, Chinese (simplified and traditional),
French, German, Hindi, Italian, Japanese, Korean, Portuguese, Russian and Spanish.
"""

import re
import unicodedata
from typing import NamedTuple

TITLES = {
    "weaknesses": (
        *("identified weaknesses", "weaknesses", "weakness"),
        *("缺点", "缺點", "弱点", "弱點", "不足", "不足之处", "不足之處", "缺陷", "主要缺点"),
        *("欠点", "短所", "問題点", "약점", "단점", "문제점", "부족한 점"),
        *("debilidades", "debilidad", "puntos débiles", "deficiencias"),
        *("faiblesses", "faiblesse", "points faibles"),
        *("schwächen", "schwaechen", "schwäche", "schwachstellen", "schwachpunkte", "mängel"),
        *("fraquezas", "fraqueza", "pontos fracos", "deficiências"),
        *("debolezze", "debolezza", "punti deboli", "punti di debolezza", "carenze"),
        *("слабые стороны", "слабости", "слабые места", "недостатки"),
        *("نقاط الضعف", "نقاط ضعف", "جوانب الضعف", "أوجه القصور", "العيوب", "السلبيات"),
        *("कमजोरियाँ", "कमजोरी", "कमियाँ", "कमी", "खामियाँ"),
    ),
    "suggestions": (
        *("suggestions for improvement", "actionable suggestions", "suggestions", "suggestion"),
        *("建议", "建議", "改进建议", "改進建議", "修改建议", "修改建議", "改善建议", "改善建議"),
        *("提案", "改善案", "改善提案", "改善の提案", "改善策"),
        *("제안", "제안 사항", "제안사항", "개선 제안", "개선 방안", "개선 제안 사항"),
        *("sugerencias", "sugerencia", "sugerencias de mejora", "sugerencias para mejorar"),
        *("propuestas de mejora", "suggestions d'amélioration", "propositions d'amélioration"),
        *("pistes d'amélioration", "vorschläge", "vorschlaege", "vorschlag"),
        *("verbesserungsvorschläge", "verbesserungsvorschlag", "vorschläge zur verbesserung"),
        *("sugestões", "sugestão", "sugestões de melhoria", "sugestões para melhoria"),
        *("suggerimenti", "suggerimento", "suggerimenti di miglioramento"),
        *("suggerimenti per il miglioramento", "proposte di miglioramento"),
        *("предложения", "предложения по улучшению", "рекомендации по улучшению"),
        *("الاقتراحات", "اقتراحات", "المقترحات", "مقترحات", "اقتراحات للتحسين"),
        *("اقتراحات التحسين", "مقترحات التحسين", "مقترحات للتحسين"),
        *("सुझाव", "सुधार के सुझाव", "सुधार के लिए सुझाव"),
    ),
    "score": (
        *("overall score", "final score", "total score", "score"),
        *("overall rating", "final rating", "overall grade", "final grade"),
        *("总体评分", "總體評分", "总评分", "總評分", "总分", "總分", "综合评分", "綜合評分"),
        *("整体评分", "整體評分", "最终评分", "最終評分", "总体得分", "综合得分", "總體得分"),
        *("総合評価", "総合スコア", "総合点", "総合得点", "全体評価", "全体スコア", "最終スコア"),
        *("종합 점수", "종합점수", "총점", "전체 점수", "최종 점수", "종합 평점", "종합 평가"),
        *("puntuación general", "puntuación global", "puntuación total", "puntuación final"),
        *("calificación general", "calificación global", "calificación final", "nota global"),
        *("calificación total", "puntaje general", "puntaje total", "puntaje final", "nota final"),
        *("valoración general", "valoración global", "note globale", "note générale"),
        *("note finale", "note d'ensemble", "score global", "score général", "score final"),
        *("score total", "évaluation globale", "gesamtbewertung", "gesamtpunktzahl", "gesamtnote"),
        *("gesamtwertung", "pontuação geral", "pontuação global", "pontuação total"),
        *("pontuação final", "nota geral", "avaliação geral", "classificação geral"),
        *("punteggio complessivo", "punteggio totale", "punteggio finale", "punteggio globale"),
        *("punteggio generale", "valutazione complessiva", "valutazione finale"),
        *("voto complessivo", "voto finale", "общая оценка", "итоговая оценка", "общий балл"),
        *("итоговый балл", "التقييم العام", "التقييم الإجمالي", "التقييم الكلي"),
        *("التقييم النهائي", "الدرجة الإجمالية", "الدرجة الكلية", "الدرجة النهائية"),
        *("النتيجة الإجمالية", "कुल स्कोर", "समग्र स्कोर", "अंतिम स्कोर", "कुल अंक", "समग्र अंक"),
        *("समग्र मूल्यांकन", "कुल मूल्यांकन"),
    ),
    "improved": (
        *("improved response", "improved answer", "refined response", "revised response"),
        *("refinement", "改进回答", "改进回复", "改進回答", "改進回應", "改善回答"),
        *(
            f"{verb}{link}{noun}"
            for verb in ("改进", "优化", "修改", "修订", "改善", "完善")
            for link in ("后的", "的", "后")
            for noun in ("回答", "回复", "答案", "响应")
        ),
        *(
            f"{verb}{link}{noun}"
            for verb in ("改進", "優化", "修改", "修訂", "改善", "完善")
            for link in ("後的", "的", "後")
            for noun in ("回答", "回覆", "回應", "答案")
        ),
        *(
            f"{verb}{link}{noun}"
            for verb in ("改善", "改良", "修正", "改訂")
            for link in ("された", "した", "後の", "版の")
            for noun in ("回答", "応答", "返答")
        ),
        *("개선된 답변", "개선된 응답", "개선 답변", "개선된 답", "수정된 답변", "수정된 응답"),
        *("향상된 답변", "향상된 응답", "respuesta mejorada", "respuesta revisada"),
        *("respuesta refinada", "respuesta corregida", "réponse améliorée", "réponse révisée"),
        *("réponse affinée", "réponse corrigée", "verbesserte antwort", "überarbeitete antwort"),
        *("verfeinerte antwort", "korrigierte antwort", "resposta melhorada"),
        *("resposta aprimorada", "resposta revisada", "resposta revista", "resposta refinada"),
        *("resposta aperfeiçoada", "risposta migliorata", "risposta rivista", "risposta affinata"),
        *("risposta perfezionata", "улучшенный ответ", "исправленный ответ"),
        *("доработанный ответ", "переработанный ответ", "пересмотренный ответ"),
        *("الإجابة المحسنة", "الاستجابة المحسنة", "الرد المحسن", "الإجابة المنقحة"),
        *("الإجابة المعدلة", "الاستجابة المعدلة", "الرد المنقح", "الرد المعدل"),
        *("बेहतर उत्तर", "बेहतर प्रतिक्रिया", "बेहतर जवाब", "सुधारित उत्तर", "सुधारित प्रतिक्रिया"),
        *("सुधरा हुआ उत्तर", "सुधारा हुआ उत्तर", "संशोधित उत्तर", "संशोधित प्रतिक्रिया", "उन्नत उत्तर"),
    ),
    # Praise, which the prompt does not ask for. It never belongs to the section before it.
    "strengths": (
        *("positive aspects", "strengths", "strength", "positives", "pros"),
        *("优点", "優點", "优势", "優勢", "長所", "強み", "강점", "장점", "fortalezas"),
        *("puntos fuertes", "points forts", "stärken", "staerken", "pontos fortes"),
        *("punti di forza", "сильные стороны", "достоинства", "نقاط القوة", "الإيجابيات"),
        *("मजबूत पक्ष", "खूबियाँ"),
    ),
}
# Words for a score that are other things too ("Note: …"): titles only where a score follows.
_RATINGS = (
    *("rating", "grade", "评分", "評分", "得分", "分数", "分數", "スコア", "評価", "点数", "점수"),
    *("평점", "puntuación", "calificación", "puntaje", "valoración", "note", "bewertung", "nota"),
    *("punktzahl", "wertung", "pontuação", "avaliação", "punteggio", "voto", "valutazione"),
    *("оценка", "балл", "التقييم", "الدرجة", "النتيجة", "स्कोर", "अंक", "रेटिंग"),
)

# `\w` has no combining marks: accents on their own, and the vowels of Arabic and Hindi.
_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u3099\u309a"
# Marks without which a title is the same, and the stroke that lengthens an Arabic word.
_OPTIONAL = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670\u0900-\u0902\u093c]")
_LETTER = rf"(?:[^\W\d_]|[{_MARKS}])"
# Longer than the longest title, which is all that a word is read for.
_WORD = rf"{_LETTER}{{1,30}}+(?:['’-]{_LETTER}{{1,30}}+)?"
_PHRASE = rf"{_WORD}(?:\s{{1,3}}{_WORD}){{0,4}}"
_NEXT_WORD = re.compile(_WORD)
# The first letters of an ASCII line.
_LETTERS_OF = re.compile(r"[^A-Za-z]*+([A-Za-z]*+)")
_ENDS_IN_WORD = re.compile(_LETTER)
# The same title in another language, behind the first.
_GLOSS = re.compile(
    rf"(?P<lead>[\s*_]{{0,6}}+)(?:[(（]\s?(?P<in_brackets>{_PHRASE})\s?[)）]"
    rf"|[/|／｜]\s{{0,2}}(?P<marks>[*_]{{0,3}}+)(?P<after_slash>{_PHRASE})(?P=marks)"
    rf"|[-–—]?\s{{0,2}}(?P<plain>{_PHRASE}))"
)
_FOREIGN_TITLE = re.compile(rf"(?P<foreign>{_PHRASE})\s?(?=[(（/|／｜])")


class Title(NamedTuple):
    """`end` is where it ends in its line; `tail` is the rest, without a translation."""

    name: str  # a key of TITLES
    end: int
    tail: str
    is_loose: bool  # a title only where a score follows


def title_key(title: str) -> str:
    """The letters that count: lower case, without accents, optional vowels and spacing.

    >>> title_key("Réponse  améliorée") == title_key("reponse amelioree")
    True
    """
    if not title.isascii():
        title = _OPTIONAL.sub("", unicodedata.normalize("NFKD", title.replace("’", "'")))
    return " ".join(title.lower().split())


_NAME_OF = {title_key(title): name for name, titles in TITLES.items() for title in titles}
_LOOSE = frozenset(map(title_key, _RATINGS))
_NAME_OF |= dict.fromkeys(_LOOSE, "score")
_FIRST_WORDS = frozenset(key.split()[0] for key in _NAME_OF)
# The letters that such a word begins with, up to an apostrophe or hyphen.
_FIRST_LETTERS = frozenset(re.split("['-]", word)[0] for word in _FIRST_WORDS if word.isascii())
_MOST_WORDS = max(len(key.split()) for key in _NAME_OF)


def find_title(text: str, start: int = 0) -> Title | None:
    """The title that begins at `start`, with its translation if there is one.

    >>> find_title("Weaknesses (弱点): too short")
    Title(name='weaknesses', end=10, tail=': too short', is_loose=False)
    >>> find_title("Weaknesses of the Empire").tail
    ' of the Empire'
    """
    first = _NEXT_WORD.match(text, start)
    if not first:
        return None
    found = _known(text, start) if title_key(first[0]) in _FIRST_WORDS else None
    return found or (None if text.isascii() else _behind_foreign(text, start))


def may_have_title(line: str) -> bool:
    """False for an ASCII line in which `find_title` finds nothing before the first letter.

    >>> may_have_title("1. **Weaknesses**"), may_have_title("1. It has weaknesses.")
    (True, False)
    """
    return _LETTERS_OF.match(line)[1].lower() in _FIRST_LETTERS


def name_of_title(title: str) -> str | None:
    """The section that `title` names, if it is one and nothing else."""
    key = title_key(title)
    return None if key in _LOOSE else _NAME_OF.get(key)


def _known(text: str, start: int) -> Title | None:
    words, end = [], start
    while len(words) < _MOST_WORDS and (word := _NEXT_WORD.match(text, end)):
        words.append(word)
        end = word.end()
        while end < len(text) and end < word.end() + 3 and text[end].isspace():
            end += 1
    for word in reversed(words):
        key = title_key(text[start : word.end()])
        name = _NAME_OF.get(key)
        if name and not _ENDS_IN_WORD.match(text, word.end()):
            tail = _without_gloss(text[word.end() :], name)
            return Title(name, word.end(), tail, key in _LOOSE)
    return None


def _without_gloss(tail: str, name: str) -> str:
    gloss = _GLOSS.match(tail)
    if not gloss:
        return tail
    phrase = gloss["in_brackets"] or gloss["after_slash"] or gloss["plain"]
    known = _NAME_OF.get(title_key(phrase))
    is_translation = known == name or (
        known is None and not phrase.isascii() and not gloss["plain"]
    )
    return gloss["lead"].strip() + tail[gloss.end() :] if is_translation else tail


def _behind_foreign(text: str, start: int) -> Title | None:
    """A title behind the same one in a language that is not known: `Điểm yếu (Weaknesses)`."""
    foreign = _FOREIGN_TITLE.match(text, start)
    if not foreign or foreign["foreign"].isascii():
        return None
    gloss = _GLOSS.match(text, foreign.end())
    phrase = gloss and (gloss["in_brackets"] or gloss["after_slash"])
    name = name_of_title(phrase) if phrase else None
    return Title(name, gloss.end(), text[gloss.end() :], False) if name else None
