"""keras-hub: a small ResNet as an image classifier."""

import keras
import keras_hub
from image_classifier import trained

keras.utils.set_random_seed(0)
backbone = keras_hub.models.ResNetBackbone(
    input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 128],
    stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block", image_shape=(16, 16, 3),
)  # fmt: skip
model = keras_hub.models.ResNetImageClassifier(backbone, num_classes=2, preprocessor=None)
trained(model, keras.optimizers.SGD(1e-2), epochs=5)
