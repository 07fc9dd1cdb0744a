"""What runs models that are not ONNX: tree libraries in this process, Python code in a process of its own.

Shared by the registry and the prediction server; nothing heavy is imported before a model needs it.
"""
