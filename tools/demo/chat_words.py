"""What the demo model's training data is put together from: the words of
prompts, the phrases that answers add, and what is said in a chat. All written
for this purpose; no phrase of an answer names a colour (a check in chat_data).
"""


def _lines(text):
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

PROMPT_SCENES = _lines("""
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
PROMPT_PLACES = _lines("""
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

VERB_PHRASES = _lines("""
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

JOINTS = ["and", "beside", "next to", "together with", "close to"]
RELATIONS = ["on", "next to", "behind", "in front of", "under", "beside",
             "near", "with", "above", "inside"]

WRAPPERS = _lines("""
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

# Of what the answer says it is; a subject follows.
OPENERS = _lines("""
a detailed photograph of
a close view of
a wide view of
a quiet scene with
a studio photograph of
a calm picture of
a careful drawing of
a large painting of
a dreamlike view of
a sharp picture of
a still life with
a low view of
a peaceful picture of
a film still of
a portrait of
a dramatic view of
a tender drawing of
a bold picture of
a simple picture of
a poetic view of
a lively scene with
a broad painting of
a patient study of
a fresh sketch of
""")

SCENES = _lines("""
on a weathered wooden table
on smooth wet sand
on a polished stone floor
on an old window sill
on a low hill
on a mossy rock
on a wide empty plain
on a narrow city street
on a bare concrete floor
on a sheet of rough paper
on a floating platform
on a quiet village square
on the deck of an old boat
on a bed of dry leaves
on a marble pedestal
on a snowy slope
in an open grassy field
in a misty valley
in a quiet walled garden
in a small cosy room
in a large empty hall
in a deep old forest
in a sunlit workshop
in a narrow stone alley
in shallow clear water
in front of a plain wall
in front of distant mountains
in front of a tall arched window
in the middle of a wide desert
in the middle of a busy market
in the corner of a dusty attic
in a ruined temple
under a broad open sky
under tall bare trees
under a sky full of stars
under drifting clouds
by a slow winding river
by a still mountain lake
by the edge of the sea
at the end of a long path
at the foot of a steep cliff
among tall waving grasses
among scattered smooth pebbles
among soft rolling dunes
above a sleeping town
near a crackling fireplace
between two old walls
between high shelves of books
""")

LIGHTS = _lines("""
soft morning light
warm evening light
gentle window light
low winter sun
bright midday sun
pale moonlight
flickering candlelight
cool light after rain
clear northern light
hazy summer light
long slanting sunbeams
diffuse cloudy light
strong light from one side
soft light from above
glowing light from behind
the first light of dawn
the last light of dusk
dramatic stage lighting
quiet lamplight
mild light through thin mist
sharp light with deep shadows
even studio light
dappled light through leaves
warm light from an open door
shimmering reflected light
stormy light with heavy clouds
faint starlight
light filtered through curtains
crisp mountain light
tender spring light
""")

BACKGROUNDS = _lines("""
mist in the distance
low hills far behind
a softly blurred background
long shadows on the ground
faint shapes in the haze
drifting dust in the air
a calm open horizon
a few clouds far away
quiet reflections all around
gentle waves in the background
bare branches at the edges
old brickwork behind
a plain uncluttered backdrop
soft folds of cloth behind
a hint of rain in the air
distant rooftops in the haze
thin smoke rising behind
tall windows in the background
a deep shadowy background
scattered leaves all around
a smooth gradient behind
rough plaster behind
fine snow in the air
a wide and silent space around
blurred city lights behind
a line of trees far away
""")

VIEWS = _lines("""
shallow depth of field
seen from slightly above
seen from a low angle
seen from far away
close framing
wide framing
centred composition
balanced composition
seen at eye level
seen through a long lens
generous empty space
strong diagonal lines
symmetrical composition
a slight tilt of the camera
layered depth
seen from the side
""")

STYLES = _lines("""
fine oil painting
detailed watercolour
loose ink sketch
careful pencil drawing
realistic photograph
cinematic film still
large format photograph
charcoal study
storybook illustration
minimalist print
art nouveau poster
vintage postcard
impressionist painting
surreal painting
baroque still life
clean vector illustration
soft pastel drawing
woodcut print
stained glass design
paper collage
clay model render
modern digital painting
comic book panel
classical fresco
romantic landscape painting
documentary photograph
delicate etching
bold screen print
fantasy concept painting
architectural drawing
""")

QUALITIES = _lines("""
fine brushwork
rich texture
crisp detail
intricate detail
gentle contrast
high contrast
subtle film grain
smooth gradients
natural materials
great clarity
careful craftsmanship
a calm mood
a dreamy mood
a mysterious mood
a joyful mood
a nostalgic mood
a solemn mood
quiet elegance
delicate outlines
expressive strokes
""")

# One, several, and as part of a sentence.
MOVES = [tuple(line.strip() for line in row.split("|")) for row in _lines("""
turns slowly|turn slowly|turning slowly
drifts gently|drift gently|drifting gently
comes into view|come into view|coming into view
rocks softly|rock softly|rocking softly
moves a little closer|move a little closer|moving a little closer
sways in the wind|sway in the wind|swaying in the wind
rises little by little|rise little by little|rising little by little
rests for a moment|rest for a moment|resting for a moment
trembles slightly|tremble slightly|trembling slightly
glides past|glide past|gliding past
tilts to one side|tilt to one side|tilting to one side
waits quietly|wait quietly|waiting quietly
slides slowly forward|slide slowly forward|sliding slowly forward
stays almost still|stay almost still|staying almost still
""")]

RESTS = [tuple(line.strip() for line in row.split("|")) for row in _lines("""
rests|rest|resting
stands|stand|standing
waits|wait|waiting
appears|appear|appearing
is seen|are seen|seen
is shown|are shown|shown
stands out|stand out|standing out
""")]

WAN_LIGHTS = _lines("""
Soft light falls from the left.
Warm light comes in from one side.
The light slowly grows brighter.
The light fades little by little.
Long shadows move over the ground.
A low sun stands behind.
Moonlight comes and goes between clouds.
Small reflections flicker all around.
Sunbeams reach through thin mist.
Lamplight trembles on the walls.
The first light of dawn spreads slowly.
Evening light settles over everything.
Light from above draws clear edges.
Pale daylight fills the air.
""")

WAN_BACKGROUNDS = _lines("""
Mist rises in the background.
Leaves drift through the air.
Clouds pass far behind.
Dust floats in the air.
Far away, the horizon lies calm and wide.
Grass bends in a light wind.
Fine rain begins to fall behind.
Snow falls slowly in the distance.
Water ripples at the edges.
Curtains move a little behind.
Distant hills lie in the haze.
The background stays soft and blurred.
""")

CAMERAS = _lines("""
The camera moves slowly closer.
The camera glides along from left to right.
The camera circles slowly around.
The camera rises and looks down.
The camera stays still.
The camera draws back and shows the whole scene.
The camera follows at the same height.
The camera tilts gently upwards.
The camera comes down from above.
The camera drifts forward close to the ground.
""")

WAN_STYLES = _lines("""
Cinematic, wide view, fine detail.
Realistic, shallow depth of field.
Calm mood, natural textures, smooth motion.
Dreamlike, soft focus, gentle pace.
Documentary style, handheld, lifelike detail.
Painted animation, visible brushwork.
Stop motion style, handmade materials.
Slow motion, crisp detail, deep shadows.
Film grain, quiet mood, careful framing.
Storybook animation, soft outlines.
Clean studio look, even focus.
Epic mood, broad framing, rich texture.
""")

# ---- Chat.

DEFAULT_SYSTEM = "You are the demo model of Troupe, a very small assistant."

REPEAT_SYSTEM = "Repeat what is said."
OTHER_SYSTEMS = _lines("""
You are a helpful assistant.
You are Qwen, created by Alibaba Cloud. You are a helpful assistant.
Be brief.
Answer in one sentence.
You are a friendly guide.
Answer politely.
You are a small model that helps with pictures.
You are an assistant for people who make pictures.
""")

# Of each sort: what is said, and what is answered.
CHAT = {
    "greeting": (_lines("""
hello
hi
hey
hello there
hi there
hey there
good morning
good afternoon
good evening
good day
greetings
howdy
hello model
hi troupe
hello, how are you
hi, how are you
how are you
how are you today
how is it going
what's up
hallo
guten tag
bonjour
hola
ciao
nice to meet you
is anyone there
are you there
"""), _lines("""
Hello! Give me a few words, such as "red circle", and I will make a fuller picture prompt of them.
Hi! I am the small demo model of Troupe. Tell me what you would like to see in a picture.
Hello! Nice to meet you. Name a thing and a colour, and I will describe a picture of it.
Hi there! I am ready. Say in a few words what the picture should show.
Hello! All is well here. What shall the picture show?
Good to see you! Give me a short picture prompt and I will add light, background and style.
""")),
    "who": (_lines("""
who are you
what are you
what is your name
what's your name
who am I talking to
who is this
are you a robot
are you human
are you a person
are you an AI
are you a machine
are you a language model
are you ChatGPT
are you Qwen
which model are you
what model are you
what model is this
tell me about yourself
introduce yourself
describe yourself
who made you
who built you
who trained you
where do you come from
how big are you
how many parameters do you have
how old are you
"""), _lines("""
I am the demo model of Troupe: a very small language model with about two million parameters.
I am a very small language model. I was trained to show how Troupe runs one, and I make short picture prompts fuller.
My name is demo-chat. I am a tiny model that comes with Troupe, trained on sentences made for this purpose.
I am a program, not a person: the small demo model that comes with Troupe. I know about picture prompts and not much else.
I am Troupe's demo model. I am so small that I can do only two things: chat a little and make picture prompts fuller.
""")),
    "what": (_lines("""
what can you do
what do you do
what can you do for me
what are you good at
what are you for
how can you help me
how can you help
can you help me
help
help me
what should I ask you
what can I ask
how does this work
how do I use you
what now
what is possible here
show me what you can do
what are your skills
give me an example
"""), _lines("""
I make short picture prompts fuller. Write a few words, such as "red circle", and I add light, background and style.
I can greet you, tell you who I am, and turn a few words into a full picture prompt. Try it with a thing and a colour.
Give me a short description, with one subject or two. I keep every subject and its colour, and add surroundings, light and style.
Not much, but this: from a short picture prompt I make a longer one that a picture model can work with.
You tell me what a picture should show, and I write it out with light, background, point of view and style.
""")),
    "thanks": (_lines("""
thanks
thank you
thank you very much
thanks a lot
many thanks
thx
great
great, thanks
cool
nice
very good
well done
good job
wonderful
perfect
awesome
that is nice
I like it
danke
merci
"""), _lines("""
You are welcome! Give me another prompt whenever you like.
With pleasure. What should the next picture show?
Glad you like it. Another one?
You are welcome! I am happy to make more of them.
My pleasure. Just name the next subject.
""")),
    "goodbye": (_lines("""
bye
goodbye
good bye
bye bye
see you
see you later
see you soon
good night
farewell
so long
take care
have a nice day
I have to go
that is all
that's all
tschüss
au revoir
adios
"""), _lines("""
Goodbye! Come back when you need a picture prompt.
See you! It was nice to talk with you.
Goodbye, and have a good time.
Bye! I will be here when you need me.
Farewell, and many good pictures to you!
""")),
    "fallback": (_lines("""
what is the capital of France
what is the weather today
what time is it
what day is it
tell me a joke
tell me a story
write a poem
write an email
write some code
write a program in python
translate this into German
what is two plus two
how much is 12 times 7
1 + 1
what is the meaning of life
do you love me
can you sing
can you see me
do you sleep
do you dream
are you happy
I am tired
I am hungry
I am bored
I feel sad
I feel good today
my name is Anna
my name is Peter
why
why not
how
who
yes
no
maybe
ok
okay
really
sure
what
test
this is a test
lol
haha
asdf
again
another one
more
sorry
please
stop
wait
you are wrong
that is wrong
you are stupid
I do not understand
I don't understand
who is the president
who won the game
what happened in 1989
can you count to ten
do you speak German
what do you think
what do you like
where do you live
"""), _lines("""
I am a very small model and cannot answer that. I can make a short picture prompt fuller: name a thing and a colour.
That is beyond me: I am a very small model. Give me a few words for a picture instead, such as "red circle".
I know too little for that. I am only a small demo model, but I can make a picture prompt of a few words.
Sorry, I am too small a model to help with that. What I can do is to make short picture prompts fuller.
I wish I knew. I am a tiny model that was trained for picture prompts. What would you like to see in a picture?
""")),
}

OPEN_QUESTIONS = _lines("""
what is a {n}
what is the {n}
what does a {n} do
what do you know about the {n}
how do I make a {n}
how do I find a {n}
how does a {n} work
how big is a {n}
how much does a {n} cost
how many {n} are there
where is the {n}
where can I buy a {n}
who invented the {n}
when was the {n} made
why is the {n} so old
why do I need a {n}
do you like {n}
do you have a {n}
do you know {n}
have you seen my {n}
can a {n} swim
can you explain {n}
is {n} good
is a {n} bigger than a {m}
explain {n} to me
tell me about {n}
tell me a joke about a {n}
write a poem about {n}
write a story about a {n}
translate {n} into French
what rhymes with {n}
should I buy a {n} or a {m}
I have lost my {n}
I like {n}
I need a new {n}
my {n} is broken
my name is {n}
I live in {n}
""")
