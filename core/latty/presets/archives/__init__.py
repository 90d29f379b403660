"""`.latty`: a preset and all that it names in one file, to be rendered on another machine.

A ZIP archive whose members are stored as they are: TOML, safetensors, numpy arrays, sounds, fonts.
Nothing in it is a program or a pickle. Its first member, latty.json, says what each name of each
preset stands for, and the SHA-256 of every member; of models it says where they are from.

manifest.py   what latty.json says, and whether a file is an archive
opening.py    an archive checked and unpacked in latty's cache
origins.py    where a model is from, and what of it is here
packing.py    an archive made of presets
"""
