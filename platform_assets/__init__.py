"""The asset graph: declarations that call the library. `definitions` puts it together; what an asset does is in
`biolake`.
"""
