"""A stack of another machine: the same attributes, asked over REST."""
