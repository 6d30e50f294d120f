"""An organisation's own cookiecutter template through the same door: where it lies, what it asks, what it leads to.

Reading and rendering are cookiecutter's. Ours is what stands around them: no code of the template runs before a person
has agreed to it, an answer is a text and never a program, and the tree appears whole or not at all.
"""
