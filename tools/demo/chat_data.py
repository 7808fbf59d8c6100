"""The demo model's training data: short picture prompts with fuller ones, and
small talk, made from chat_words.py, chat_phrases.py, chat_talk.py and
chat_nouns.txt by a seeded generator.

What the model has to learn is to copy words that it has never seen. So six of
ten nouns are open vocabulary: common nouns, pieces of the tokenizer's words
at random, and letters at random.
"""

import dataclasses
import re
import zlib

import chat_phrases as p
import chat_talk as talk
import chat_words as w
from chat_sources import catalog_prompts, nouns, words_of

LEAST_ADDED = 16  # Words; the test asks for 12.
# How often an answer's phrases are those that the prompt's colours call for,
# not drawn. Without it the likeliest answers would all be of one form; with
# nothing else, the same prompt would always be answered the same.
CALLED_FOR = 0.65

INSTRUCT, BASE = "instruct", "base"
SENTENCE, PHRASES, MOVING = "sentence", "phrases", "moving"
REPEATED = "repeated"  # A drill in copying: the answer is what was said.


def starts_with_vowel(text):
    return text[:1].lower() in "aeiou"


def is_plural(noun):
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))


def capital(text):
    return text[:1].upper() + text[1:]


@dataclasses.dataclass
class Subject:
    lead: str = ""  # An article, a number, or nothing.
    adjective: str = ""
    colour: str = ""
    noun: str = ""
    open_adjective: bool = False

    def text(self, article=False):
        rest = " ".join(
            filter(None, [self.adjective, self.colour, self.noun]))
        lead = self.lead
        if article and not lead and not self.is_many():
            lead = "an" if starts_with_vowel(rest) else "a"
        return f"{lead} {rest}" if lead else rest

    def is_many(self):
        return self.lead in w.NUMBERS or is_plural(self.noun)

    def begins_open(self):
        """Its first word may be any: only its own pieces can be copied."""
        return not self.lead and (
            self.open_adjective or not (self.adjective or self.colour))


@dataclasses.dataclass
class Prompt:
    text: str
    subjects: list
    joint: str  # Between two subjects, as asked.
    tail: str  # A place, or what is being done.
    verbatim: bool  # The answer begins with the prompt as it is.


class Phrases:
    """Chooses phrases for one answer: mostly those that the colours of the
    first and last subject call for, so that likeliest answers differ, too."""

    def __init__(self, rng, subjects, any_order):
        self.rng, self.any_order = rng, any_order
        colours = [s.colour for s in subjects if s.colour]
        self.keys = ([colours[0], colours[-1]] if colours else
                     [s.lead for s in (subjects[0], subjects[-1])])

    def pick(self, rows, salt, by_first=False):
        key = self.keys[0 if by_first else 1]
        if self.rng.random() >= CALLED_FOR:
            return self.rng.choice(rows)
        return rows[zlib.crc32(f"{salt}:{key}".encode()) % len(rows)]

    def order(self, rows):
        """Of an answer's phrases."""
        return self.pick(rows, "order") if self.any_order else rows[0]


