'''A layer of one's own on the engine of Keras 1.2.'''
import numpy as np
from keras import backend as K
from keras.engine.topology import Layer, InputSpec, Container, Node
from keras.layers import Input, Dense
from keras.models import Model


class Scaled(Layer):
    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        self.input_spec = [InputSpec(ndim=2)]
        super(Scaled, self).__init__(**kwargs)

    def build(self, input_shape):
        self.W = self.add_weight(shape=(input_shape[1], self.output_dim), initializer='uniform', name='W')
        self.scale = self.add_weight(shape=(1,), initializer='one', name='scale')
        super(Scaled, self).build(input_shape)

    def call(self, x, mask=None):
        return K.dot(x, self.W) * self.scale

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)


a = Input(shape=(5,))
layer = Scaled(3)
b = layer(a)
c = Dense(2)(b)
model = Model(input=a, output=c)
node = layer.inbound_nodes[0]
assert node.outbound_layer is layer and node.inbound_layers[0] is model.layers[0]
assert node.input_tensors[0] is a and node.output_shapes == [(None, 3)]
assert isinstance(model, Container) and isinstance(node, Node)
model.compile('sgd', 'mse')
model.fit(np.ones((8, 5)), np.ones((8, 2)), nb_epoch=1, verbose=0)
W, scale = layer.get_weights()
x = np.random.rand(2, 5).astype('float32')
assert np.allclose(K.function([a], [b])([x])[0], x.dot(W) * scale, atol=1e-5)
