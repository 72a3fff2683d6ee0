"""Files of Keras 1 and 2, and the old HDF5 format that Keras 3 still writes on request."""