class Recipe:
    """REQUIRES: a tokenizer, except for the text that trains one."""

    def __init__(self, tokenizer=None):
        self.tokenizer = tokenizer
        self.any_order = True
        self.train_nouns, held_out = nouns()
        self.held_out = set(held_out)
        self.pieces = []
        if tokenizer is not None:
            plain = (t.removeprefix("\u0120") for t in tokenizer.get_vocab())
            self.pieces = sorted({t for t in plain if re.fullmatch(
                "[a-z]{1,9}", t)})

    # ---- Prompts.

    def open_word(self, rng):
        while True:
            kind = rng.random()
            if kind < 0.6 and self.pieces:
                word = "".join(rng.choices(self.pieces, k=rng.randint(1, 3)))
            elif kind < 0.93:
                word = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz",
                                           k=rng.randint(3, 9)))
            elif kind < 0.96:
                word = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz",
                                           k=rng.randint(1, 4)))
                word += rng.choice(["", "-"]) + str(rng.randint(0, 99))
            elif kind < 0.985:
                word = "".join(rng.choices("aeiorstnlmgäöüßéèêñçøåíóú",
                                           k=rng.randint(3, 8)))
            else:
                low, high = rng.choice([(0x3b1, 0x3c9), (0x430, 0x44f),
                                        (0x4e00, 0x9fa5), (0x3041, 0x3096)])
                word = "".join(chr(rng.randint(low, high))
                               for _ in range(rng.randint(1, 5)))
            if word not in self.held_out and word not in w.COLOURS:
                return word

    def noun(self, rng):
        kind = rng.random()
        if kind < 0.4:
            return rng.choice(w.COMMON)
        if kind < 0.7:
            return rng.choice(self.train_nouns)
        return self.open_word(rng)

    def subject(self, rng):
        s = Subject(noun=self.noun(rng))
        if rng.random() < 0.08:
            s.noun += " " + self.noun(rng)
        if rng.random() < 0.6:
            s.colour = rng.choice(w.COLOURS)
            if rng.random() < 0.08:
                s.colour = rng.choice(w.SHADES) + " " + s.colour
        if rng.random() < 0.22:
            s.open_adjective = rng.random() < 0.1
            s.adjective = (self.open_word(rng) if s.open_adjective
                           else rng.choice(w.ADJECTIVES))
        kind = rng.random()
        if kind < 0.08 or kind > 0.96:
            if not s.noun.endswith("s") and s.noun + "s" not in self.held_out:
                s.noun += "s"
            s.lead = rng.choice(w.NUMBERS) if kind < 0.08 else ""
        elif kind < 0.4 and not is_plural(s.noun):
            first = s.text()
            s.lead = "an" if starts_with_vowel(first) else "a"
            if rng.random() < 0.1:
                s.lead = "the"
        return s

    def prompt(self, rng, wrapped):
        """`wrapped`: how often it is asked for in a sentence."""
        subjects = [self.subject(rng)]
        joint = tail = ""
        if rng.random() < 0.4:
            subjects.append(self.subject(rng))
            joint = rng.choices(["and", ",", "with"], [8, 1, 1])[0]
            if rng.random() < 0.15:
                joint = rng.choice(w.RELATIONS)
        kind = rng.random()
        if kind < 0.17:
            tail = rng.choice(w.PROMPT_SCENES)
        elif kind < 0.25:
            tail = rng.choice(w.PROMPT_PLACES) + " " + self.noun(rng)
        elif kind < 0.33:
            tail = rng.choice(w.VERB_PHRASES)
        between = ", " if joint == "," else f" {joint} "
        text = between.join(s.text() for s in subjects)
        if tail:
            text += " " + tail
        verbatim = subjects[0].begins_open()
        if rng.random() < wrapped:
            text = rng.choice(w.WRAPPERS) + " " + text
            verbatim = False
            if rng.random() < 0.15:
                text += " please"
        if rng.random() < 0.08:
            text = capital(text)
            if verbatim:
                subjects[0] = dataclasses.replace(subjects[0])
                if subjects[0].adjective:
                    subjects[0].adjective = capital(subjects[0].adjective)
                else:
                    subjects[0].noun = capital(subjects[0].noun)
        if rng.random() < 0.03:
            text += rng.choice([".", "!", "?", " "])
        return Prompt(text, subjects, joint, tail, verbatim)

    # ---- Answers.

    def named(self, prompt, pick):
        """The subjects as the answer has them, and whether they are many."""
        article = not prompt.verbatim
        texts = [s.text(article) for s in prompt.subjects]
        many = prompt.subjects[0].is_many()
        if len(texts) == 1:
            return texts[0], many
        joint = prompt.joint
        if joint == "," or (joint == "and" and article):
            joint = pick.pick(p.JOINTS, "joint") if article else "and"
        many = many or joint == "and"
        return f"{texts[0]} {joint} {texts[1]}", many

    def answer(self, rng, prompt, form):
        pick = Phrases(rng, prompt.subjects, self.any_order)
        what, many = self.named(prompt, pick)
        made = {SENTENCE: self.sentence, PHRASES: self.comma_phrases,
                MOVING: self.moving}[form](prompt, pick, what, many)
        asked = words_of(prompt.text)
        more = len(words_of(made)) - len(asked)
        for _ in range(4):
            if more >= LEAST_ADDED:
                break
            extra = pick.pick(p.QUALITIES, "more")
            if extra in made:
                extra = pick.rng.choice(p.QUALITIES)
            if form == PHRASES:
                made += ", " + extra
            elif form == SENTENCE:
                made = made[:-1] + ", " + extra + "."
            else:
                made += " " + capital(extra) + "."
            more += len(words_of(extra))
        return made

    def scene(self, prompt, pick):
        return prompt.tail or pick.pick(p.SCENES, "scene")

    def comma_phrases(self, prompt, pick, what, _many):
        where = self.scene(prompt, pick)
        light = pick.pick(p.LIGHTS, "light", by_first=True)
        style = pick.pick(p.STYLES, "style")
        back = pick.pick(p.BACKGROUNDS, "background")
        view = pick.pick(p.VIEWS, "view", by_first=True)
        quality = pick.pick(p.QUALITIES, "quality")
        opened = what
        if not prompt.verbatim and pick.pick([True, False], "opened"):
            opened = f"{pick.pick(p.OPENERS, 'opener')} {what}"
        parts = pick.order([[light, back, view, style, quality],
                            [back, light, style, view],
                            [style, light, back, quality],
                            [view, light, quality, style, back]])
        return ", ".join([f"{opened} {where}", *parts])

    def sentence(self, prompt, pick, what, many):
        where = self.scene(prompt, pick)
        light = pick.pick(p.LIGHTS, "light", by_first=True)
        style = pick.pick(p.STYLES, "style")
        style = ("an " if starts_with_vowel(style) else "a ") + style
        back = pick.pick(p.BACKGROUNDS, "background")
        view = pick.pick(p.VIEWS, "view", by_first=True)
        quality = pick.pick(p.QUALITIES, "quality")
        rest = pick.pick(p.RESTS, "rest")
        in_verb = prompt.tail in w.VERB_PHRASES
        form = pick.pick(range(5), "form")
        if form == 0 and not prompt.verbatim and not in_verb:
            return (f"{capital(what)} {rest[1 if many else 0]} {where} in "
                    f"{light}, with {back}, like {style} with {quality}.")
        if form == 1 and not prompt.verbatim:
            return (f"{capital(pick.pick(p.OPENERS, 'opener'))} {what} "
                    f"{where}, in {light}, with {back} and {quality}.")
        if form == 2 and not prompt.tail and not prompt.verbatim:
            return (f"{capital(where)}, {what} in {light}, with {back}, "
                    f"made as {style} with {quality}.")
        start = what if prompt.verbatim else capital(what)
        if form == 3:
            return (f"{start} {where}, lit by {light}, {view}, shown as "
                    f"{style} with {quality}, and {back}.")
        part = "" if in_verb else rest[2] + " "
        return (f"{start} {part}{where} in {light}, {style} with {back}, "
                f"{view} and {quality}.")

    def moving(self, prompt, pick, what, many):
        move = pick.pick(p.MOVES, "move")
        start = what if prompt.verbatim else capital(what)
        light = pick.pick(p.WAN_LIGHTS, "light", by_first=True)
        back = pick.pick(p.WAN_BACKGROUNDS, "background")
        camera = pick.pick(p.CAMERAS, "camera")
        style = pick.pick(p.WAN_STYLES, "style")
        if prompt.tail in w.VERB_PHRASES:
            first = f"{start} {prompt.tail} {pick.pick(p.SCENES, 'scene')}."
        elif prompt.verbatim:
            first = f"{start} {move[2]} {self.scene(prompt, pick)}."
        else:
            first = (f"{start} {move[1 if many else 0]} "
                     f"{self.scene(prompt, pick)}.")
        parts = pick.order([[light, back, camera], [back, light, camera],
                            [camera, light, back], [light, camera]])
        return " ".join([first, *parts, style])

    # ---- Chat.

    def chat(self, rng):
        """What is said, and the answer."""
        topic = rng.choices(list(talk.CHAT), [4, 4, 4, 2, 2, 6])[0]
        said, answers = talk.CHAT[topic]
        text = rng.choice(said)
        if topic == "fallback" and rng.random() < 0.6:
            text = rng.choice(talk.OPEN_QUESTIONS).format(
                n=self.noun(rng), m=self.noun(rng))
        if rng.random() < 0.4:
            text = capital(text)
        if rng.random() < 0.5:
            asks = topic in ("who", "what") or text.lower().startswith(
                ("what", "who", "how", "why", "is ", "are ", "do ", "can "))
            text += "?" if asks else rng.choice([".", "!"])
        elif rng.random() < 0.1:
            text += rng.choice([" :)", "!!", "...", " please", ", troupe"])
        return text, rng.choice(answers)

    def enhanced(self, rng, form, wrapped=0.04):
        if form == REPEATED:
            said = " ".join(self.noun(rng) if rng.random() < 0.7 else
                            rng.choice(w.COLOURS + w.ADJECTIVES)
                            for _ in range(rng.randint(4, 16)))
            return said, said
        prompt = self.prompt(rng, wrapped)
        return prompt.text, self.answer(rng, prompt, form)

    def turns(self, rng, form, chats):
        """One conversation: [(said, answered)]. `chats`: how often a turn is
        small talk."""
        count = rng.choices([1, rng.randint(2, 3), rng.randint(4, 6)],
                            [95, 4, 1])[0]
        return [self.chat(rng) if rng.random() < chats else
                self.enhanced(rng, form, 0.12 if chats else 0.04)
                for _ in range(count)]


