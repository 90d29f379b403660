"""Films as preset files: times in seconds, beats and a hold; a walk."""

FILM = """\
schema = 1
seconds = 4
bpm = 60
[scene]
model = "demo"
seed = 7
[[scene.edits]]
direction = "demo/smile"
strength = { keys = [[0, -2, "hold"], ["1s", 2], ["3s", 0]] }
[[outputs]]
path = "film.gif"
fps = 10
"""
WALK = """\
schema = 1
seconds = 4
[scene]
model = "demo"
seed = { walk = [7, 9] }
[[scene.edits]]
direction = "demo/smile"
strength = { from = -2, to = 2 }
[[outputs]]
path = "film.gif"
fps = 10
"""
