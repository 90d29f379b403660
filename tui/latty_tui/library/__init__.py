"""What there is to open and to steer by: models, directions, and what users mark and name.

models.py, opening.py         models here and in the zoo; whatever a name or a path means
sets.py, direction_facts.py   sets of directions, read without torch, and what their files say
edit_layers.py                the layers of an edit, by keys
marks.py                      stars and tags
"""
