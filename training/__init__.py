"""How the embedded models were made: a GAN that learned the portraits, a network that reads them.

prerender.py         make the training set, with the renderer of the family `portraits`
latents.py           how the latent z of `demo` stands for factors
train_regressor.py   train the scorer `factors`, whose network lies beside its entry
train.py             train the generator; losses discriminator muon are its parts
networks.py          networks laid out for training; the scorer's, folded and written
export.py            write the weights that ship: demo.safetensors
evaluate.py          measure them: the figures of CARD.md
fit_directions.py    find the direction sets that ship, in directions/

Run from a checkout: python -m training.train --help. None of it is in the wheel.
"""
