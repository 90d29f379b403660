"""The embedded models: a portrait renderer, a GAN that learned it, a network that reads it.

renderer.py          23 factors -> picture, in closed form; _shapes _face _hair are its parts
latents.py           how the latent z of `demo` stands for factors
regressor.py         picture -> 23 factors: the scorer
prerender.py         make the training set
train_regressor.py   train the scorer
train.py             train the generator; losses discriminator muon are its parts
export.py            write the weights that ship: demo.safetensors, regressor.safetensors
evaluate.py          measure them: the figures of CARD.md
fit_directions.py    find the direction sets that ship, in directions/
"""
