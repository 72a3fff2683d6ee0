"""keras-hub: a small vision transformer as an image classifier."""

import keras
import keras_hub
from image_classifier import trained

keras.utils.set_random_seed(0)
backbone = keras_hub.models.ViTBackbone(
    image_shape=(16, 16, 3), patch_size=(4, 4), num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32,
    dropout_rate=0.0, attention_dropout=0.0, layer_norm_epsilon=1e-6,
)  # fmt: skip
model = keras_hub.models.ViTImageClassifier(backbone, num_classes=2, preprocessor=None)
trained(model, keras.optimizers.Adam(3e-3), epochs=6)
