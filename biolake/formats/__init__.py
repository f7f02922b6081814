"""Files of the molecular field read into one shape: one module per format, bytes in, `Dataset` or a named error out.

What arrives in a bucket and when it is read is not decided here (`biolake.arrivals`), nor how it is stored
(`biolake.lake`).
"""
