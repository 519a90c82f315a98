"""Image files and arrays: which formats, how they are stored, and how they become a net's input."""
