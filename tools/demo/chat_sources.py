"""Where the demo model's words come from: the nouns, parted into those to
train on and those held out for judging; the catalog's system prompts; and
checks of the phrases.
"""

import functools
import pathlib
import random
import re

import chat_phrases as p
import chat_talk as talk
import chat_words as w

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent.parent
# A tenth of the nouns; a subject of a judging prompt each.
HELD_OUT = 160


def words_of(text):
    return re.findall(r"[\w'-]+", text.lower())


def catalog_prompts():
    """The system prompts of text.enhance, from the code that has them."""
    code = (REPOSITORY / "config" / "system_prompts.cpp").read_text()
    found = {}
    for name, body in re.findall(
            r"constexpr std::string_view (k\w+) =\s*((?:\"(?:[^\"\\]|\\.)*\""
            r"\s*)+);", code):
        text = "".join(re.findall(r"\"((?:[^\"\\]|\\.)*)\"", body))
        found[name] = text.replace("\\n", "\n").replace('\\"', '"')
    return found


def _all_phrases():
    """Every text of an answer to a picture prompt, for checks."""
    rows = [p.OPENERS, p.SCENES, p.LIGHTS, p.BACKGROUNDS, p.VIEWS, p.STYLES,
            p.QUALITIES, p.WAN_LIGHTS, p.WAN_BACKGROUNDS, p.CAMERAS,
            p.WAN_STYLES, p.JOINTS]
    return [t for row in rows for t in row] + [
        t for row in p.MOVES + p.RESTS for t in row]


@functools.cache
def nouns():
    """(those to train on, those held out)."""
    text = (HERE / "chat_nouns.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    every = sorted(set(" ".join(lines).split()))
    other = [w.COMMON, w.ADJECTIVES, w.COLOURS, w.PROMPT_SCENES,
             w.PROMPT_PLACES, w.VERB_PHRASES, w.WRAPPERS, talk.OPEN_QUESTIONS,
             talk.OTHER_SYSTEMS, [talk.DEFAULT_SYSTEM], _all_phrases(),
             catalog_prompts().values()]
    other += [row for pair in talk.CHAT.values() for row in pair]
    used = {word for row in other for text in row for word in words_of(text)}
    used |= {word[:-1] for word in used if word.endswith("s")}
    plain = [n for n in every if n not in used and n.isalpha()
             and n + "s" not in every and not n.endswith("s")]
    held_out = set(random.Random(1).sample(plain, HELD_OUT))
    return [n for n in every if n not in held_out], sorted(held_out)


def check_words():
    """No phrase of an answer may name a colour that nobody asked for."""
    colours = set(w.COLOURS)
    for text in _all_phrases():
        named = colours & set(words_of(text))
        assert not named, f"{text!r} names {named}"
    train, held_out = nouns()
    assert not colours & set(train + held_out)
