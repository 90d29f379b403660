"""latty's headless half. What lives where, bottom floor first:

    errors.py      what can go wrong, with a message, a hint and an exit code
    report.py      how long work speaks and is cancelled
    scene.py       the words: Layers, Walk, Edit, Scene
    home.py        the only file that knows directories
    files.py       a file appears under its name only when it is whole
    shard.py       a piece of long work that any process can do
    plugins.py     a folder is a registry: names(package), load(package, name, attribute)
    checkpoints/   reading weight files; nothing in them is ever run
    models/        one file per generator family
    latents/       stored latents, where a scene may start instead of at a seed
    attributes/    one file per scorer: what a picture is like
    directions/    one file per method: how to find a direction and how to move along it
    edits/         a stack of edits applied to latents
    presets/       a TOML file becomes a Preset; Preset.at(t) is a Scene
    render/        a Scene becomes a picture, a Preset becomes a GIF
    rank/          what each direction does to each attribute, in figures and files
    jobs/          work that outlives the terminal; shards over processes and machines
    demo/          the two models that ship with latty, and how they were made
    config.py      settings: flag, environment, latty.toml, config.toml
    cli.py         one command line: parse, call, print; verbs/ has one file per verb

Each floor imports itself and what is above it in this list, never what is below.
"""

__version__ = "0.1.0"
