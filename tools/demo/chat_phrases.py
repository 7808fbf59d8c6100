"""The phrases that answers to picture prompts add, all written for this
purpose; none names a colour (a check in chat_sources.py).
"""

from chat_words import lines

# Between two subjects.
JOINTS = ["and", "and", "beside", "next to", "together with", "close to"]

# Of what the answer says it is; a subject follows.
OPENERS = lines("""
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

SCENES = lines("""
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

LIGHTS = lines("""
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

BACKGROUNDS = lines("""
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

VIEWS = lines("""
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

STYLES = lines("""
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

QUALITIES = lines("""
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
MOVES = [tuple(line.strip() for line in row.split("|")) for row in lines("""
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

RESTS = [tuple(line.strip() for line in row.split("|")) for row in lines("""
rests|rest|resting
stands|stand|standing
waits|wait|waiting
appears|appear|appearing
is seen|are seen|seen
is shown|are shown|shown
stands out|stand out|standing out
""")]

WAN_LIGHTS = lines("""
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

WAN_BACKGROUNDS = lines("""
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

CAMERAS = lines("""
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

WAN_STYLES = lines("""
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
