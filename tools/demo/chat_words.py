"""The words of short picture prompts, all written for this purpose. What is
added to them is in chat_phrases.py, what is said in a chat in chat_talk.py.
"""


def lines(text):
    return [line.strip() for line in text.strip().splitlines()]


COLOURS = """
red blue green yellow orange purple pink brown black white grey gray golden
silver turquoise violet crimson beige teal cyan magenta maroon scarlet indigo
gold ivory lilac bronze copper emerald lavender navy amber tan
""".split()

SHADES = "light dark pale bright deep".split()

NUMBERS = "two three four five six seven".split()

ADJECTIVES = """
big small old young tiny huge little large tall short round flat long wide
thin thick heavy shiny rusty broken wooden stone metal plastic paper woollen
striped spotted furry fluffy smooth rough wet dry dusty muddy frozen melting
burning floating flying sleeping sleepy happy sad angry tired brave shy lonely
friendly fierce wild tame ancient modern futuristic magical giant giant-sized
elegant simple plain ornate beautiful ugly pretty funny strange mysterious
abandoned ruined empty open closed clean dirty soft hard sharp curved
transparent glowing sparkling gentle proud lazy curious wise cute
""".split()

# The most usual subjects: four of ten.
COMMON = """
circle square triangle cube ball sphere star heart cone pyramid ring line
cylinder spiral cross oval hexagon cat dog horse bird fish rabbit fox bear
lion tiger elephant mouse owl frog butterfly bee whale dragon robot knight
king queen wizard astronaut sailor child woman man house castle tower bridge
ship boat car train bicycle balloon rocket tree flower leaf apple pear lemon
banana cup bottle vase lamp candle chair table book clock door window key
umbrella hat shoe coat bell guitar piano violin drum kite box basket stone
mountain island lighthouse windmill tent cloud moon sun cake bread teapot
""".split()

PROMPT_SCENES = lines("""
on a table
on a wooden table
on a shelf
on a hill
on a beach
on the beach
on the moon
on a chair
on a roof
on a stone
in a forest
in the forest
in a garden
in the garden
in a field
in a room
in a box
in a city
in the city
in the desert
in the snow
in the rain
in the fog
in space
in the sky
in the mountains
in winter
in spring
in summer
in autumn
at night
at sunrise
at sunset
at the sea
at the window
by a river
by the sea
by a lake
by the window
under a tree
under a bridge
under the stars
under water
near a house
near a river
""")

# With an open noun after it.
PROMPT_PLACES = lines("""
on a
in a
under a
near a
behind a
in front of a
next to a
on top of a
inside a
on the
in the
above the
below the
""")

VERB_PHRASES = lines("""
sleeping
running
jumping
flying
swimming
dancing
reading a book
drinking tea
eating
playing chess
playing the piano
looking at the stars
looking out
walking in the rain
walking through a town
sitting on a bench
sitting by the fire
standing alone
waiting
singing
floating in the air
rolling down a hill
climbing a mountain
crossing a river
holding a lantern
wearing a hat
riding a bicycle
sailing home
falling
spinning
""")

RELATIONS = ["on", "next to", "behind", "in front of", "under", "beside",
             "near", "with", "above", "inside"]

WRAPPERS = lines("""
draw
please draw
paint
please paint
show me
imagine
a picture of
a photo of
a painting of
an image of
make a picture of
create an image of
I want a picture of
I would like a picture of
can you draw
can you paint
could you draw
make this fuller:
make this prompt fuller:
prompt:
picture:
""")
