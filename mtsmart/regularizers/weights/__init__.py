"""Methods that act on weights, on gradients or on which weights a run keeps, one file a method.

A method in this folder is found by itself, as one in the folder above.
"""
