"""The codes of refusals: each is used, each is documented, and no problem goes without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from execution.core.problem_codes import Code, pydantic_code
from execution.core.problems import MAX_PROBLEMS, Problem, Refused, length_problem, refuse, refuse_if

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "error-codes.md"
REWRITE = "uv run python -m tests.core.test_problems"
REGISTRY = ROOT / "execution" / "core" / "problem_codes.py"


def document() -> str:
    """Return what docs/reference/error-codes.md must say."""
    rows = [f"| `{code}` | {code.field or '–'} | {code.meaning} | {code.remedy} |" for code in Code]
    return "\n".join(
        [
            "# Error codes",
            "",
            "When the desk refuses a request, its answer usually lists one or more problems. Each problem has a",
            "`code` for programs and a `message` for people. A code never changes its meaning, but a message may be",
            "reworded. The answer as a whole has the code of its first problem. An answer without problems has a code",
            "of its own, such as `not_found`. Later versions may add codes.",
            "",
            "The table says what each code means and what you can do. The column *field* names the wrong field of",
            "your request. A dash means that the problem is about the whole request. The fields `value` and `limit`",
            "of a problem say what you sent and what is allowed ([an example](api.md#errors)).",
            "",
            f"This page is generated from `execution/core/problem_codes.py` by `{REWRITE}`. A test holds both equal.",
            "",
            "| code | field | meaning | what to do |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def test_the_documented_codes_are_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), f"run {REWRITE}"


def test_every_code_is_used() -> None:
    files = [path for room in ("config", "dashboard", "execution") for path in (ROOT / room).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path != REGISTRY)
    used = set(re.findall(r"\bCode\.([A-Z_]+)", text))
    assert {code.name for code in Code} - used == set()


@pytest.mark.parametrize("code", Code)
def test_a_code_is_its_name_and_its_texts_are_short_sentences(code: Code) -> None:
    assert code.value == code.name.lower()
    for text in (code.meaning, code.remedy):
        assert re.fullmatch(r"[A-Z`].*\.", text)
        assert len(text.split()) <= 20


def test_a_problem_without_a_code_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="code"):
        Problem("quantity", "Quantity is missing.")  # type: ignore[call-arg]


def test_refusing_raises_one_problem_with_its_value_and_limit_as_text() -> None:
    with pytest.raises(Refused, match=r"Too many\.") as refused:
        refuse("slices", "Too many.", 12, 10, code=Code.TOO_MANY_SLICES)
    (problem,) = refused.value.problems
    assert (problem.field, problem.value, problem.limit) == ("slices", "12", "10")
    assert problem.code == "too_many_slices"
    refuse_if([])


def test_a_cut_list_of_problems_says_how_many_more_there_are() -> None:
    problem = length_problem("name", "The name", "x" * 41, 40)
    assert problem.message == "The name has 41 characters. It may have at most 40."
    *_, last = Refused([problem] * (MAX_PROBLEMS + 5)).problems
    assert (last.message, last.code) == ("There are 5 more problems.", Code.MORE_PROBLEMS)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("missing", Code.VALUE_MISSING),
        ("extra_forbidden", Code.FIELD_UNKNOWN),
        ("greater_than", Code.VALUE_OUT_OF_RANGE),
        ("string_too_long", Code.LENGTH_OUT_OF_RANGE),
        ("literal_error", Code.VALUE_NOT_ALLOWED),
        ("string_type", Code.VALUE_WRONG_TYPE),
        ("value_error", Code.VALUE_MALFORMED),
    ],
)
def test_an_error_of_pydantic_has_a_code(kind: str, code: Code) -> None:
    assert pydantic_code(kind) is code


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
