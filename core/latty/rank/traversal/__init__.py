"""A traversal: every direction from every seed, its codes, pictures, films and scores, in a folder.

    traverse.json         what it is of: directions, strengths, starts, the SHA-256 of all (header)
    latents.safetensors   "codes" (K, N, T, D) float32, as the synthesis reads them: truncated, with
                          the edit; (K, N, T, L, D) where layers read different ones. "strengths"
                          (K, T) float64; "random" and "random_strengths" of the random directions
    walks/                the pictures exactly as they were drawn, in pieces (walk_file)
    films/                of each walk: the original, the moving picture, name, strength, a bar
    scores/               a file for each scorer (latty.rank.score_store)

All of it grows in the work folder beside its place, a file at a time, and gets its name whole; a
run that was killed goes on with the first file that is missing, and has the same bytes. Memory
depends on none of K, N and T. `latty rank` scores what is kept, and draws nothing.

    task     what is wanted            pieces   how it is cut       drawing, handing  the pictures
    making   all of it, in order       filming, composing  films    describing, arrays  what is told
    header   what traverse.json says   judging, keeping  scores of what is kept
"""
