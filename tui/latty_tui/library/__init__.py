"""What there is to open and to steer by: models, directions, and what users mark and name.

models.py, fetching.py, dropping.py     models here and in the zoo, and files that are handed over
sets.py, known.py, direction_words.py   sets of directions, read without torch, and their words
direction_files.py, naming.py           renamed, turned, deleted, exported, kept
marks.py                                stars and tags
"""
