"""The snippets of seed 003, as they stand. `tf.Module` is TensorFlow's own."""

# -- from the text
import keras

model = keras.Sequential()
model.add(keras.layers.Dense(input_shape=(10,), units=10, activation='relu'))
# --
chain = [c.__name__ for c in keras.Sequential.__mro__]
order = [chain.index(name) for name in ("Sequential", "Functional", "Model", "Layer")]
assert order == sorted(order)
assert model.output_shape == (None, 10)

# -- from the text
import tensorflow as tf

constant_tensor = tf.constant([10, 20, 30])
class MyModule(tf.Module):
  def __init__(self, *args, **kwargs):
    super().__init__(*args, **kwargs)
    with self.name_scope:  # Open the name space.
      self.variable = tf.Variable(
          constant_tensor, name="my_variable")  # Create in the name space.
# --

module = MyModule()
assert module.variable.name == "my_module/my_variable:0"
assert module.variables == (module.variable,)
assert tf.keras.layers.Layer is keras.layers.Layer
