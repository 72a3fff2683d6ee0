"""A module of Keras that holds nothing but modules."""