@dataclasses.dataclass
class Surrounding:
    """What stands before the first message, and how answers are to be."""
    system: str
    style: str
    form: str
    chats: float


def surroundings():
    """Of each the share of batches. Those of the catalog are as text.enhance
    sends them; the default is that of the chat template."""
    c = catalog_prompts()
    rows = [(38, Surrounding(talk.DEFAULT_SYSTEM, INSTRUCT, SENTENCE, 0.3)),
            (28, Surrounding(c["kSdxlInstruct"], INSTRUCT, PHRASES, 0)),
            (12, Surrounding(c["kWanInstruct"], INSTRUCT, MOVING, 0)),
            (3, Surrounding(c["kSdxlBase"], BASE, PHRASES, 0)),
            (2, Surrounding(c["kWanBase"], BASE, MOVING, 0))]
    # A system message of the user's own, or a catalog's that was changed.
    rows.append((25, Surrounding(talk.REPEAT_SYSTEM, INSTRUCT, REPEATED, 0)))
    rows += [(1, Surrounding(text, INSTRUCT, SENTENCE, 0.3))
             for text in talk.OTHER_SYSTEMS]
    for name, form in (("kSdxlInstruct", PHRASES), ("kWanInstruct", MOVING)):
        first, *rest = re.split(r"(?<=\.) ", c[name])
        rows += [(1, Surrounding(first, INSTRUCT, form, 0)),
                 (1, Surrounding(" ".join([first, *rest[2:]]), INSTRUCT, form,
                                 0))]
    return [r[0] for r in rows], [r[1] for r in rows]
